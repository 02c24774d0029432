//! `/handshake`, as a connection is shown its own.

use crate::common::{PATIENCE, Server, certs, checkout, good, program, run, scratch, text};
use padlock::authority::Places;
use padlock::tls::{self, Settings};
use padlock::trust::Trust;
use rustls::pki_types::ServerName;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

fn client(args: &[&str]) -> Command {
    let mut command = program("client", certs());
    command.args(args);
    command
}

fn asked(server: &Server, path: &str) -> String {
    good(&mut client(&[&format!("https://localhost:{}{path}", server.port("web"))]))
}

fn messages(told: &Value) -> Vec<String> {
    let records = told["records"].as_array().unwrap();
    let items = records.iter().flat_map(|record| record["items"].as_array().unwrap());
    items.map(|item| item["about"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_page_shows_the_handshake_of_the_connection_that_asks_and_links_rfc_and_source() {
    let server = Server::start(&[]);
    let page = asked(&server, "/handshake");
    let at = |what: &str| page.find(&format!("<summary>{what}")).unwrap_or_else(|| panic!("no {what}"));
    let order = ["ClientHello", "ServerHello", "ChangeCipherSpec", "EncryptedExtensions", "Certificate ", "CertificateVerify", "Finished"];
    let places: Vec<usize> = order.iter().map(|name| at(name)).collect();
    assert!(places.is_sorted(), "{places:?}");
    for part in ["<svg class=\"schedule\"", "X25519MLKEM768", "rfc9846#section-4.2.2", "NewSessionTicket", "the same as in the key log"] {
        assert!(page.contains(part), "no {part}");
    }
    assert!(!page.contains("<script") && !page.contains("style="), "the page needs no JavaScript");
    // Each thing that is explained names the line of ours that had a part in it, and the book has that line.
    let links: Vec<&str> = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let lines: Vec<&str> = links.iter().copied().filter(|link| link.starts_with("/docs/") && link.contains('#')).collect();
    let (records, messages) = (page.matches(": record <code>").count(), page.matches("<details class=\"message\">").count());
    assert_eq!(lines.len(), records + messages, "{lines:?}");
    for line in lines {
        let (path, anchor) = line.split_once('#').unwrap();
        assert!(asked(&server, path).contains(&format!("id=\"{anchor}\"")), "{line}");
    }
}

#[test]
fn the_bytes_are_those_of_the_capture_and_the_secrets_those_of_its_key_log() {
    let folder = scratch();
    let (capture, keys) = (folder.path().join("lesson.pcapng"), folder.path().join("keys"));
    let server = Server::start(&[]);
    let url = format!("https://localhost:{}/", server.port("web"));
    let (capture_name, keys_name) = (capture.to_str().unwrap(), keys.to_str().unwrap());
    let said = good(&mut client(&["handshake", "--json", "--capture", capture_name, "--keylog", keys_name, &url]));
    let told = &serde_json::from_str::<Value>(&said).unwrap()["handshake"];
    let listed = good(&mut client(&["decrypt", "--json", capture_name]));
    let opened: Value = serde_json::from_str(&listed).unwrap();
    let (records, captured) = (told["records"].as_array().unwrap(), opened["records"].as_array().unwrap());
    assert_eq!(records.len(), captured.len());
    for (record, captured) in records.iter().zip(captured) {
        for part in ["speaker", "header", "length", "sealed", "items"] {
            assert_eq!(record[part], captured[part], "{part}");
        }
    }
    let log = fs::read_to_string(&keys).unwrap();
    let logged: Vec<&str> = log.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    let derived = told["schedule"].as_array().unwrap().iter().filter(|step| step["agrees"] == true);
    let values: Vec<&str> = derived.map(|step| step["value"].as_str().unwrap()).collect();
    assert_eq!(values.len(), 5);
    assert!(values.iter().all(|value| logged.contains(value)), "{values:?} are not all in {logged:?}");
}

#[test]
fn what_left_with_an_earlier_page_is_said_to_be_missing() {
    let server = Server::start(&[]);
    let told = |requests: &str| {
        let config = tls::client(None, &Trust::lab(&Places::new(certs())).unwrap(), Default::default(), &Settings::default()).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", server.port("web"))).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut session = tls::connect(stream, name, &config).map_err(|(failure, _)| failure).unwrap();
        session.write_all(requests.as_bytes()).unwrap();
        let mut answers = String::new();
        session.read_to_string(&mut answers).unwrap();
        answers
    };
    let (first, page) = ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /handshake HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (alone, later) = (told(page), told(&[first, page].concat()));
    let (ticket, missing) = ("<summary>NewSessionTicket", "The ticket leaves with the first page");
    assert!(alone.contains(ticket) && !alone.contains(missing));
    assert!(!later.contains(ticket) && later.contains(missing));
}

#[test]
fn programs_get_json_and_the_client_that_comes_again_is_told_of_a_resumption() {
    let server = Server::start(&[]);
    let told: Value = serde_json::from_str(&asked(&server, "/handshake?json")).unwrap();
    assert_eq!(told["version"], "TLS 1.3");
    assert_eq!(messages(&told).last().unwrap(), "NewSessionTicket", "it is sent before the answer is made");
    let url = format!("https://localhost:{}/", server.port("web"));
    let again: Value = serde_json::from_str(&good(&mut client(&["handshake", "--again", "--json", &url]))).unwrap();
    let again = &again["handshake"];
    assert_eq!(again["resumed"], true);
    assert!(!messages(again).contains(&"Certificate".to_owned()));
    let agrees = again["schedule"].as_array().unwrap().iter().filter(|step| step["agrees"] == true).count();
    assert_eq!(agrees, 5, "the schedule begins with the PSK of the first connection's ticket: {again}");
}

#[test]
fn a_refused_handshake_is_shown_to_its_alert_and_is_still_refused() {
    let server = Server::start(&[]);
    let url = format!("https://localhost:{}/", server.port("web"));
    let out = run(&mut client(&["handshake", "--brief", "--web", &url]));
    assert_eq!(out.status.code(), Some(60), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("> alert: unknown ca (48), 2 bytes"), "{}", text(&out.stdout));
    let hello = format!("tls://localhost:{}", server.port("hello"));
    let out = run(&mut client(&["handshake", "--brief", "--no-cert", &hello]));
    assert_eq!(out.status.code(), Some(56), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("< alert: certificate required (116), 2 bytes"), "{}", text(&out.stdout));
}

#[test]
fn a_handshake_is_shown_once_and_only_by_a_server_that_illustrates() {
    let quiet = Server::start(&["--quiet"]);
    let url = format!("https://localhost:{}/handshake", quiet.port("web"));
    let out = run(&mut client(&["--fail", &url]));
    assert_eq!(out.status.code(), Some(22));
    let server = Server::start(&["--quiet", "--illustrate"]);
    assert!(asked(&server, "/handshake").contains("ClientHello"));

    let mut exposed = program("server", certs());
    let out = run(exposed.args(["--listen", "0.0.0.0", "--unsafe-listen", "--illustrate", "--port", "0"]));
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("--illustrate shows the secrets of sessions, and 0.0.0.0 can be reached by others"));
}

#[test]
fn every_line_that_a_message_names_is_one_of_the_sources() {
    let about = fs::read_to_string(checkout().join("src/wire/explain/about.rs")).unwrap();
    for item in about.split("\"crate::").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let (word, name) = (item.split("::").next().unwrap(), item.rsplit("::").next().unwrap());
        let sources = crate::common::sources(&format!("src/{word}"), "rs").into_iter().map(|(_, text)| text);
        let own = fs::read_to_string(checkout().join(format!("src/{word}.rs"))).unwrap();
        let defined = |text: &str| ["fn", "struct", "enum"].iter().any(|kind| text.contains(&format!("{kind} {name}")));
        assert!(sources.chain([own]).any(|text| defined(&text)), "crate::{item}");
    }
}
