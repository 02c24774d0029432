//! Requests that are too much, on both ports.

use super::common::Server;
use super::peer::{all, one_line, tcp, tls};
use std::{
    io::{Read, Write},
    net::Shutdown,
};

const BREAKS_OFF: &str = "a head that breaks off";

/// What is sent, and the status that it gets.
fn monsters() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let head = |fields: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n").into_bytes();
    vec![
        ("a head of 1 MiB", head(&format!("X: {}\r\n", "x".repeat(1 << 20))), "431"),
        ("a head of 1 MiB in long lines", head(&format!("X: {}\r\n", "x".repeat(7_000)).repeat(150)), "431"),
        ("ten thousand header fields", head(&"A: b\r\n".repeat(10_000)), "431"),
        ("a request line of 100 KiB", format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(100 * 1024)).into_bytes(), "414"),
        ("a first line without an end", vec![b'x'; 1 << 20], "414"),
        ("1 MiB of empty lines", b"\r\n".repeat(1 << 19), "400"),
        (BREAKS_OFF, b"GET / HTTP/1.1\r\nHost: loc".to_vec(), "400"),
        ("two hosts", head("Host: evil.test\r\n"), "400"),
        ("a body of 16 EiB", head("Content-Length: 18446744073709551616\r\n"), "400"),
        ("a body of 8 EiB", head("Content-Length: 9223372036854775807\r\n"), "413"),
        ("two lengths", head("Content-Length: 1\r\nContent-Length: 2\r\n"), "400"),
        ("chunks beside a length", head("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), "400"),
        ("a header field on two lines", head("X: a\r\n b\r\n"), "400"),
        ("a NUL", head("X: a\0b\r\n"), "400"),
        ("an escape sequence for the log's terminal", b"GET /\x1b[2J HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "400"),
    ]
}

#[test]
fn each_monster_of_a_request_gets_its_status_and_a_clean_end_over_tls() {
    let server = Server::start(&[]);
    for (what, bytes, status) in monsters() {
        let mut tls = tls(&server);
        let remote = tls.stream.local_addr().unwrap();
        let _ = tls.write_all(&bytes); // all of it, whatever the server says meanwhile
        if what == BREAKS_OFF {
            tls.close().unwrap();
        }
        is_answered(what, &mut tls, status);
        let line = one_line(&server, remote);
        assert!(line.contains(status) && line.len() < 400 && !line.contains('\x1b'), "{what}: {line:?}");
    }
}

#[test]
fn each_monster_of_a_request_gets_its_status_on_the_plain_port_and_at_the_wrong_door() {
    let server = Server::start(&[]);
    for (what, bytes, status) in monsters() {
        let ports: &[_] = if bytes[0].is_ascii_alphabetic() { &[("plain", status), ("web", "4")] } else { &[("plain", status)] };
        for (port, status) in ports {
            let mut stream = tcp(&server, port);
            let _ = stream.write_all(&bytes);
            if what == BREAKS_OFF {
                stream.shutdown(Shutdown::Write).unwrap();
            }
            is_answered(what, &mut stream, status);
            one_line(&server, stream.local_addr().unwrap());
        }
    }
}

fn is_answered(what: &str, stream: &mut impl Read, status: &str) {
    let (answer, clean) = all(stream);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && clean, "{what} got {answer:?}, and a clean end: {clean}");
}

#[test]
fn an_answer_is_read_although_nothing_can_be_sent_any_more() {
    let server = Server::start(&[]);
    let mut tls = tls(&server);
    tls.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    tls.stream.shutdown(Shutdown::Write).unwrap();
    assert!(tls.write_all(b"too late").is_err());
    is_answered("a client that was cut short", &mut tls, "200");
}
