//! What passes over the wire, and who can read it: captures judged by tshark, and the program that listens on the path.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/browser.rs"]
mod browser;
mod capture;
#[path = "../common/cases.rs"]
mod cases;
#[path = "../common/client.rs"]
mod client;
#[path = "../common/mod.rs"]
mod common;
mod mitm;
mod page;
#[path = "../hostile/peer.rs"]
#[allow(dead_code)]
mod peer;
mod relay;
mod wiretap;

fn main() -> std::process::ExitCode {
    cases::conduct(&[capture::CASES, wiretap::CASES, relay::CASES, page::CASES, mitm::CASES])
}
