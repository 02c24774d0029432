//! A certificate is taken back while people talk.

use super::{
    cases,
    common::{program, run, text},
    peer::eventually,
    person::{Lab, connect},
};

cases! {
    [] whoever_is_revoked_loses_session_and_chats_and_nobody_else_notices,
    [] with_no_crl_nothing_happens,
}

fn whoever_is_revoked_loses_session_and_chats_and_nobody_else_notices() {
    let lab = Lab::of(&["alice", "bob", "carol"]);
    let directory = lab.directory(&[]);
    let port = directory.port("chat");
    let (mut alice, mut carol) = (lab.person("alice", port, &[]), lab.person("carol", port, &[]));
    // Bob's own client does not care.
    let mut bob = lab.person("bob", port, &["--no-crl"]);
    for person in [&alice, &bob, &carol] {
        person.hears("logged in");
    }
    connect(&mut alice, "alice", &mut bob, "bob");
    connect(&mut carol, "carol", &mut alice, "alice");
    lab.ca(&["revoke", "bob", "--reason", "keyCompromise"]);
    directory.logged("bob is out");
    alice.hears("The chat with bob is over");
    for what in ["bob's certificate", "The chat with alice is over"] {
        eventually(what, || bob.all().iter().any(|line| line.contains(what)));
    }
    carol.types("msg alice we go on");
    alice.hears("Message: we go on");
    let out = run(program("client", &lab.certs).args(["chat", "bob", "--directory", &format!("tls://localhost:{port}")]));
    assert_eq!(out.status.code(), Some(56), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("revoked"), "{}", text(&out.stderr));
    directory.logged("revoked");
}

fn with_no_crl_nothing_happens() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&["--no-crl"]);
    let port = directory.port("chat");
    let (mut alice, mut bob) = (lab.person("alice", port, &["--no-crl"]), lab.person("bob", port, &["--no-crl"]));
    bob.hears("logged in");
    connect(&mut alice, "alice", &mut bob, "bob");
    lab.ca(&["revoke", "bob"]);
    alice.types("msg bob still here?");
    bob.hears("Message: still here?");
    drop(bob);
    lab.person("bob", port, &["--no-crl"]).hears("logged in as bob");
}
