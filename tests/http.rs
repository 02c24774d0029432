//! The server's pages as other people's programs see them: what is served, what never is, and what malformed requests get.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/cases.rs"]
mod cases;
mod common;

use common::{Server, any_ports, certs, good, program, run, scratch, text};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    sync::OnceLock,
};

cases! {
    ["curl"] every_page_has_its_status_and_type,
    ["curl"] no_path_yields_a_key,
    ["curl"] pages_are_guarded_and_bring_no_inline_script_or_style,
    ["curl"] an_unchanged_page_costs_a_304,
    ["curl"] other_methods_are_told_which_ones_there_are,
    [] malformed_requests_get_their_status_and_a_close,
    [] a_body_is_never_taken_for_the_next_request,
    [] requests_in_one_packet_are_answered_in_order,
    ["curl", "openssl"] the_plain_port_moves_everything_but_what_tls_needs,
    [] tls_on_the_plain_port_is_a_log_line_and_no_answer,
    [] plain_http_on_the_tls_port_is_answered_with_the_right_address,
    ["curl"] a_root_is_served_fresh_and_gives_away_nothing_else,
    [] a_root_with_keys_in_reach_is_refused,
}

fn main() -> std::process::ExitCode {
    cases::conduct(&[CASES])
}

/// One server for all tests that change nothing.
fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&[]))
}

/// curl against the HTTPS port, believing the lab's authority and nothing else.
fn curl(server: &Server, path: &str, more: &[&str]) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--path-as-is", "--max-time", "30", "--cacert"]).arg(certs().join("ca/root.crt"));
    curl.args(more).arg(format!("https://localhost:{}{path}", server.port("web")));
    curl
}

fn status(server: &Server, path: &str, more: &[&str]) -> String {
    good(curl(server, path, more).args(["--output", "/dev/null", "--write-out", "%{http_code} %{content_type}"]))
}

/// Sends bytes to the plain port, gives all that comes back until the server closes.
fn raw(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port("plain"))).unwrap();
    stream.set_read_timeout(Some(common::PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    text(&answer)
}

fn every_page_has_its_status_and_type() {
    let html = "200 text/html; charset=utf-8";
    let mut table = vec![
        ("/", html),
        ("/index.html", html),
        ("/docs/", html),
        ("/docs/?query", html),
        ("/connection", html),
        ("/trust", html),
        ("/style.css", "200 text/css; charset=utf-8"),
        ("/main.js", "200 text/javascript; charset=utf-8"),
        ("/padlock.svg", "200 image/svg+xml"),
        ("/connection.json", "200 application/json"),
        ("/healthz", "200 application/json"),
        ("/trust/padlock-root.crt", "200 application/x-x509-ca-cert"),
        ("/docs", "308 text/html; charset=utf-8"),
        ("/docs/tls.md", "308 text/html; charset=utf-8"),
        ("/chat", "308 text/html; charset=utf-8"),
        ("/nothing", "404 text/html; charset=utf-8"),
        ("/%zz", "400 text/html; charset=utf-8"),
        ("/%00", "400 text/html; charset=utf-8"),
    ];
    let chapters = padlock::WORDS.map(|word| format!("/docs/{word}"));
    table.extend(chapters.iter().map(|chapter| (chapter.as_str(), html)));
    for (path, expected) in table {
        assert_eq!(status(shared(), path, &[]), expected, "{path}");
    }
}

fn no_path_yields_a_key() {
    let paths = [
        "/certs/private/localhost.key",
        "/../certs/private/localhost.key",
        "/docs/../../certs/private/localhost.key",
        "/docs/..%2f..%2fcerts%2fprivate%2flocalhost.key",
        "/%2e%2e/certs/private/localhost.key",
        "/%252e%252e/certs/private/localhost.key",
        "/..\\certs\\private\\localhost.key",
        "/..%5ccerts%5cprivate%5clocalhost.key",
        "//certs/private/localhost.key",
        "/trust/../private/localhost.key",
        "/crl/../private/localhost.key",
        "/./certs/ca/root/private/ca.key",
        "/proc/self/environ",
        "/etc/passwd",
        "/.git/config",
    ];
    for path in paths {
        assert!(status(shared(), path, &[]).starts_with("404 "), "{path}");
        let plain = raw(shared(), format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(plain.starts_with("HTTP/1.1 404 ") || plain.starts_with("HTTP/1.1 308 "), "{path}: {plain}");
        assert!(!plain.contains("PRIVATE KEY"), "{path}");
    }
}

fn pages_are_guarded_and_bring_no_inline_script_or_style() {
    for path in ["/", "/docs/", "/docs/http", "/trust", "/connection", "/nothing"] {
        let page = good(curl(shared(), path, &["--include"]).arg("--http1.1"));
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        for field in
            ["Content-Security-Policy: default-src 'self'", "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Referrer-Policy:"]
        {
            assert!(head.contains(field), "{path}: {field} in {head}");
        }
        assert!(!head.contains("Strict-Transport-Security"), "{path}: it would stick to localhost for every other program");
        for script in body.split("<script").skip(1) {
            assert!(script.starts_with(" type=\"module\" src=\"/"), "{path}: {script:.80}");
        }
        assert!(!body.contains("<style") && !body.contains(" style=\""), "{path}");
    }
}

fn an_unchanged_page_costs_a_304() {
    let folder = scratch();
    let etag = folder.path().join("etag");
    let etag = etag.to_str().unwrap();
    assert!(status(shared(), "/style.css", &["--etag-save", etag]).starts_with("200 "));
    assert!(status(shared(), "/style.css", &["--etag-compare", etag]).starts_with("304 "));
    assert!(status(shared(), "/main.js", &["--etag-compare", etag]).starts_with("200 "));
}

fn other_methods_are_told_which_ones_there_are() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let answer = good(&mut curl(shared(), "/", &["--include", "--request", method]));
        assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("\r\nAllow: GET, HEAD\r\n"), "{method}: {answer}");
    }
    let head = good(&mut curl(shared(), "/", &["--head"]));
    assert!(head.starts_with("HTTP/1.1 200 ") && !head.contains("Content-Length: 0\r\n"), "{head}");
    let body = good(&mut curl(shared(), "/", &["--include", "--data", "a body that nobody reads"]));
    assert!(body.starts_with("HTTP/1.1 405 ") && body.contains("\r\nConnection: close\r\n"), "{body}");
}

fn malformed_requests_get_their_status_and_a_close() {
    let host = "Host: localhost\r\n";
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let table = [
        (400, "nonsense\r\n\r\n".to_string()),
        (400, "\0\0\0\0".to_string()),
        (400, "GET / HTTP/1.1\r\n\r\n".to_string()),
        (400, format!("GET / HTTP/1.1\r\n{host}{host}\r\n")),
        (400, format!("GET / HTTP/1.1\r\n{host}Content-Length: x\r\n\r\n")),
        (400, format!("POST / HTTP/1.1\r\n{host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        (400, format!("GET / HTTP/1.1\r\n{host}X: \x07\r\n\r\n")),
        (413, format!("POST / HTTP/1.1\r\n{host}Content-Length: 1000000000\r\n\r\n")),
        (414, format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(100 * 1024))),
        (431, format!("GET / HTTP/1.1\r\n{host}{many}\r\n")),
        (431, format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "x".repeat(200 * 1024))),
        (501, format!("BREW / HTTP/1.1\r\n{host}\r\n")),
        (505, format!("GET / HTTP/3.0\r\n{host}\r\n")),
    ];
    for (status, request) in table {
        let answer = raw(shared(), request.as_bytes());
        let shown: String = request.escape_default().take(60).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{shown}: {answer}");
        assert_eq!(answer.matches("\r\nDate: ").count(), 1, "one answer, then the end: {shown}: {answer}");
    }
}

fn a_body_is_never_taken_for_the_next_request() {
    let inner = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let request = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{inner}", inner.len());
    let answer = raw(shared(), request.as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
}

fn requests_in_one_packet_are_answered_in_order() {
    let answer = raw(
        shared(),
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /nothing/ HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n",
    );
    let statuses: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).map(|one| &one[..3]).collect();
    assert_eq!(statuses, ["200", "308", "200"], "{answer}");
}

fn the_plain_port_moves_everything_but_what_tls_needs() {
    let server = shared();
    let moved = raw(server, b"GET /docs/tls?a HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\n\r\n");
    assert!(moved.starts_with("HTTP/1.1 308 "), "{moved}");
    assert!(moved.contains(&format!("\r\nLocation: https://localhost:{}/docs/tls?a\r\n", server.port("web"))), "{moved}");
    let stranger = raw(server, b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!(stranger.contains("\r\nLocation: https://localhost:"), "{stranger}");

    let folder = scratch();
    let fetch = |path: &str| {
        let file = folder.path().join(path.rsplit('/').next().unwrap());
        let url = format!("http://localhost:{}{path}", server.port("plain"));
        good(Command::new("curl").args(["--silent", "--fail", "--output"]).arg(&file).arg(url));
        file
    };
    for which in ["root", "intermediate"] {
        let list = fetch(&format!("/crl/{which}.crl"));
        good(Command::new("openssl").args(["crl", "-noout", "-inform", "DER", "-in"]).arg(list));
    }
    let fingerprint = |form: &str, file: &Path| {
        good(Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha256", "-inform", form, "-in"]).arg(file))
    };
    let root = fingerprint("PEM", &certs().join("ca/root.crt"));
    assert_eq!(fingerprint("DER", &fetch("/trust/padlock-root.crt")), root);
    assert_eq!(fingerprint("PEM", &fetch("/trust/padlock-root.pem")), root);
    let page = fs::read_to_string(fetch("/trust")).unwrap().replace("<wbr>", "");
    assert!(page.contains(root.trim().split('=').nth(1).unwrap()), "the trust page shows the fingerprint");
}

fn tls_on_the_plain_port_is_a_log_line_and_no_answer() {
    let server = shared();
    assert_eq!(raw(server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "");
    server.logged("sent a ClientHello to the plain port: https://");
    // A whole one says for whom it was meant.
    let output = run(program("client", certs()).arg(format!("https://localhost:{}/", server.port("plain"))));
    assert_eq!(output.status.code(), Some(35), "{}", text(&output.stderr));
    server.logged("sent a ClientHello to the plain port, asking for localhost: https://");
}

fn plain_http_on_the_tls_port_is_answered_with_the_right_address() {
    let server = shared();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port("web"))).unwrap();
    stream.write_all(b"GET /docs/tls HTTP/1.1\r\nHost: localhost:1234\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("<a href=\"https://localhost:1234/docs/tls\">"), "{answer}");
    server.logged("speaks plain HTTP to the TLS port");
}

fn a_root_is_served_fresh_and_gives_away_nothing_else() {
    let folder = scratch();
    let root = folder.path().join("pages");
    fs::create_dir_all(root.join("sub/.hidden")).unwrap();
    fs::write(root.join("index.html"), "first").unwrap();
    fs::write(root.join("sub/index.html"), "below").unwrap();
    fs::write(root.join("sub/.hidden/file"), "hidden").unwrap();
    fs::write(root.join(".env"), "hidden").unwrap();
    fs::write(folder.path().join("outside"), "outside").unwrap();
    symlink(folder.path().join("outside"), root.join("leads-out")).unwrap();
    symlink("index.html", root.join("leads-in")).unwrap();
    fs::copy(certs().join("private/localhost.key"), root.join("innocent.txt")).unwrap();
    fs::write(root.join("server.key"), "").unwrap();
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    fs::write(root.join("large.bin"), &large).unwrap();

    let server = Server::start(&["--root", root.to_str().unwrap()]);
    let get = |path: &str| text(&run(&mut curl(&server, path, &[])).stdout);
    assert_eq!(get("/"), "first");
    fs::write(root.join("index.html"), "second, longer").unwrap();
    assert_eq!(get("/"), "second, longer");
    assert_eq!(get("/leads-in"), "second, longer");
    assert_eq!(get("/sub/"), "below");
    assert!(status(&server, "/sub", &[]).starts_with("308 "));
    for path in ["/.env", "/sub/.hidden/file", "/leads-out", "/innocent.txt", "/server.key", "/nothing", "/main.js/"] {
        assert!(status(&server, path, &[]).starts_with("404 "), "{path}");
    }
    assert!(status(&server, "/docs/", &[]).starts_with("200 "), "the book stays");
    assert!(status(&server, "/style.css", &[]).starts_with("200 "), "and its style sheet");

    assert_eq!(run(&mut curl(&server, "/large.bin", &[])).stdout, large);
    assert_eq!(run(&mut curl(&server, "/large.bin", &["--range", "1000000-2000000"])).stdout, large[1_000_000..=2_000_000]);
    let resumed = folder.path().join("resumed");
    fs::write(&resumed, &large[..1_234_567]).unwrap();
    good(&mut curl(&server, "/large.bin", &["--continue-at", "-", "--output", resumed.to_str().unwrap()]));
    assert_eq!(fs::read(resumed).unwrap(), large);
}

fn a_root_with_keys_in_reach_is_refused() {
    let folder = scratch();
    let inside = certs().join("server");
    for root in [certs(), certs().parent().unwrap(), Path::new("/"), &inside] {
        let out = run(program("server", certs()).args(any_ports()).arg("--root").arg(root));
        assert_eq!(out.status.code(), Some(2), "{}: {}", root.display(), text(&out.stderr));
        assert!(text(&out.stderr).contains("server: hint: "), "{}", text(&out.stderr));
    }
    let missing = folder.path().join("missing");
    let out = run(program("server", certs()).args(any_ports()).arg("--root").arg(missing));
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
}
