//! Requests and what becomes of them.

use super::*;
use proptest::prelude::*;
use std::{
    collections::VecDeque,
    io::{self, Read},
};

/// Hands out its pieces one `read` at a time, then ends or fails.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    end: Option<io::ErrorKind>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.pieces.front_mut() else {
            return self.end.map_or(Ok(0), |kind| Err(kind.into()));
        };
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        piece.drain(..length);
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Ok(length)
    }
}

fn read(request: impl AsRef<[u8]>) -> Next {
    read_head(&mut request.as_ref(), &mut Vec::new()).unwrap()
}

pub(super) fn head(request: impl AsRef<[u8]>) -> Head {
    match read(request) {
        Next::Head(head) => head,
        other => panic!("{other:?}"),
    }
}

fn status(request: impl AsRef<[u8]>) -> u16 {
    match read(request) {
        Next::Head(_) => 200,
        Next::Closed => 0,
        Next::ClientHello => 1,
        Next::Refuse(refuse) => refuse.status,
    }
}

pub(super) fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

/// Each request gets its status, at once and byte by byte. 0: closed without a word; 1: a ClientHello.
fn expect(table: &[(u16, &str)]) {
    for (expected, request) in table {
        let shown: String = request.escape_default().take(80).collect();
        assert_eq!(status(request), *expected, "{shown}");
        assert_eq!(status_by_bytes(request.as_bytes()), *expected, "byte by byte: {shown}");
    }
}

#[test]
fn what_is_well_formed_is_read() {
    expect(&[
        (200, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (200, "\r\nGET / HTTP/1.1\r\nHost: localhost:1234\r\n\r\n"),
        (200, "GET / HTTP/1.1\nHost: localhost\n\n"),
        (200, "GET / HTTP/1.0\r\n\r\n"),
        (200, "GET https://localhost/docs/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (200, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (200, "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n"),
        (200, "POST / HTTP/1.1\r\nHost: [::1]:1234\r\nContent-Length: 5\r\n\r\n"),
        (0, ""),
        (0, "\r\n"),
        (1, "\x16\x03\x01\x02\0\x01"),
    ]);
}

#[test]
fn a_malformed_request_line_or_host_gets_400() {
    expect(&[
        (400, "\0\x01\x02"),
        (400, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: localhost\r\n"),
        (400, "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET /\r\n\r\n"),
        (400, "GET / HTTX/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET docs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET https://eve@localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET /a#b HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET /\u{e9} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: localhost:99999\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ]);
}

#[test]
fn a_malformed_field_or_length_gets_400() {
    expect(&[
        (400, &get("Name : value\r\n")),
        (400, &get("Name: one\r\n two\r\n")),
        (400, &get("Name: one\rtwo\r\n")),
        (400, &get("Name: \x01\r\n")),
        (400, &get(": value\r\n")),
        (400, &get("no colon\r\n")),
        (400, &get("Content-Length: five\r\n")),
        (400, &get("Content-Length: -5\r\n")),
        (400, &get("Content-Length: +5\r\n")),
        (400, &get("Content-Length:\r\n")),
        (400, &get("Content-Length: 5, 5\r\n")),
        (400, &get("Content-Length: 5\r\nContent-Length: 5\r\n")),
        (400, &get("Content-Length: 99999999999999999999\r\n")),
        (400, &get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
    ]);
}

#[test]
fn what_is_too_long_or_unknown_gets_its_own_status() {
    let long = "a".repeat(REQUEST_LINE_MAX);
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    expect(&[
        (413, &get("Content-Length: 1048576\r\n")),
        (414, &format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        (414, &format!("GET /{}", long.repeat(13))),
        (431, &get(&format!("X: {}\r\n", "x".repeat(HEAD_MAX)))),
        (431, &get(&format!("X: {}\r\n", "x".repeat(1 << 20)))),
        (431, &get(&many)),
        (501, &get("Transfer-Encoding: chunked\r\n")),
        (501, "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (501, "get / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (505, "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n"),
        (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (505, "GET / HTTP/0.9\r\n\r\n"),
    ]);
}

fn reason_by_bytes(request: &[u8]) -> String {
    let mut stream = Pieces { pieces: request.chunks(1).map(<[u8]>::to_vec).collect(), end: None };
    format!("{:?}", read_head(&mut stream, &mut Vec::new()).unwrap())
}

fn status_by_bytes(request: &[u8]) -> u16 {
    let mut stream = Pieces { pieces: request.chunks(1).map(<[u8]>::to_vec).collect(), end: None };
    match read_head(&mut stream, &mut Vec::new()).unwrap() {
        Next::Head(_) => 200,
        Next::Closed => 0,
        Next::ClientHello => 1,
        Next::Refuse(refuse) => refuse.status,
    }
}

#[test]
fn a_head_tells_its_parts() {
    let head =
        head("GET https://localhost:1234/a%20b?c=d?e HTTP/1.1\r\nHost: other\r\nX-A:  one \r\nx-a: two\r\nConnection: te, Close\r\n\r\n");
    assert_eq!((head.method(), head.path(), head.query(), head.version), ("GET", "/a%20b", "c=d?e", 1));
    assert_eq!(head.host(), "localhost:1234", "the target's authority wins over Host");
    assert_eq!(head.fields("X-A").collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(head.field("missing"), None);
    assert!(!head.keep_alive());
}

#[test]
fn a_target_without_a_path_is_the_root() {
    for target in ["http://localhost", "http://localhost?q", "http://localhost/"] {
        assert_eq!(head(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).path(), "/", "{target}");
    }
}

#[test]
fn a_connection_is_kept_only_where_both_sides_know_where_the_request_ends() {
    assert!(head(get("")).keep_alive());
    assert!(!head(get("Connection: close\r\n")).keep_alive());
    assert!(!head(get("Content-Length: 5\r\n")).keep_alive());
    assert!(!head("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive());
}

#[test]
fn what_follows_a_head_stays_in_the_buffer() {
    let two = format!("{}{}", get("X: 1\r\n"), get("X: 2\r\n"));
    let (mut stream, mut buffer) = (two.as_bytes(), Vec::new());
    for expected in ["1", "2"] {
        let Next::Head(head) = read_head(&mut stream, &mut buffer).unwrap() else { panic!("no head") };
        assert_eq!(head.field("x"), Some(expected));
    }
    assert!(matches!(read_head(&mut stream, &mut buffer).unwrap(), Next::Closed));
}

#[test]
fn silence_is_closed_before_a_first_byte_and_408_after_it() {
    for kind in [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock] {
        let mut silent = Pieces { pieces: VecDeque::new(), end: Some(kind) };
        assert!(matches!(read_head(&mut silent, &mut Vec::new()).unwrap(), Next::Closed));
        let mut slow = Pieces { pieces: [b"GET / HT".to_vec()].into(), end: Some(kind) };
        assert!(matches!(read_head(&mut slow, &mut Vec::new()).unwrap(), Next::Refuse(Refuse { status: 408, .. })));
    }
    let mut broken = Pieces { pieces: [b"GET".to_vec()].into(), end: Some(io::ErrorKind::ConnectionReset) };
    assert!(read_head(&mut broken, &mut Vec::new()).is_err());
}

#[test]
fn a_path_is_decoded_once_and_stays_below_its_folder() {
    let table = [
        ("/", Ok("/")),
        ("/docs/", Ok("/docs/")),
        ("/a%20b.html", Ok("/a b.html")),
        ("/%C3%A9", Ok("/\u{e9}")),
        ("/%2541", Ok("/%41")),
        ("/%zz", Err(400)),
        ("/%4", Err(400)),
        ("/%", Err(400)),
        ("/a%00.html", Err(400)),
        ("/%0d%0a", Err(400)),
        ("/%ff", Err(400)),
        ("/../certs/private/localhost.key", Err(404)),
        ("/a/../b", Err(404)),
        ("/%2e%2e/certs", Err(404)),
        ("/%2E%2E%2Fcerts", Err(404)),
        ("/./a", Err(404)),
        ("/..", Err(404)),
        ("/.git/config", Err(404)),
        ("/a//b", Err(404)),
        ("//evil.test/", Err(404)),
        ("/..\\certs", Err(404)),
        ("/%5c", Err(404)),
        ("*", Err(404)),
        ("localhost:1", Err(404)),
    ];
    for (path, expected) in table {
        assert_eq!(decode_path(path), expected.map(str::to_string), "{path}");
    }
}

proptest! {
    #[test]
    fn any_split_into_reads_gives_the_same_head(cuts in proptest::collection::vec(1usize..40, 1..20)) {
        let request = get("Accept: */*\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nX-Last: end\r\n");
        let (mut rest, mut pieces, mut cuts) = (request.as_bytes(), VecDeque::new(), cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            pieces.push_back(piece.to_vec());
            rest = more;
        }
        let Next::Head(split) = read_head(&mut Pieces { pieces, end: None }, &mut Vec::new()).unwrap() else { panic!("no head") };
        prop_assert_eq!(format!("{split:?}"), format!("{:?}", head(&request)));
    }

    #[test]
    fn random_bytes_always_end(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let _ = read(&bytes);
    }

    #[test]
    fn bent_requests_always_end(at in 0usize..90, byte in any::<u8>(), fields in "[ -~\r\n\t]{0,200}") {
        let mut bytes = get(&fields).into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        prop_assert_eq!(format!("{:?}", read(&bytes)), reason_by_bytes(&bytes));
    }

    #[test]
    fn no_path_leaves_its_folder(path in "[ -~]{0,40}") {
        if let Ok(clean) = decode_path(&path) {
            prop_assert!(clean.starts_with('/') && !clean.contains("/.") && !clean.contains('\\') && !clean.contains("//"), "{}", clean);
        }
    }
}
