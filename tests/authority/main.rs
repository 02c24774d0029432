//! The program `ca`, and OpenSSL as the second witness to all that it makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/cases.rs"]
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod disk;
mod doctor;
mod graph;
mod lab;
mod verbs;
mod verify;
mod witness;

fn main() -> std::process::ExitCode {
    cases::conduct(&[verbs::CASES, witness::CASES, crowd::CASES, disk::CASES, graph::CASES, doctor::CASES, verify::CASES])
}
