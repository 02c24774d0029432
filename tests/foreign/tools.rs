//! curl and openssl.

use super::{
    cases,
    common::{Server, certs, good, run, text},
};
use std::process::Command;

cases! {
    ["curl"] curl_with_our_root_gets_the_page,
    ["curl"] curl_without_our_root_refuses,
    ["curl"] curl_refuses_a_name_that_is_not_in_the_certificate,
    ["curl"] curl_keeps_one_connection_for_many_pages,
    ["openssl"] tls_1_2_and_1_1_are_refused_with_protocol_version,
    ["openssl"] tls_1_2_is_spoken_when_asked_for,
    ["openssl"] openssl_verifies_the_chain_and_the_name,
    ["openssl"] openssl_verifies_the_files_strictly,
    ["openssl"] openssl_hears_close_notify_after_the_last_answer,
    ["curl"] http_to_the_tls_port_is_told_the_https_address,
}

fn curl(server: &Server) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--cacert"]).arg(certs().join("ca/root.crt"));
    for name in ["localhost", "wrong.test"] {
        command.args(["--resolve", &format!("{name}:{}:127.0.0.1", server.port("web"))]);
    }
    command
}

fn s_client(server: &Server, more: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &format!("127.0.0.1:{}", server.port("web")), "-servername", "localhost", "-CAfile"]);
    command.arg(certs().join("ca/root.crt")).args(more);
    command
}

fn curl_with_our_root_gets_the_page() {
    let server = Server::start(&[]);
    let url = format!("https://localhost:{}/", server.port("web"));
    let out = good(curl(&server).args(["-w", "\n%{http_code} %{ssl_verify_result} %{content_type}", &url]));
    assert!(out.ends_with("\n200 0 text/html; charset=utf-8"), "{out}");
}

fn curl_without_our_root_refuses() {
    let server = Server::start(&[]);
    let url = format!("https://localhost:{}/", server.port("web"));
    let out = run(Command::new("curl").args(["--silent", "--show-error", "--noproxy", "*", &url]));
    assert_eq!(out.status.code(), Some(60), "{}", text(&out.stderr));
    assert!(server.logged("tls: ").contains("client"), "the server says who refused whom");
}

fn curl_refuses_a_name_that_is_not_in_the_certificate() {
    let server = Server::start(&[]);
    let out = run(curl(&server).arg(format!("https://wrong.test:{}/", server.port("web"))));
    assert_eq!(out.status.code(), Some(60), "{}", text(&out.stderr));
}

fn curl_keeps_one_connection_for_many_pages() {
    let server = Server::start(&[]);
    let url = format!("https://localhost:{}/healthz", server.port("web"));
    let out = good(curl(&server).args(["-w", "%{num_connects} ", "-o", "/dev/null", &url, "-o", "/dev/null", &url]));
    assert_eq!(out, "1 0 ");
}

fn tls_1_2_and_1_1_are_refused_with_protocol_version() {
    let server = Server::start(&[]);
    for version in ["-tls1_2", "-tls1_1"] {
        let out = run(s_client(&server, &[version, "-cipher", "DEFAULT@SECLEVEL=0"]).stdin(std::process::Stdio::null()));
        let said = text(&out.stderr);
        assert!(!out.status.success() && said.contains("alert protocol version"), "{version}: {said}");
    }
    server.logged("the client speaks TLS 1.1 at most");
}

fn tls_1_2_is_spoken_when_asked_for() {
    let server = Server::start(&["--min-tls", "1.2"]);
    let out = good(s_client(&server, &["-tls1_2", "-verify_return_error"]).stdin(std::process::Stdio::null()));
    assert!(out.contains("Verify return code: 0 (ok)") && out.contains("TLSv1.2"), "{out}");
}

fn openssl_verifies_the_chain_and_the_name() {
    let server = Server::start(&[]);
    let how = ["-verify_return_error", "-verify_hostname", "localhost", "-x509_strict"];
    let out = good(s_client(&server, &how).stdin(std::process::Stdio::null()));
    for expected in ["Verify return code: 0 (ok)", "Verified peername: localhost", "New, TLSv1.3"] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    let wrong = ["-verify_return_error", "-verify_hostname", "wrong.test"];
    let out = run(s_client(&server, &wrong).stdin(std::process::Stdio::null()));
    assert!(!out.status.success(), "a check that never refuses is no check");
}

fn openssl_verifies_the_files_strictly() {
    let mut command = Command::new("openssl");
    command.args(["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost"]);
    command.arg("-CAfile").arg(certs().join("ca/root.crt")).arg("-untrusted").arg(certs().join("ca/intermediate.crt"));
    let out = good(command.arg(certs().join("server/localhost.fullchain.pem")));
    assert!(out.trim().ends_with(": OK"), "{out}");
}

fn openssl_hears_close_notify_after_the_last_answer() {
    let server = Server::start(&[]);
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let command = s_client(&server, &["-quiet", "-ign_eof", "-msg"]);
    let shell = format!("printf '{}' | {}", request.replace('\r', "\\r").replace('\n', "\\n"), shown(&command));
    let out = run(Command::new("sh").args(["-c", &shell]));
    let said = text(&out.stdout);
    assert!(said.contains("<<< TLS 1.3, Alert [length 0002], warning close_notify"), "{said}{}", text(&out.stderr));
}

/// A command as a shell takes it; none of our arguments holds a quote.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| format!("'{}'", word.to_str().unwrap())).collect::<Vec<_>>().join(" ")
}

fn http_to_the_tls_port_is_told_the_https_address() {
    let server = Server::start(&[]);
    let port = server.port("web");
    let out = run(curl(&server).args(["-w", "\n%{http_code}", &format!("http://localhost:{port}/")]));
    let said = text(&out.stdout);
    assert!(said.contains(&format!("https://localhost:{port}/")) && said.ends_with("\n400"), "{said}");
}
