//! Whole conversations between real processes: a directory, people, and Mallory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/auth.rs"]
mod auth;
#[path = "../common/cases.rs"]
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod conversation;
mod directory;
mod enrolment;
mod files;
mod ledger;
mod limits;
mod mallory;
#[allow(dead_code)]
#[path = "../hostile/peer.rs"]
mod peer;
mod person;
mod revocation;
mod terminal;

fn main() -> std::process::ExitCode {
    cases::conduct(&[
        conversation::CASES,
        directory::CASES,
        enrolment::CASES,
        files::CASES,
        ledger::CASES,
        limits::CASES,
        mallory::CASES,
        revocation::CASES,
        terminal::CASES,
    ])
}
