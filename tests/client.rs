//! The client as its users run it: against our server, and against nobody at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/client.rs"]
mod client;
mod common;

use client::{Talk, client, ended, free_port, lines, pem, piped, url};
use common::pki::Authority;
use common::{Server, certs, own_certs, program, run, scratch, text};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_line_through_a_pipe_gets_its_answer_and_a_clean_end() {
    let server = Server::start(&[]);
    let output = piped(&[&url(&server, "wss", "/")], "hi\n");
    ended(&output, 0, &[]);
    let expected = "connected to server\nWebsocket connection established.\nreceived message: welcome\n\
                    received message: counter: 1\ndisconnected\n";
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), (expected, ""));
    server.logged("received msg: hi");
    server.logged("closed: 1000");
}

#[test]
fn many_lines_through_a_pipe_get_all_their_answers_in_order() {
    let server = Server::start(&["--quiet"]);
    let input: String = (0..20_000).map(|number| format!("line {number}\n")).collect();
    let output = piped(&[&url(&server, "wss", "/echo"), "--quiet"], &input);
    ended(&output, 0, &[]);
    assert!(text(&output.stdout) == input, "{} of {} bytes came back", output.stdout.len(), input.len());
}

#[test]
fn typing_and_listening_happen_at_once() {
    let server = Server::start(&[]);
    let mut one = Talk::start(&mut client(&[&url(&server, "wss", "/room")]));
    let mut two = Talk::start(&mut client(&[&url(&server, "wss", "/room")]));
    for talk in [&mut one, &mut two] {
        talk.typed("here\n"); // who hears itself has a seat in the room
        talk.says("received message: here");
    }
    two.typed("first from two\n");
    one.says("received message: first from two"); // while one's keyboard is silent
    one.typed("then from one\n");
    two.says("received message: then from one");
}

#[test]
fn ctrl_c_ends_with_a_close_of_1000() {
    let server = Server::start(&[]);
    let mut talk = Talk::start(&mut client(&[&url(&server, "wss", "/")]));
    talk.says("received message: welcome");
    talk.signal();
    talk.says("disconnected");
    assert_eq!(talk.wait().code(), Some(0));
    server.logged("closed: 1000");
}

#[test]
fn a_server_that_stops_is_a_clean_end() {
    let server = Server::start(&[]);
    let mut talk = Talk::start(&mut client(&[&url(&server, "wss", "/")]));
    talk.says("received message: welcome");
    assert_eq!(server.stop().code(), Some(0));
    talk.says("disconnected");
    assert_eq!(talk.wait().code(), Some(0));
}

#[test]
fn a_server_that_is_killed_is_no_clean_end() {
    let server = Server::start(&[]);
    let mut talk = Talk::start(&mut client(&[&url(&server, "wss", "/")]));
    talk.says("received message: welcome");
    server.signal("KILL");
    assert_eq!(talk.wait().code(), Some(56));
    talk.remarks("without a word");
}

#[test]
fn it_comes_back_to_a_server_that_was_started_again() {
    let server = Server::start(&[]);
    let port = server.port("web").to_string();
    let mut talk = Talk::start(&mut client(&[&url(&server, "wss", "/"), "--reconnect"]));
    talk.says("received message: welcome");
    drop(server); // killed
    talk.remarks("connecting again in a moment");
    let _server = Server::start(&["--port", &port]);
    talk.says("received message: welcome");
    talk.typed("still there\n");
    talk.says("received message: counter: 1");
    ended(&talk.end(), 0, &[]);
}

#[test]
fn a_refused_certificate_is_not_tried_again() {
    let server = Server::start(&[]);
    ended(&piped(&[&url(&server, "wss", "/"), "--reconnect", "--servername", "wrong.test"], ""), 60, &["made for localhost"]);
}

#[test]
fn a_binary_or_a_dangerous_message_cannot_touch_the_terminal() {
    let server = Server::start(&[]);
    let mut talk = Talk::start(&mut client(&[&url(&server, "wss", "/echo")]));
    talk.stdin.as_mut().unwrap().write_all(b"\x1b[2Jgone\n\xff\xfe\n").unwrap();
    let output = talk.end();
    ended(&output, 0, &[]);
    assert!(
        text(&output.stdout).contains("received message: \\u{1b}[2Jgone\nreceived message: 2 bytes: ff fe\n"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn clear_text_is_labelled_insecure() {
    let server = Server::start(&[]);
    let output = run(&mut client(&[&url(&server, "http", "/healthz")]));
    ended(&output, 0, &["client: insecure: http://localhost:", "nobody's name is checked"]);
}

/// The names that our own server's certificate does not have, and one of OpenSSL's making that has a wildcard.
#[test]
fn a_wrong_name_is_refused_with_60_within_a_second() {
    let server = Server::start(&[]);
    let web = server.port("web");
    let there = format!("127.0.0.1:{web}");
    let made_for = "certificate refused: made for localhost, 127.0.0.1, ::1, but you asked for ";
    for asked in ["wrong.test", "a.localhost", "127.0.0.2", "wrong.example"] {
        let quickest = (0..3).map(|_| {
            let start = Instant::now();
            let output = piped(&[&url(&server, "wss", "/"), "--servername", asked], "");
            ended(&output, 60, &[&format!("{made_for}{asked}\n")]);
            assert_eq!(text(&output.stdout), "", "nothing may look as if it had worked");
            start.elapsed()
        });
        assert!(quickest.min().unwrap() < Duration::from_secs(1));
    }
    for address in ["wss://127.0.0.2", "https://127.0.0.3", "tls://wrong.test"] {
        let asked = address.split_once("://").unwrap().1;
        ended(&piped(&[&format!("{address}:{web}"), "--connect-to", &there], ""), 60, &[made_for, asked]);
    }
    server.logged("the client refused us: bad certificate");
}

#[test]
fn whom_it_believes_is_decided_by_host_and_flags() {
    let server = Server::start(&[]);
    let web = server.port("web");
    let (https, root) = (url(&server, "https", "/healthz"), certs().join("ca/root.crt"));
    let root = root.to_str().unwrap();
    let elsewhere = format!("https://site.example:{web}/healthz");
    let there = format!("127.0.0.1:{web}");
    let other = Authority::root("other");
    let folder = scratch();
    let other = pem(folder.path(), "other.crt", &[&other.certificate]);
    let table: [(&[&str], i32, &str); 9] = [
        (&[&https], 0, ""),
        (&[&https, "--cacert", root], 0, ""),
        (&[&https, "--cacert", &other], 60, "you trust what is in"),
        (&[&https, "--add-cacert", &other], 0, ""),
        (&[&https, "--web"], 60, "you trust the web's authorities"),
        (&[&elsewhere, "--connect-to", &there], 60, "you trust the web's authorities"),
        (&[&elsewhere, "--connect-to", &there, "--cacert", root], 60, "you asked for site.example"),
        (&[&https, "--cacert", "/nowhere.crt"], 77, "/nowhere.crt"),
        (&[&https, "--cert", "/nowhere.crt", "--key", "/nowhere.key"], 58, "/nowhere.crt"),
    ];
    for (args, status, said) in table {
        ended(&run(&mut client(args)), status, &[said]);
    }
    let mut added = client(&[&elsewhere, "--connect-to", &there, "--servername", "localhost", "--add-cacert", root]);
    ended(&run(added.env("SSL_CERT_FILE", &other)), 0, &[]);
    for as_curl_writes_it in [format!("site.example:{web}:127.0.0.1:{web}"), format!("::127.0.0.1:{web}")] {
        let args = [elsewhere.as_str(), "--connect-to", &as_curl_writes_it, "--cacert", root, "--servername", "localhost"];
        ended(&run(&mut client(&args)), 0, &[]);
    }
    let resolve = format!("site.example:{web}:127.0.0.1");
    ended(&run(&mut client(&[&elsewhere, "--resolve", &resolve, "--cacert", root, "--servername", "localhost"])), 0, &[]);
}

/// Lists from a file and from where they are published; one that can't be had is not passed over.
#[test]
fn what_a_list_takes_back_is_refused() {
    let (_folder, own) = own_certs();
    let ca = |words: &[&str]| run(program("ca", &own).arg("--quiet").args(words));
    assert!(ca(&["crl"]).status.success());
    let server = Server::start_with(&own, |command| command);
    let address = url(&server, "https", "/healthz");
    let file = own.join("crl/intermediate.crl").display().to_string();
    let published = format!("http://localhost:{}/crl/", server.port("plain"));
    let ask = |list: &str| run(program("client", &own).args([&address, "--crl", list]));
    for list in [&file, &format!("{published}intermediate.crl")] {
        assert_eq!(text(&ask(list).stdout), "{\"status\":\"ok\"}\n", "{list}");
    }
    ended(&ask(&format!("{published}root.crl")), 60, &["none of the revocation lists is O=Padlock, CN=Padlock Intermediate"]);
    ended(&ask(&format!("{published}absent.crl")), 82, &["can't fetch the revocation list", "the server answered "]);
    ended(&ask("https://localhost:1/x.crl"), 2, &["an http:// address"]);
    ended(&ask("absent.crl"), 82, &["absent.crl"]);
    assert!(ca(&["revoke", &own.join("server/localhost.crt").display().to_string(), "--reason", "keyCompromise"]).status.success());
    for list in [&file, &format!("{published}intermediate.crl")] {
        ended(&ask(list), 60, &["was taken back by its authority on ", "keyCompromise (serial ", list]);
    }
    server.logged("certificate revoked");
}

#[test]
fn what_never_gets_to_tls_has_curls_exit_statuses() {
    let server = Server::start(&[]);
    let nobody = free_port();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://localhost:{}/", silent.local_addr().unwrap().port());
    let plain_as_tls = format!("https://localhost:{}/", server.port("plain"));
    let table: [(&[&str], i32, &str); 9] = [
        (&["localhost:1234"], 2, "wss://localhost:1234/"),
        (&["--insecure"], 2, "--insecure"),
        (&["wss://localhost/", "--connect-to", "a:b:c"], 2, "--connect-to"),
        (&["wss://nowhere.invalid/"], 6, "nowhere.invalid has no address"),
        (&[&format!("wss://localhost:{nobody}/")], 7, "nobody listens at 127.0.0.1:"),
        (&[&silent, "--max-time", "0.3"], 28, "gave up after 0.3 s"),
        (&[&plain_as_tls], 35, "does this port speak TLS at all?"),
        (&[&url(&server, "wss", "/nothing")], 22, "404"),
        (&[&url(&server, "wss", "/"), "--origin", "https://evil.test"], 22, "403"),
    ];
    for (args, status, said) in table {
        ended(&run(&mut client(args)), status, &[said]);
    }
}

#[test]
fn pages_are_fetched_as_curl_does() {
    let server = Server::start(&[]);
    let (good, missing) = (url(&server, "https", "/healthz"), url(&server, "https", "/nothing"));
    let page = |args: &[&str]| text(&run(&mut client(args)).stdout);
    assert_eq!(page(&[&good]), "{\"status\":\"ok\"}\n");
    assert!(page(&[&good, "-i"]).starts_with("HTTP/1.1 200 OK\r\n") && page(&[&good, "-i"]).ends_with("\r\n\r\n{\"status\":\"ok\"}\n"));
    let head = page(&[&good, "--head"]);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n") && head.contains("\r\nContent-Length: 16\r\n"), "{head}");
    let output = run(&mut client(&[&missing]));
    ended(&output, 0, &[]);
    assert!(!output.stdout.is_empty());
    let output = run(&mut client(&[&missing, "--fail"]));
    ended(&output, 22, &["404"]);
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn facts_and_failures_are_told_as_json() {
    let server = Server::start(&[]);
    let json = |args: &[&str]| -> serde_json::Value { serde_json::from_slice(&run(&mut client(args)).stdout).unwrap() };
    let told = json(&[&url(&server, "https", "/healthz"), "--json"]);
    assert_eq!((&told["version"], &told["status"], &told["tls"]["version"]), (&1.into(), &200.into(), &"TLSv1.3".into()));
    assert_eq!(told["certificate"]["names"][0], "DNS:localhost");
    let told = json(&[&url(&server, "https", "/"), "--json", "--servername", "wrong.test"]);
    assert_eq!((&told["error"]["code"], &told["error"]["exit"]), (&"wrong-name".into(), &60.into()));
    assert!(told["error"]["hint"].as_str().unwrap().contains("./ca sign server wrong.test"));
}

#[test]
fn each_event_of_a_websocket_is_a_line_of_json() {
    let server = Server::start(&[]);
    let events = |path: &str, more: &[&str], input: &str| -> Vec<serde_json::Value> {
        let output = piped(&[&[url(&server, "wss", path).as_str(), "--json"], more].concat(), input);
        assert_eq!(text(&output.stderr), "");
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let told = events("/echo", &[], "\u{1b}[2J \"hi\"\n");
    assert_eq!((&told[0]["event"], &told[0]["version"]), (&"connected".into(), &1.into()));
    assert!(told[0]["url"].as_str().unwrap().starts_with("wss://localhost:"));
    assert_eq!(told[1], serde_json::json!({"event": "message", "text": "\u{1b}[2J \"hi\""}));
    assert_eq!(told[2], serde_json::json!({"event": "closed", "code": 1000, "reason": ""}));
    assert_eq!(told.len(), 3);
    let told = events("/echo", &["--servername", "wrong.test"], "");
    assert_eq!((told.len(), &told[0]["error"]["code"]), (1, &"wrong-name".into()));
}

#[test]
fn nobody_who_reads_is_no_reason_to_crash() {
    let server = Server::start(&[]);
    let mut child = client(&[&url(&server, "https", "/")]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(common::wait(&mut child).is_some());
    let stderr = lines(child.stderr.take().unwrap()).iter().collect::<String>();
    assert_eq!(stderr, "");
}

#[test]
fn it_waits_for_the_certificates_and_then_for_the_server() {
    let port = free_port();
    let folder = scratch();
    let places = folder.path().join("certs");
    let url = format!("wss://localhost:{port}/");
    let mut talk = Talk::start(program("client", &places).args([&url, "--wait", "60"]));
    talk.remarks("waiting up to 60 s for the certificates; make them with make certs");
    common::good(Command::new("cp").arg("-a").arg(certs()).arg(&places));
    talk.remarks("waiting up to 60 s for the server at wss://localhost:");
    let _server = Server::start(&["--port", &port.to_string()]);
    talk.typed("hi\n");
    talk.says("received message: counter: 1");
    ended(&talk.end(), 0, &[]);
}

#[test]
fn waiting_ends_with_what_to_type() {
    let nobody = format!("wss://localhost:{}/", free_port());
    ended(&run(&mut client(&[&nobody, "--wait", "0.3"])), 7, &["waiting up to 0.3 s", "nobody listens", "./server, or wait longer"]);
    let folder = scratch();
    ended(&run(program("client", folder.path()).args([&nobody, "--wait", "0.3"])), 77, &["has not been made yet", "make certs"]);
}

#[test]
fn the_key_log_holds_the_secrets_and_nobody_else_may_read_it() {
    let server = Server::start(&[]);
    let folder = scratch();
    for (way, name) in [("flag", "one"), ("environment", "two")] {
        let file = folder.path().join(name);
        let mut command = client(&[&url(&server, "https", "/healthz")]);
        let command = if way == "flag" { command.arg("--keylog").arg(&file) } else { command.env("SSLKEYLOGFILE", &file) };
        ended(&run(command), 0, &[]);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{way}");
        let log = fs::read_to_string(&file).unwrap();
        for label in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_TRAFFIC_SECRET_0 "] {
            assert!(log.contains(label), "{way}: {log}");
        }
    }
}

#[test]
fn verbose_tells_each_message_and_the_verdict() {
    let server = Server::start(&[]);
    let output = run(&mut client(&[&url(&server, "https", "/healthz"), "-v"]));
    let told = [
        "wire: > ClientHello: TLS 1.3, for localhost",
        "wire: < Certificate, sealed: CN=localhost; then ",
        "trust: the server is localhost",
    ];
    ended(&output, 0, &told);
    assert_eq!(text(&output.stdout), "{\"status\":\"ok\"}\n");
    let output = run(&mut client(&[&url(&server, "https", "/healthz"), "-v", "--servername", "wrong.test"]));
    ended(&output, 60, &["wire: > alert, sealed: bad certificate (42)", "but you asked for wrong.test"]);
    assert!(!text(&output.stderr).contains("the server is"));
}
