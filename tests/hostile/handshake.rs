//! Peers that break off, mangle or refuse the TLS handshake.

use super::common::Server;
use super::peer::{all, client, handshake, is_served, localhost, one_line, tcp, tls};
use padlock::tls::{self as ours, Failure, Settings};
use padlock::trust::Trust;
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rustix::net::sockopt::set_socket_linger;
use rustls::{AlertDescription as Alert, ClientConnection, HandshakeKind};
use std::{
    io::{Read, Write},
    net::Shutdown,
    time::Duration,
};

/// A ClientHello in its record, as an honest client sends it.
fn client_hello() -> Vec<u8> {
    let mut session = ClientConnection::new(client(&["http/1.1"]), localhost()).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    hello
}

/// A ClientHello as it was before TLS 1.3: the version in its own field, no extensions.
fn old_client_hello(version: u8) -> Vec<u8> {
    let suites = [0x00, 0x06, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f];
    let body = [&[3, version][..], &[7; 32], &[0], &suites, &[1, 0]].concat();
    let message = [&[1, 0, 0, body.len() as u8][..], &body].concat();
    [&[22, 3, 1, 0, message.len() as u8][..], &message].concat()
}

#[test]
fn half_a_client_hello_is_the_end_of_its_sender_alone() {
    let server = Server::start(&[]);
    let hello = client_hello();
    for length in [1, 5, 6, hello.len() / 2, hello.len() - 1] {
        let mut stream = tcp(&server, "web");
        stream.write_all(&hello[..length]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(all(&mut stream), (vec![], true), "after {length} bytes");
        let line = one_line(&server, stream.local_addr().unwrap());
        assert!(line.starts_with("tls: ") && line.contains("closed in the middle of the handshake"), "{line}");
    }
}

#[test]
fn a_reset_in_the_middle_of_the_handshake_is_one_line() {
    let server = Server::start(&[]);
    let hello = client_hello();
    for length in [hello.len() / 2, hello.len()] {
        let mut stream = tcp(&server, "web");
        let remote = stream.local_addr().unwrap();
        stream.write_all(&hello[..length]).unwrap();
        if length == hello.len() {
            stream.read_exact(&mut [0; 5]).unwrap(); // the server is waiting for our Finished by now
        }
        set_socket_linger(&stream, Some(Duration::ZERO)).unwrap(); // closing now sends a reset
        drop(stream);
        assert!(one_line(&server, remote).starts_with("tls: "));
    }
}

#[test]
fn versions_before_1_2_get_the_alert_protocol_version() {
    let server = Server::start(&[]);
    for version in 0..=2 {
        let mut stream = tcp(&server, "web");
        stream.write_all(&old_client_hello(version)).unwrap();
        let (answer, clean) = all(&mut stream);
        let [21, 3, _, 0, 2, level, alert] = answer[..] else { panic!("3.{version} got {answer:?}") };
        assert_eq!((level, alert, clean), (2, Alert::ProtocolVersion.into(), true), "3.{version}");
        assert!(one_line(&server, stream.local_addr().unwrap()).starts_with("tls: "));
    }
}

#[test]
fn what_is_not_tls_gets_a_fatal_alert_and_one_line() {
    let server = Server::start(&[]);
    let hello = client_hello();
    let with = |at: usize, byte: u8| {
        let mut changed = hello.clone();
        changed[at] = byte;
        changed
    };
    let cases: [(&str, Vec<u8>); 8] = [
        ("zeros", vec![0; 100]),
        ("SSL 2.0", vec![0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]),
        ("an empty record", vec![22, 3, 1, 0, 0]),
        ("a record of 65,535 bytes", [&[22, 3, 1, 0xff, 0xff][..], &[1; 70_000]].concat()),
        ("application data first", vec![23, 3, 3, 0, 5, 1, 2, 3, 4, 5]),
        ("an alert that is none", vec![21, 3, 3, 0, 2, 9, 9]),
        ("a ServerHello", with(5, 2)),
        ("a session id of 255 bytes", with(43, 255)),
    ];
    for (what, bytes) in cases {
        let mut stream = tcp(&server, "web");
        let _ = stream.write_all(&bytes); // the server may have heard enough before we are done
        let _ = stream.shutdown(Shutdown::Write);
        let (answer, clean) = all(&mut stream);
        let [21, 3, _, 0, 2, 2, alert] = answer[..] else { panic!("{what} got {answer:?}") };
        assert!(clean, "{what}: alert {alert} and then a reset, which may overtake it");
        let line = one_line(&server, stream.local_addr().unwrap());
        assert!(line.starts_with("tls: ") && line.len() < 300, "{what}: {line}");
    }
}

#[test]
fn random_bytes_and_mangled_hellos_end_nothing_but_themselves() {
    let server = Server::start(&[]);
    let noise = vec(any::<u8>(), 0..2_000);
    let mangled = vec((any::<Index>(), any::<u8>()), 1..5).prop_map(|changes| {
        let mut hello = client_hello();
        let length = hello.len();
        changes.into_iter().for_each(|(at, byte)| hello[at.index(length)] = byte);
        hello
    });
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)); // the same on every run
    let attack = |bytes: Vec<u8>| {
        let mut stream = tcp(&server, "web");
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        all(&mut stream);
        let remote = stream.local_addr().unwrap().to_string();
        assert!(server.log().iter().filter(|line| line.contains(&remote)).count() <= 1, "more than one line");
        Ok(())
    };
    runner.run(&prop_oneof![noise, mangled], attack).unwrap();
    is_served(&server);
}

#[test]
fn a_client_that_shares_no_protocol_is_told_so() {
    let server = Server::start(&[]);
    let stream = tcp(&server, "web");
    let remote = stream.local_addr().unwrap();
    let refused = ours::connect(stream, localhost(), &client(&["h2", "spdy/3"])).map_err(|(failure, _)| failure);
    assert!(matches!(refused, Err(Failure::Tls(rustls::Error::AlertReceived(Alert::NoApplicationProtocol)))));
    assert!(one_line(&server, remote).starts_with("tls: "));
    assert!(ours::connect(tcp(&server, "web"), localhost(), &client(&[])).is_ok(), "a client without ALPN is welcome");
}

#[test]
fn a_client_that_refuses_our_certificate_is_logged_as_the_one_who_refuses() {
    let server = Server::start(&[]);
    let stream = tcp(&server, "web");
    let remote = stream.local_addr().unwrap();
    let config = ours::client(None, &Trust::web(), Default::default(), &Settings::default()).unwrap();
    assert!(ours::connect(stream, localhost(), &config).is_err());
    let line = one_line(&server, remote);
    assert!(line.contains("the client refused us: unknown ca"), "{line}");
}

#[test]
fn the_second_session_is_resumed_with_a_ticket() {
    let server = Server::start(&[]);
    let config = client(&["http/1.1"]);
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
        let mut tls = ours::connect(tcp(&server, "web"), localhost(), &config).map_err(|(failure, _)| failure).unwrap();
        assert_eq!(tls.session.handshake_kind(), Some(expected));
        let answer = super::peer::ask(&mut tls, "GET /connection.json");
        assert!(answer.contains(&format!("\"resumed\": {}", expected == HandshakeKind::Resumed)), "{answer}");
    }
}

#[test]
fn every_connection_ends_with_close_notify() {
    let server = Server::start(&[]);
    // Ends that the server chooses. `ask` insists on close_notify after the first.
    super::peer::ask(&mut tls(&server), "GET /");
    for bad in [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/3.0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    ] {
        let mut tls = tls(&server);
        tls.write_all(bad.as_bytes()).unwrap();
        let (answer, clean) = all(&mut tls);
        assert!(clean && answer.starts_with(b"HTTP/1.1 "), "{bad:?}");
    }
    // The end that the client chooses is answered in kind.
    let mut quiet = tls(&server);
    quiet.close().unwrap();
    assert_eq!(all(&mut quiet), (vec![], true));
    // A cut line is no end: it is not answered, and hurts nobody.
    drop(handshake(tcp(&server, "web")));
    is_served(&server);
}
