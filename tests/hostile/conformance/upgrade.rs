//! The opening handshake (RFC 6455 4.2), as a server has to read it.

use super::super::{
    common::Server,
    peer::{TEXT, masked, one_line, tls},
};
use std::io::{Read, Write};

const GOOD: &str = "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Reads one head, and not a byte more.
fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn the_example_of_the_rfc_is_answered_as_the_rfc_has_it() {
    let server = Server::start(&[]);
    let spellings = [
        GOOD.to_owned(),
        GOOD.replace("websocket\r", "WebSocket\r").replace("Connection: Upgrade", "connection: keep-alive, upgrade"),
        GOOD.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"),
        GOOD.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: other, unknown\r\n\r\n"),
    ];
    for request in spellings {
        let mut tls = tls(&server);
        tls.write_all(request.as_bytes()).unwrap();
        let answer = head(&mut tls);
        assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
        assert!(answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
        assert!(!answer.contains("Sec-WebSocket-Extensions") && !answer.contains("Sec-WebSocket-Protocol"), "nothing was agreed: {answer}");
    }
}

#[test]
fn each_bad_upgrade_has_its_status_and_its_line() {
    let server = Server::start(&[]);
    let with = |field: &str| ("\r\n\r\n", format!("\r\n{field}\r\n\r\n"));
    let cases = [
        (("GET", "POST".to_owned()), "405"),
        (("GET", "HEAD".to_owned()), "405"),
        (("/echo", "/nowhere".to_owned()), "404"),
        (("HTTP/1.1", "HTTP/1.0".to_owned()), "426"),
        (("Upgrade: websocket\r\n", String::new()), "426"),
        (("Upgrade: websocket", "Upgrade: h2c".to_owned()), "426"),
        (("Connection: Upgrade\r\n", String::new()), "400"),
        (("Version: 13", "Version: 8".to_owned()), "426"),
        (("Sec-WebSocket-Version: 13\r\n", String::new()), "426"),
        (("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", String::new()), "400"),
        (("dGhlIHNhbXBsZSBub25jZQ==", "dG9vIHNob3J0".to_owned()), "400"),
        (with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), "400"),
        (with("Sec-WebSocket-Version: 8"), "426"),
        (with("Content-Length: 6"), "400"),
        (with("Transfer-Encoding: chunked"), "501"),
        (with("Origin: https://evil.test"), "403"),
        (with("Origin: null"), "403"),
        (with("Origin: http://localhost"), "403"),
        (with("Origin: https://localhost"), "101"),
    ];
    for ((from, to), status) in cases {
        let mut tls = tls(&server);
        tls.write_all(GOOD.replacen(from, &to, 1).as_bytes()).unwrap();
        let answer = head(&mut tls);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{from:?} became {to:?}: {answer}");
        assert!(status != "426" || answer.contains("\r\nUpgrade: websocket\r\n"), "{answer}");
        if status != "101" {
            assert!(one_line(&server, tls.stream.local_addr().unwrap()).contains(status));
        }
    }
}

#[test]
fn frames_that_come_in_the_same_record_as_the_upgrade_are_heard() {
    let server = Server::start(&["--quiet"]);
    let both = [GOOD.as_bytes(), &masked(TEXT, b"no time to lose"), &masked(TEXT, b"and more")[..7]].concat();
    for pieces in [both.len(), 1] {
        let mut tls = tls(&server);
        both.chunks(pieces).for_each(|piece| tls.write_all(piece).unwrap());
        tls.write_all(&masked(TEXT, b"and more")[7..]).unwrap();
        assert!(head(&mut tls).starts_with("HTTP/1.1 101 "));
        let mut frames = [0; 17 + 10];
        tls.read_exact(&mut frames).unwrap();
        assert_eq!(&frames[..], b"\x81\x0fno time to lose\x81\x08and more");
    }
}

#[test]
fn a_refused_upgrade_may_be_followed_by_a_good_one() {
    let server = Server::start(&["--quiet"]);
    let mut tls = tls(&server);
    tls.write_all(GOOD.replace("Version: 13", "Version: 8").as_bytes()).unwrap();
    let answer = head(&mut tls);
    assert!(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{answer}");
    let length = answer.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
    tls.read_exact(&mut vec![0; length]).unwrap();
    tls.write_all(GOOD.as_bytes()).unwrap();
    assert!(head(&mut tls).starts_with("HTTP/1.1 101 "));
}
