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

fn head(request: impl AsRef<[u8]>) -> Head {
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

/// The response to `request` as text.
fn answer(request: &str, response: &Response) -> String {
    let mut out = Vec::new();
    respond(&mut out, &head(request), response).unwrap();
    String::from_utf8(out).unwrap()
}

fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

#[test]
fn each_malformed_request_gets_its_status() {
    let long = "a".repeat(REQUEST_LINE_MAX);
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let table: &[(u16, &str)] = &[
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
        (400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
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
    ];
    for (expected, request) in table {
        let shown: String = request.escape_default().take(80).collect();
        assert_eq!(status(request), *expected, "{shown}");
        assert_eq!(status_by_bytes(request.as_bytes()), *expected, "byte by byte: {shown}");
    }
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

fn page() -> Response {
    let content = Content::new("text/html; charset=utf-8", &b"0123456789"[..], &[]);
    Response::content(std::sync::Arc::new(content))
}

fn etag() -> String {
    let whole = answer(&get(""), &page());
    whole.lines().find_map(|line| line.strip_prefix("ETag: ")).unwrap().to_string()
}

#[test]
fn a_response_is_dated_typed_and_guarded() {
    let text = answer(&get(""), &page());
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\n0123456789"), "{text}");
    for field in [
        "Content-Type: text/html; charset=utf-8",
        "Content-Length: 10",
        "X-Content-Type-Options: nosniff",
        "Content-Security-Policy: default-src 'self'",
        "Cache-Control: no-cache",
    ] {
        assert_eq!(text.matches(&format!("\r\n{field}")).count(), 1, "{field} in {text}");
    }
    let date = text.lines().find_map(|line| line.strip_prefix("Date: ")).unwrap();
    let age = std::time::SystemTime::now().duration_since(httpdate::parse_http_date(date).unwrap()).unwrap();
    assert!(age.as_secs() < 5, "{date}");
    assert!(!text.contains("Strict-Transport-Security") && !text.contains("Connection:"));
}

#[test]
fn head_says_the_length_and_sends_nothing() {
    for response in [page(), Response::made("text/plain", "0123456789")] {
        let text = answer("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", &response);
        assert!(text.contains("\r\nContent-Length: 10\r\n") && text.ends_with("\r\n\r\n"), "{text}");
    }
}

#[test]
fn conditions_and_ranges_get_what_they_ask_for() {
    let tag = etag();
    let table = [
        (get(&format!("If-None-Match: {tag}\r\n")), 304, ""),
        (get(&format!("If-None-Match: \"x\", W/{tag}\r\n")), 304, ""),
        (get("If-None-Match: *\r\n"), 304, ""),
        (get("If-None-Match: \"x\"\r\n"), 200, "0123456789"),
        (get(&format!("If-Match: {tag}\r\n")), 200, "0123456789"),
        (get("If-Match: \"x\"\r\n"), 412, ""),
        (get("Range: bytes=2-4\r\n"), 206, "234"),
        (get("Range: bytes=7-\r\n"), 206, "789"),
        (get("Range: bytes=-3\r\n"), 206, "789"),
        (get("Range: bytes=-99\r\n"), 206, "0123456789"),
        (get("Range: bytes=5-99999999999999999999\r\n"), 206, "56789"),
        (get("Range: bytes=10-\r\n"), 416, ""),
        (get("Range: bytes=-0\r\n"), 416, ""),
        (get("Range: bytes=4-2\r\n"), 200, "0123456789"),
        (get("Range: bytes=1-2,4-5\r\n"), 200, "0123456789"),
        (get("Range: lines=1-2\r\n"), 200, "0123456789"),
        (get(&format!("Range: bytes=2-4\r\nIf-Range: {tag}\r\n")), 206, "234"),
        (get(&format!("Range: bytes=2-4\r\nIf-Range: W/{tag}\r\n")), 200, "0123456789"),
        (get("Range: bytes=2-4\r\nIf-Range: \"x\"\r\n"), 200, "0123456789"),
        (get(&format!("Range: bytes=2-4\r\nIf-None-Match: {tag}\r\n")), 304, ""),
    ];
    for (request, status, body) in table {
        let text = answer(&request, &page());
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{text}");
        if status != 412 && status != 416 {
            assert_eq!(text.split_once("\r\n\r\n").unwrap().1, body, "{request}");
        }
    }
    assert!(answer(&get("Range: bytes=2-4\r\n"), &page()).contains("Content-Range: bytes 2-4/10\r\n"));
    assert!(answer(&get("Range: bytes=10-\r\n"), &page()).contains("Content-Range: bytes */10\r\n"));
    assert!(answer(&get("If-None-Match: *\r\n"), &page()).contains(&format!("ETag: {tag}\r\n")));
}

#[test]
fn connection_and_upgrade_stand_before_the_blank_line() {
    let closed = answer(&get("Connection: close\r\n"), &page());
    assert!(closed.contains("\r\nConnection: close\r\n\r\n0123456789"), "{closed}");
    let switching = answer(&get(""), &Response::new(101).field("Sec-WebSocket-Accept", "abc="));
    assert!(switching.contains("Connection: upgrade\r\n") && switching.contains("Upgrade: websocket\r\n"), "{switching}");
    assert!(!switching.contains("Content-Length"), "{switching}");
    let required = answer(&get(""), &Response::error(426, "speak 13").field("Upgrade", "websocket"));
    assert!(required.contains("Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), "{required}");
}

#[test]
fn no_text_breaks_out_of_a_field_or_a_page() {
    let split = answer(&get(""), &Response::redirect("https://localhost/a\r\nSet-Cookie: x=y"));
    let fields = split.split_once("\r\n\r\n").unwrap().0;
    assert!(!fields.contains("\r\nSet-Cookie"), "{split}");
    let page = answer(&get(""), &Response::error(404, "<script>alert('x')</script>"));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
}

#[test]
fn a_refused_request_is_told_why_and_closed() {
    let mut out = Vec::new();
    refuse(&mut out, &Refuse::new(431, "too long")).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{text}");
    assert!(text.contains("\r\nConnection: close\r\n\r\n") && text.contains("too long"), "{text}");
}

#[test]
fn a_long_body_arrives_whole() {
    let body: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    let response = Response::content(std::sync::Arc::new(Content::new("application/octet-stream", body.clone(), &[])));
    let mut out = Vec::new();
    respond(&mut out, &head(get("")), &response).unwrap();
    let at = out.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(out[at..] == body[..]);
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
        prop_assert_eq!(status(&bytes), status_by_bytes(&bytes));
    }

    #[test]
    fn no_path_leaves_its_folder(path in "[ -~]{0,40}") {
        if let Ok(clean) = decode_path(&path) {
            prop_assert!(clean.starts_with('/') && !clean.contains("/.") && !clean.contains('\\') && !clean.contains("//"), "{}", clean);
        }
    }
}
