//! Asking the auth service: with curl, as anybody would, and as a service that redeems.

use crate::common::{Server, certs, good, text};
use padlock::{
    authority::Places,
    certificate::Identity,
    ticket::{AUTH, Auth},
    trust::Trust,
};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    process::Command,
};

pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const PASSWORD: &str = "correct horse";

/// The auth service alone, with no accounts yet.
pub fn auth_alone(more: &[&str]) -> Server {
    Server::start_with(certs(), |command| command.arg("auth").args(more))
}

/// What curl was answered.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// `wrong-password`
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The value of a field, or nothing.
    pub fn field(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// curl, which believes the lab's authority, asks `https://localhost` for `path`.
pub fn curl(server: &Server, path: &str, more: &[&str]) -> Answer {
    let url = format!("https://localhost:{}{path}", server.port("auth"));
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--include", "--max-time", "60", "--cacert"]).arg(certs().join("ca/root.crt"));
    let said = good(curl.args(more).arg(url));
    let (head, body) = said.rsplit_once("\r\n\r\n").unwrap();
    let head = head.rsplit("\r\n\r\n").next().unwrap(); // 100 Continue comes before
    Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
}

pub fn post(server: &Server, path: &str, body: &Value) -> Answer {
    post_with(server, path, &body.to_string(), &[])
}

pub fn post_with(server: &Server, path: &str, body: &str, more: &[&str]) -> Answer {
    curl(server, path, &[&["--header", "Content-Type: application/json", "--data-binary", body], more].concat())
}

pub fn register(server: &Server, name: &str) -> Answer {
    post(server, "/accounts", &json!({ "name": name, "password": PASSWORD }))
}

pub fn sign_in(server: &Server, name: &str, password: &str) -> Answer {
    post(server, "/tickets", &json!({ "name": name, "password": password }))
}

/// An account, and a ticket for it.
pub fn ticket(server: &Server, name: &str) -> String {
    register(server, name);
    let answer = sign_in(server, name, PASSWORD);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

/// The way to the auth service for a service of this name.
pub fn service(port: u16, name: &str) -> Auth {
    service_of(certs(), port, name)
}

/// As [`service`], with the certificates of `certs`.
pub fn service_of(certs: &Path, port: u16, name: &str) -> Auth {
    let places = Places::new(certs);
    let (chain, key) = places.service(name);
    Auth::new("localhost", port, &Identity::load(&chain, &key).unwrap(), &Trust::lab(&places).unwrap()).unwrap()
}

/// curl with a certificate of the lab's, on the services' side.
pub fn curl_as(server: &Server, chain: &Path, key: &Path, body: &Value) -> Answer {
    let port = server.port("auth");
    let (resolve, connect) = (format!("{AUTH}:{port}:127.0.0.1"), format!("https://{AUTH}:{port}/tickets/redeem"));
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--include", "--max-time", "60", "--cacert"]).arg(certs().join("ca/root.crt"));
    curl.arg("--cert").arg(chain).arg("--key").arg(key).args(["--resolve", &resolve, "--data-binary", &body.to_string()]);
    let out = curl.args(["--header", "Content-Type: application/json", &connect]).output().unwrap();
    let said = text(&out.stdout);
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{}", text(&out.stderr)));
    Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
}
