//! Both sides prove a name: the client, the server, long chains. OpenSSL, Node, Python and curl stand on the other side.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/cases.rs"]
mod cases;
mod chain;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
#[allow(dead_code)]
#[path = "../hostile/peer.rs"]
mod peer;
mod people;
mod revocation;
mod server;
#[path = "../common/client.rs"]
mod talk;

fn main() -> std::process::ExitCode {
    cases::conduct(&[client::CASES, server::CASES, chain::CASES, hostile::CASES, revocation::CASES])
}
