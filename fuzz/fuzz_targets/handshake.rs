//! Any bytes: messages are explained to their last byte, recordings are told, secrets derived, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::wire::{Field, Illustration, Kept, Known, Schedule, Speaker, Suite, Transcript, explain};

/// The fields lie one behind the other, from `begin` to `end`.
fn covers(fields: &[Field], begin: usize, end: usize) {
    let mut at = begin;
    for field in fields {
        assert_eq!(field.at, at);
        at += field.length;
        if let Some(first) = field.inside.first() {
            covers(&field.inside, first.at, at);
        }
    }
    assert_eq!(at, end);
}

fuzz_target!(|pieces: Vec<(bool, Vec<u8>)>| {
    let (mut kept, mut transcript) = (Kept::default(), Transcript::default());
    for (client, bytes) in &pieces {
        let speaker = if *client { Speaker::Client } else { Speaker::Server };
        for version in [0, 0x0303, 0x0304] {
            covers(&explain(bytes, version), 0, bytes.len());
        }
        kept.add(speaker, bytes);
        transcript.add(speaker, bytes);
    }
    let secret = pieces.last().map(|(_, bytes)| bytes.clone()).unwrap_or_default();
    for label in ["SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"] {
        kept.known.logged.push((label.into(), secret.clone()));
    }
    let _ = Illustration::of(&kept);
    for suite in [0x1301, 0x1302, 0x1303].into_iter().filter_map(Suite::of) {
        let known = Known { shared: Some(secret.clone()), psk: Some(secret.clone()), ..Known::default() };
        let schedule = Schedule::of(suite, pieces.len() % 2 == 0, &known, &transcript);
        let _ = suite.keys(schedule.secret("c hs traffic").unwrap_or(&secret));
        let _ = suite.ticket_psk(&secret, &secret);
    }
});
