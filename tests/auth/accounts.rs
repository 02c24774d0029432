//! Accounts: made once, kept whatever happens, and of no help to who guesses.

use crate::{
    cases,
    common::{Server, certs, good, program, run, scratch, text},
    desk::{PASSWORD, auth_alone, curl, post, post_with, register, sign_in},
};
use serde_json::json;
use std::{collections::BTreeSet, fs, path::Path, process::Command, sync::Mutex, thread};

cases! {
    ["curl"] an_account_is_made_once_and_gets_tickets,
    ["curl"] names_and_passwords_that_would_not_do_are_refused_with_a_lesson,
    ["curl"] a_wrong_password_and_an_unknown_name_are_told_the_same,
    ["curl"] guessing_is_slowed_and_the_owner_still_comes_in_wherever_they_are,
    ["curl"] accounts_outlive_a_server_that_is_killed_while_they_are_made,
    ["curl"] two_servers_on_one_file_know_each_others_accounts,
    ["curl"] a_damaged_file_is_said_and_left_alone_while_everything_else_goes_on,
    ["root", "unshare", "mount", "curl"] a_full_disk_takes_no_account_and_loses_none,
}

fn on(accounts: &Path) -> Server {
    auth_alone(&["--accounts", accounts.to_str().unwrap()])
}

fn an_account_is_made_once_and_gets_tickets() {
    let server = auth_alone(&[]);
    let made = register(&server, "alice");
    assert_eq!((made.status, made.json()), (201, json!({ "name": "alice" })));
    let again = post(&server, "/accounts", &json!({ "name": "alice", "password": "something else" }));
    assert_eq!((again.status, again.code().as_str()), (409, "account-taken"));
    let answer = sign_in(&server, "alice", PASSWORD);
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    assert_eq!((answer.status, answer.json()["expires_in"].as_u64()), (200, Some(30)));
    assert!(ticket.len() == 32 && ticket.bytes().all(|digit| digit.is_ascii_hexdigit()), "{ticket}");
    assert_eq!(answer.field("Cache-Control"), "no-store");
    assert_eq!(sign_in(&server, "alice", "something else").status, 401);
}

fn names_and_passwords_that_would_not_do_are_refused_with_a_lesson() {
    let server = auth_alone(&[]);
    let long = "a".repeat(41);
    for name in ["", "Alice", "алиса", "爱丽丝", "al ice", "../alice", "a/b", "a:b", "a\nb", "-a", "\u{202e}a", &long] {
        let answer = register(&server, name);
        assert_eq!((answer.status, answer.code().as_str()), (400, "policy"), "{name:?}");
        assert!(answer.json()["error"]["hint"].as_str().unwrap().contains("40 at most"), "{}", answer.body);
    }
    for password in ["", "short", &"x".repeat(1000)] {
        let answer = post(&server, "/accounts", &json!({ "name": "alice", "password": password }));
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad-password"));
    }
    assert_eq!(register(&server, &"a".repeat(40)).status, 201);
}

fn a_wrong_password_and_an_unknown_name_are_told_the_same() {
    let server = auth_alone(&[]);
    register(&server, "alice");
    let told = |name, password| {
        let answer = sign_in(&server, name, password);
        let head: Vec<String> = answer.head.lines().filter(|line| !line.starts_with("Date:")).map(str::to_owned).collect();
        (answer.status, head, answer.body)
    };
    let wrong = told("alice", "wrong password");
    assert_eq!(wrong.0, 401);
    for name in ["bob", "../alice", "Alice", "", "алиса"] {
        assert_eq!(told(name, PASSWORD), wrong, "{name}");
    }
}

fn guessing_is_slowed_and_the_owner_still_comes_in_wherever_they_are() {
    let server = auth_alone(&[]);
    register(&server, "alice");
    let guess = |name: &str| {
        let body = json!({ "name": name, "password": "wrong password" }).to_string();
        post_with(&server, "/tickets", &body, &["--interface", "127.0.0.9"])
    };
    for name in ["alice", "nobody"] {
        let said: Vec<u16> = (0..9).map(|_| guess(name).status).collect();
        assert_eq!(said, [401, 401, 401, 401, 401, 401, 401, 401, 429], "{name}");
    }
    let slow = guess("alice");
    assert_eq!(slow.code(), "too-many-tries");
    assert!((1..=31).contains(&slow.field("Retry-After").parse::<u64>().unwrap()), "{}", slow.head);
    let right = json!({ "name": "alice", "password": PASSWORD }).to_string();
    for address in ["127.0.0.1", "127.0.0.10"] {
        assert_eq!(post_with(&server, "/tickets", &right, &["--interface", address]).status, 200, "{address}");
    }
}

fn accounts_outlive_a_server_that_is_killed_while_they_are_made() {
    let folder = scratch();
    let file = folder.path().join("accounts");
    let made = Mutex::new(BTreeSet::new());
    for round in 0..3 {
        let server = on(&file);
        let register_some = |worker: usize| {
            for number in 0..100 {
                let name = format!("name-{round}-{worker}-{number}");
                let body = json!({ "name": name, "password": PASSWORD }).to_string();
                let url = format!("https://localhost:{}/accounts", server.port("auth"));
                let mut curl = Command::new("curl");
                curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--cacert"])
                    .arg(certs().join("ca/root.crt"));
                let out = run(curl.args(["--header", "Content-Type: application/json", "--data-binary", &body, &url]));
                match text(&out.stdout).as_str() {
                    "201" => drop(made.lock().unwrap().insert(name)),
                    _ => return, // it is gone
                }
                if made.lock().unwrap().len() >= 6 * (round + 1) {
                    server.signal("KILL");
                }
            }
        };
        thread::scope(|scope| {
            for worker in 0..3 {
                scope.spawn(move || register_some(worker));
            }
        });
    }
    let server = on(&file);
    let kept: BTreeSet<String> =
        fs::read_to_string(&file).unwrap().lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    let made = made.into_inner().unwrap();
    assert!(made.len() >= 18 && made.is_subset(&kept), "made {made:?}, kept {kept:?}");
    assert_eq!(sign_in(&server, made.first().unwrap(), PASSWORD).status, 200);
    assert_eq!(sign_in(&server, made.last().unwrap(), PASSWORD).status, 200);
}

fn two_servers_on_one_file_know_each_others_accounts() {
    let folder = scratch();
    let file = folder.path().join("new/accounts");
    let (one, two) = (on(&file), on(&file));
    assert_eq!((register(&one, "alice").status, register(&two, "bob").status), (201, 201));
    assert_eq!((register(&two, "alice").status, register(&one, "bob").status), (409, 409));
    assert_eq!((sign_in(&two, "alice", PASSWORD).status, sign_in(&one, "bob", PASSWORD).status), (200, 200));
}

fn a_damaged_file_is_said_and_left_alone_while_everything_else_goes_on() {
    let folder = scratch();
    let file = folder.path().join("accounts");
    fs::write(&file, "alice:$argon2id$v=19$m=19456,t=2,p=1$c2hvcnQ\n").unwrap();
    let server = Server::start_with(certs(), |command| command.arg("--accounts").arg(&file));
    server.logged("nobody can sign in: ");
    for answer in [register(&server, "bob"), sign_in(&server, "alice", PASSWORD)] {
        assert_eq!((answer.status, answer.code().as_str()), (503, "accounts-unavailable"));
        assert!(!answer.body.contains("line 1") && !answer.body.contains(file.to_str().unwrap()), "{}", answer.body);
    }
    assert!(server.logged("not registered: ").contains("accounts, line 1: this is no account"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "alice:$argon2id$v=19$m=19456,t=2,p=1$c2hvcnQ\n");
    assert_eq!(curl(&server, "/healthz", &[]).status, 200);
    good(program("client", certs()).arg(format!("https://localhost:{}/healthz", server.port("web"))));
    // Whoever mends it need not start anything again.
    fs::write(&file, "").unwrap();
    assert_eq!(register(&server, "bob").status, 201);
}

fn a_full_disk_takes_no_account_and_loses_none() {
    let folder = scratch();
    let script = r#"set -e
        mkdir small && mount -t tmpfs -o size=64k none small
        "$SERVER" auth --port 0 --json --accounts small/accounts >ports 2>log &
        server=$!
        trap 'kill $server' EXIT
        until grep -q auth ports; do sleep 0.05; done
        port=$(sed 's/[^0-9]//g' ports)
        ask() { curl -s -o said -w '%{http_code} ' --cacert "$PADLOCK_CERTS/ca/root.crt" -H Content-Type:application/json -d "$2" https://localhost:$port/$1; }
        ask accounts '{"name":"alice","password":"correct horse"}'
        dd if=/dev/zero of=small/filler bs=1k 2>/dev/null || :
        cp small/accounts before
        ask accounts '{"name":"bob","password":"correct horse"}'
        ask tickets '{"name":"alice","password":"correct horse"}'
        cmp before small/accounts
        rm small/filler
        ask accounts '{"name":"bob","password":"correct horse"}'"#;
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "sh", "-c", script]).current_dir(folder.path());
    let said = good(inside.env("SERVER", crate::common::bin().join("server")).env("PADLOCK_CERTS", certs()).env_remove("RUST_LOG"));
    assert_eq!(said, "201 503 200 201 ");
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("no room is left on the disk"), "{log}");
}
