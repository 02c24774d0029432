//! Responses, as the peer gets them.

use super::{
    tests::{get, head},
    *,
};

/// The response to `request` as text.
fn answer(request: &str, response: &Response) -> String {
    let mut out = Vec::new();
    respond(&mut out, &head(request), response).unwrap();
    String::from_utf8(out).unwrap()
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
