//! A certificate is taken back while its owner converses.

use super::{
    cases,
    common::{Server, good, own_certs, program},
    hostile::{is_echoed, line, shake_hands},
    peer::tcp,
};
use padlock::{authority::Places, certificate::Identity};
use std::io::{BufReader, Write};

cases! {
    [] whoever_is_revoked_while_they_converse_goes_and_the_others_stay,
}

fn whoever_is_revoked_while_they_converse_goes_and_the_others_stay() {
    let (_folder, certs) = own_certs();
    for name in ["alice", "bob"] {
        good(program("ca", &certs).args(["-q", "sign", "user", name]));
    }
    let server = Server::start_with(&certs, |command| command.arg("hello"));
    let greeted = |name: &str| {
        let (chain, key) = Places::new(&certs).user(name);
        let mut tls = BufReader::new(shake_hands(tcp(&server, "hello"), &Identity::load(&chain, &key).unwrap()));
        assert_eq!(line(&mut tls), format!("hello {name}\n"));
        tls
    };
    let (mut silent, mut reads, mut bob) = (greeted("alice"), greeted("alice"), greeted("bob"));
    reads.get_mut().write_all(b"telemetry 2000\n").unwrap();
    assert!(line(&mut reads).contains("seqNo"));
    good(program("ca", &certs).args(["-q", "revoke", "alice", "--reason", "keyCompromise"]));
    assert!(line(&mut silent).starts_with("refused: alice's certificate "));
    assert_eq!(line(&mut silent), "", "and nothing more");
    let mut last = line(&mut reads);
    while last.contains("seqNo") {
        last = line(&mut reads);
    }
    assert!(last.starts_with("refused: alice's certificate "), "{last:?}");
    server.logged(" is out: alice's certificate ");
    is_echoed(&mut bob);
}
