#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use std::{
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use tempfile::TempDir;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "correct horse";

fn accounts() -> (TempDir, Accounts) {
    let folder = tempfile::tempdir().unwrap();
    let accounts = Accounts::new(folder.path().join("accounts")).unwrap();
    (folder, accounts)
}

/// The code of a refusal.
fn code(result: Result<(), NoEntry>) -> &'static str {
    match result {
        Ok(()) => "in",
        Err(NoEntry::Wrong) => "wrong",
        Err(NoEntry::Slow(_)) => "slow",
        Err(NoEntry::Error(e)) => e.code,
    }
}

#[test]
fn who_has_registered_signs_in_and_nobody_else_does() {
    let (_folder, accounts) = accounts();
    assert_eq!(accounts.count(), Ok(0));
    assert_eq!(code(accounts.sign_in("alice", PASSWORD, HERE)), "wrong");
    assert_eq!(code(accounts.register("alice", PASSWORD, HERE)), "in");
    assert_eq!(code(accounts.sign_in("alice", PASSWORD, HERE)), "in");
    for (name, password) in [("alice", "Correct horse"), ("alice", ""), ("bob", PASSWORD), ("Alice", PASSWORD), ("", ""), ("\n", "\n")] {
        assert_eq!(code(accounts.sign_in(name, password, HERE)), "wrong", "{name:?}");
    }
    assert_eq!(code(accounts.register("alice", "another password", HERE)), "account-taken");
    assert_eq!(code(accounts.sign_in("alice", PASSWORD, HERE)), "in");
}

#[test]
fn the_file_is_private_text_without_any_password_and_another_process_sees_it_at_once() {
    let (_folder, accounts) = accounts();
    let other = Accounts::new(&accounts.path).unwrap();
    for name in ["alice", "bob"] {
        assert_eq!(code(accounts.register(name, PASSWORD, HERE)), "in");
        assert_eq!(code(other.sign_in(name, PASSWORD, HERE)), "in");
    }
    let text = fs::read_to_string(&accounts.path).unwrap();
    let start = "$argon2id$v=19$m=19456,t=2,p=1$";
    assert!(text.lines().zip(["alice", "bob"]).all(|(line, name)| line.starts_with(&format!("{name}:{start}"))), "{text}");
    assert!(text.lines().count() == 2 && !text.contains("correct"));
    assert_eq!(fs::metadata(&accounts.path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn names_and_passwords_that_would_not_do_are_refused_and_written_nowhere() {
    let (_folder, accounts) = accounts();
    let long = "a".repeat(41);
    for name in ["", "Alice", "алиса", "爱丽丝", "al ice", " alice", "alice\n", "../alice", "a/b", "a:b", "-a", "a\0", "é", &long]
    {
        assert_eq!(code(accounts.register(name, PASSWORD, HERE)), "policy", "{name:?}");
    }
    for password in ["", "seven77", &"x".repeat(PASSWORD_MAX + 1)] {
        assert_eq!(code(accounts.register("alice", password, HERE)), "bad-password");
    }
    assert!(!accounts.path.exists());
    assert_eq!(code(accounts.register(&"a".repeat(40), "пароль и слово", HERE)), "in");
}

#[test]
fn a_damaged_file_is_said_and_left_as_it_is() {
    let (_folder, accounts) = accounts();
    code(accounts.register("alice", PASSWORD, HERE));
    let good = fs::read_to_string(&accounts.path).unwrap();
    let dear = good.replace("m=19456", "m=4194304");
    for (bad, line) in [
        (format!("{good}bob:secret\n"), 2),
        (format!("{good}\n"), 2),
        (format!("{good}{good}"), 2),
        (good[..good.len() - 9].to_string(), 1),
        (good.replace("argon2id", "argon2d"), 1),
        (good.replace("$m=", "$x="), 1),
        (dear, 1),
        ("\u{0}\u{0}\u{0}\u{0}".into(), 1),
    ] {
        fs::write(&accounts.path, &bad).unwrap();
        let error = accounts.count().unwrap_err();
        assert_eq!(error.code, "accounts-damaged", "{bad:?}");
        assert!(error.cause.contains(&format!("line {line}:")), "{error} for {bad:?}");
        assert_eq!(code(accounts.register("bob", PASSWORD, HERE)), "accounts-damaged");
        assert_eq!(code(accounts.sign_in("alice", PASSWORD, HERE)), "accounts-damaged");
        assert_eq!(fs::read_to_string(&accounts.path).unwrap(), bad);
    }
    fs::write(&accounts.path, [good.as_bytes(), b"\xff\xfe\n"].concat()).unwrap();
    assert!(accounts.count().unwrap_err().cause.ends_with("line 2: this is no text"));
    fs::write(&accounts.path, &good).unwrap();
    assert_eq!(code(accounts.sign_in("alice", PASSWORD, HERE)), "in");
}

#[test]
fn a_read_only_file_is_read_and_not_replaced() {
    let (_folder, accounts) = accounts();
    code(accounts.register("alice", PASSWORD, HERE));
    fs::set_permissions(&accounts.path, fs::Permissions::from_mode(0o400)).unwrap();
    let before = fs::read(&accounts.path).unwrap();
    assert_eq!(code(accounts.register("bob", PASSWORD, HERE)), "not-allowed");
    assert_eq!(code(accounts.sign_in("alice", PASSWORD, HERE)), "in");
    assert_eq!(fs::read(&accounts.path).unwrap(), before);
}

#[test]
fn of_many_who_register_at_once_in_two_processes_nobody_is_lost_and_each_name_is_given_once() {
    let (_folder, one) = accounts();
    let two = Accounts::new(&one.path).unwrap();
    let results: Vec<_> = thread::scope(|scope| {
        let register = |number: usize| {
            let whose = if number.is_multiple_of(2) { &one } else { &two };
            (number, code(whose.register(&format!("name-{}", number / 2), PASSWORD, HERE)))
        };
        let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || register(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for name in 0..8 {
        let mut both: Vec<_> = results.iter().filter(|(number, _)| number / 2 == name).map(|(_, code)| *code).collect();
        both.sort_unstable();
        assert_eq!(both, ["account-taken", "in"], "name-{name}");
    }
    assert_eq!(one.count(), Ok(8));
}

#[test]
fn what_a_killed_process_left_half_written_is_swept_and_nothing_else() {
    let (folder, accounts) = accounts();
    code(accounts.register("alice", PASSWORD, HERE));
    let make = |name: &str| fs::write(folder.path().join(name), "alice:").unwrap();
    for name in [".new-accounts.aB3dE6", ".new-accounts.zzzzzz", ".new-accounts.txt.aB3dE6", ".new-other.aB3dE6", "new-accounts.aB3dE6"] {
        make(name);
    }
    let again = Accounts::new(&accounts.path).unwrap();
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, [".new-accounts.txt.aB3dE6", ".new-other.aB3dE6", "accounts", "accounts.lock", "new-accounts.aB3dE6"]);
    assert_eq!(code(again.sign_in("alice", PASSWORD, HERE)), "in");
}

#[test]
fn a_server_that_starts_sweeps_nothing_that_another_is_writing() {
    let (_folder, accounts) = accounts();
    let registered = AtomicBool::new(false);
    thread::scope(|scope| {
        let starting = || {
            while !registered.load(Ordering::SeqCst) {
                Accounts::new(&accounts.path).unwrap();
            }
        };
        scope.spawn(starting);
        let said: Vec<_> = (0..16).map(|number| code(accounts.register(&format!("name-{number}"), PASSWORD, HERE))).collect();
        registered.store(true, Ordering::SeqCst); // before any assertion: the other thread ends by this
        assert_eq!(said, ["in"; 16]);
    });
    assert_eq!(accounts.count(), Ok(16));
}

#[test]
fn guessing_is_slowed_and_says_nothing_about_who_exists() {
    let (_folder, accounts) = accounts();
    let elsewhere = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    code(accounts.register("alice", PASSWORD, HERE));
    for name in ["alice", "nobody"] {
        let said: Vec<_> = (0..10).map(|_| code(accounts.sign_in(name, "wrong password", elsewhere))).collect();
        assert_eq!(said, [["wrong"; 8].as_slice(), &["slow"; 2]].concat(), "{name}");
    }
    assert_eq!(code(accounts.sign_in("alice", PASSWORD, elsewhere)), "slow");
    assert_eq!(code(accounts.sign_in("alice", PASSWORD, IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)))), "in");
    assert_eq!(code(accounts.sign_in("alice", PASSWORD, HERE)), "in");
}
