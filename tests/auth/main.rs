//! The auth service: accounts, tickets, who may redeem them, and what it does when asked by strangers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
#[path = "../common/cases.rs"]
mod cases;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod desk;
mod hostile;
mod tickets;

fn main() -> std::process::ExitCode {
    cases::conduct(&[accounts::CASES, tickets::CASES, hostile::CASES, client::CASES])
}
