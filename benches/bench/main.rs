//! `make bench`: what the server costs, beside the same work done naively and beside TCP without TLS.
//!
//! Three processes are measured, in turn and several times: the real `server`, the naive reference (`naive.rs`), and a
//! server without TLS, HTTP or WebSocket (`raw.rs`). `cargo bench -- echo` runs the rows with that in their name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../tests/common/auth.rs"]
mod auth;
mod chat;
mod line;
mod load;
mod mutual;
mod naive;
mod process;
mod raw;
mod table;
mod ticket;

use load::{Group, Sample, Work};
use process::{Kind, Lab, Process};
use std::process::ExitCode;

/// How often each server gets its turn in a row. A slow phase of the machine then meets all three.
const ROUNDS: usize = 3;

/// What is measured: a name, and the work behind it.
const ROWS: [(&str, Work); 12] = [
    ("handshake X25519MLKEM768", Work::Handshake { group: Group::Hybrid, resumed: false }),
    ("handshake X25519", Work::Handshake { group: Group::X25519, resumed: false }),
    ("resumed X25519MLKEM768", Work::Handshake { group: Group::Hybrid, resumed: true }),
    ("resumed X25519", Work::Handshake { group: Group::X25519, resumed: true }),
    ("echo 32 B, 32 at once", Work::Echo { size: 32, connections: 32 }),
    ("echo 1 KiB, 32 at once", Work::Echo { size: 1024, connections: 32 }),
    ("echo 64 KiB, 8 at once", Work::Echo { size: 64 * 1024, connections: 8 }),
    ("echo 1 MiB, 2 at once", Work::Echo { size: 1024 * 1024, connections: 2 }),
    ("room, 100 listeners", Work::Room { size: 32, listeners: 100 }),
    ("GET 1 KiB, 8 at once", Work::Get { size: 1024, connections: 8 }),
    ("GET 1 MiB, 4 at once", Work::Get { size: 1024 * 1024, connections: 4 }),
    ("memory, 1000 idle wss", Work::Idle { connections: 1000 }),
];

/// Prints a row in as many rounds, and gives whether all went well.
type Row = fn(&Lab, usize) -> bool;

/// Rows that stand beside nothing, or beside others.
const OTHERS: [(&str, Row); 6] = [
    (mutual::NAME, mutual::row),
    (ticket::CONNECTIONS, ticket::connections),
    (ticket::ROOM, ticket::room),
    (chat::LOGINS, chat::logins),
    (chat::MESSAGES, chat::messages),
    (chat::MEMORY, chat::memory),
];

fn main() -> ExitCode {
    process::raise_descriptor_limit();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--serve-naive") => naive::serve(&arguments[1..]),
        Some("--serve-raw") => raw::serve(),
        _ => return measure(&arguments),
    }
    ExitCode::SUCCESS
}

fn measure(arguments: &[String]) -> ExitCode {
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect(); // cargo says --bench
    let rows = ROWS.into_iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())));
    let lab = Lab::new();
    let servers = Kind::ALL.map(|kind| Process::start(kind, &lab));
    let mut all_well = true;
    for (place, (name, work)) in rows.enumerate() {
        if place == 0 {
            table::head();
        }
        let samples = match work {
            Work::Idle { connections } => Kind::ALL.map(|kind| load::idle(&Process::start(kind, &lab), &lab, connections)),
            _ => in_turn(&servers, &lab, work),
        };
        all_well &= samples[0].failed == 0;
        table::row(name, &samples);
    }
    for (name, row) in OTHERS {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())) {
            all_well &= row(&lab, ROUNDS);
        }
    }
    table::foot();
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All servers, one after the other, round after round; each gets the sum of its rounds.
fn in_turn(servers: &[Process; 3], lab: &Lab, work: Work) -> [Sample; 3] {
    let mut samples = [Sample::default(); 3];
    for _ in 0..ROUNDS {
        for (server, sample) in servers.iter().zip(&mut samples) {
            sample.add(&load::work(server, lab, work));
        }
    }
    samples
}
