//! The ticket service against real peers: our own sockets, byte by byte, and other people's programs. Each way of saying who is
//! there is attacked, and the outcome is held.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/auth.rs"]
mod auth;
#[path = "../common/cases.rs"]
mod cases;
#[path = "../common/client.rs"]
mod client;
#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod lab;
mod ladder;
mod outage;
#[path = "../hostile/peer.rs"]
#[allow(dead_code)]
mod peer;
mod person;
mod room;
mod spellings;
mod talk;

use std::process::ExitCode;

fn main() -> ExitCode {
    cases::conduct(&[talk::CASES, room::CASES, ladder::CASES, outage::CASES, crowd::CASES, person::CASES, spellings::CASES])
}
