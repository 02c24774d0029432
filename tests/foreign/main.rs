//! Other people's programs judge the server, and our client judges theirs: OpenSSL, curl, Node, Python, Chromium, Firefox,
//! Wireshark's tshark.
//!
//! None of them is told to ignore an error. Each is given the lab's root, or not given it and expected to refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/browser.rs"]
mod browser;
mod browsers;
#[path = "../common/cases.rs"]
mod cases;
#[path = "../common/client.rs"]
mod client;
#[path = "../common/mod.rs"]
mod common;
mod languages;
mod servers;
mod tools;
mod wireshark;

fn main() -> std::process::ExitCode {
    cases::conduct(&[tools::CASES, languages::CASES, servers::CASES, browsers::CASES, wireshark::CASES])
}
