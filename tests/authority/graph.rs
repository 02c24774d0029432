//! `make certs`: a graph of keys, requests and certificates that makes anew only what is no longer good.

use crate::cases;
use crate::common::{bin, checkout, run, text};
use crate::lab::Lab;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

cases! {
    ["make"] make_certs_makes_all_and_says_what_it_runs,
    ["make"] making_again_changes_nothing_that_is_good,
    ["make"] what_ends_within_seven_days_is_renewed,
    ["make"] after_a_new_authority_everything_is_signed_again,
    ["make"] a_new_key_gets_a_new_request_and_certificate,
    ["make"] a_damaged_certificate_is_made_again,
    ["make"] a_second_make_certs_is_refused_and_the_first_is_whole,
    ["make"] clean_certs_leaves_what_is_not_ours,
}

fn make(lab: &Lab, goal: &str) -> Command {
    let mut command = Command::new("make");
    command.args(["--no-print-directory", "-C"]).arg(checkout()).arg(goal);
    command.env("PADLOCK_BIN", bin()).env("PADLOCK_CERTS", lab.path("certs")).stdin(Stdio::null());
    for variable in ["MAKEFLAGS", "MAKELEVEL", "CAROOT", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}

fn certs(lab: &Lab) -> Output {
    let out = run(&mut make(lab, "certs"));
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    out
}

/// Every file below `certs/` with its content and time.
fn state(lab: &Lab) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    fn walk(directory: PathBuf, into: &mut BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(path, into);
            } else {
                let content = std::fs::read(&path).unwrap();
                into.insert(path.clone(), (content, std::fs::metadata(&path).unwrap().modified().unwrap()));
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(lab.path("certs"), &mut all);
    all
}

const SERVER: &str = "certs/server/localhost.fullchain.pem";
const GUEST: &str = "certs/users/guest/fullchain.pem";

fn is_good(lab: &Lab) {
    for (name, file) in [("localhost", SERVER), ("::1", SERVER), ("guest.users.test", GUEST)] {
        lab.ca(&["verify", "--cacert", "certs/ca/root.crt", "--name", name, file]);
    }
    for (chain, key) in [(SERVER, "certs/private/localhost.key"), (GUEST, "certs/users/guest/guest.key")] {
        padlock::certificate::Identity::load(&lab.path(chain), &lab.path(key)).unwrap();
    }
}

fn make_certs_makes_all_and_says_what_it_runs() {
    let lab = Lab::empty();
    let said = text(&certs(&lab).stdout);
    is_good(&lab);
    for step in ["./ca key ", "./ca request ", "./ca found", "./ca sign ", "./ca crl"] {
        assert!(said.contains(step), "no {step}: {said}");
    }
    assert!(lab.path("certs/crl/root.crl").exists() && lab.path("certs/crl/intermediate.crl").exists());
}

fn making_again_changes_nothing_that_is_good() {
    let lab = Lab::empty();
    certs(&lab);
    let before = state(&lab);
    let again = certs(&lab);
    assert!(state(&lab) == before, "something was made again");
    assert_eq!(text(&again.stdout) + &text(&again.stderr), "");
    // Nor is it when others were signed, or revoked, meanwhile.
    lab.ca(&["sign", "user", "alice"]);
    lab.ca(&["revoke", "alice"]);
    let before = state(&lab);
    certs(&lab);
    assert!(state(&lab) == before, "something was made again");
}

fn what_ends_within_seven_days_is_renewed() {
    let lab = Lab::empty();
    certs(&lab);
    let key = lab.read("certs/private/localhost.key");
    lab.ca(&["sign", "certs/server/localhost.csr", "--days", "6"]);
    let (short, guest) = (lab.read(SERVER), lab.read(GUEST));
    let said = text(&certs(&lab).stderr);
    assert!(said.contains("it ends within 7 days"), "{said}");
    assert_ne!(lab.read(SERVER), short);
    assert_eq!((lab.read(GUEST), lab.read("certs/private/localhost.key")), (guest, key), "what is good stays");
    lab.ca(&["sign", "certs/server/localhost.csr", "--days", "8"]);
    let long = lab.read(SERVER);
    certs(&lab);
    assert_eq!(lab.read(SERVER), long, "eight days are enough");
    is_good(&lab);
}

fn after_a_new_authority_everything_is_signed_again() {
    let lab = Lab::empty();
    certs(&lab);
    let key = lab.read("certs/private/localhost.key");
    // Founded by hand within the same second: times of files tell nothing.
    std::fs::remove_dir_all(lab.path("certs/ca")).unwrap();
    lab.ca(&["found"]);
    lab.run(&["sh", "-c", "find certs -type f -exec touch -d @1000000000 {} +"]);
    let said = text(&certs(&lab).stderr);
    assert!(said.contains("the authority was made again since"), "{said}");
    assert_eq!(lab.read("certs/private/localhost.key"), key);
    is_good(&lab);
    // And with none at all.
    std::fs::remove_dir_all(lab.path("certs/ca")).unwrap();
    certs(&lab);
    is_good(&lab);
}

fn a_new_key_gets_a_new_request_and_certificate() {
    let lab = Lab::empty();
    certs(&lab);
    std::fs::remove_file(lab.path("certs/private/localhost.key")).unwrap();
    certs(&lab);
    is_good(&lab);
}

fn a_damaged_certificate_is_made_again() {
    let lab = Lab::empty();
    certs(&lab);
    for file in [SERVER, "certs/crl/root.crl"] {
        std::fs::write(lab.path(file), "").unwrap();
        certs(&lab);
        assert_ne!(lab.read(file), "");
    }
    is_good(&lab);
}

fn a_second_make_certs_is_refused_and_the_first_is_whole() {
    let lab = Lab::empty();
    let start = || make(&lab, "certs").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut refused = 0;
    let both = [start(), start(), start()];
    for out in both.map(|child| child.wait_with_output().unwrap()) {
        let said = text(&out.stderr);
        if !out.status.success() {
            refused += 1;
            assert!(said.contains("ca: another make certs is at work") && said.contains("ca: hint: "), "{said}");
        }
    }
    assert!(refused < 3, "one of them makes the certificates");
    certs(&lab);
    is_good(&lab);
    assert_eq!(lab.ledger().len(), 5, "nothing was signed twice");
}

fn clean_certs_leaves_what_is_not_ours() {
    let lab = Lab::empty();
    certs(&lab);
    std::fs::write(lab.path("certs/README.md"), "kept").unwrap();
    assert!(run(&mut make(&lab, "clean-certs")).status.success());
    assert_eq!(state(&lab).len(), 1);
}
