//! Long messages, many messages, and the limit (RFC 6455 10.4).

use super::super::{
    common::Server,
    peer::{BINARY, Socket, TEXT, masked},
};
use super::{Then, frame, holds, script};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

#[test]
fn long_messages_come_back_whole_in_one_frame_or_in_many() {
    let server = Server::start(&["--quiet", "--max-message", "16m"]);
    for length in [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB] {
        let text: Vec<u8> = "Zeile für Zeile, 🦀 ".bytes().cycle().take(length - 8).chain(*b"12345678").collect();
        let text = String::from_utf8_lossy(&text).replace('\u{fffd}', "");
        for (first, payload) in [(TEXT, text.as_bytes()), (BINARY, &vec![length as u8; length])] {
            let mut socket = Socket::open(&server, "/echo");
            for fragment in [length, length / 2 + 1, 4 * KIB] {
                let mut chunks = payload.chunks(fragment).enumerate().peekable();
                let mut message = Vec::new();
                while let Some((n, chunk)) = chunks.next() {
                    let opcode = if n == 0 { first & 0x0f } else { 0 };
                    message.extend(masked(if chunks.peek().is_none() { opcode | 0x80 } else { opcode }, chunk));
                }
                socket.send(&message);
                let back = socket.next().unwrap();
                assert!(back.first == first && back.payload == payload, "{length} bytes in fragments of {fragment}");
            }
            socket.close();
        }
    }
}

#[test]
fn a_thousand_messages_of_each_size_come_back_in_order() {
    let server = Server::start(&["--quiet"]);
    let mut socket = Socket::open(&server, "/echo");
    for length in [0, 16, 64, 256, KIB, 4 * KIB] {
        for round in 0..10_u8 {
            let payloads: Vec<_> = (0..100_u8).map(|n| vec![n ^ round; length]).collect();
            socket.send(&payloads.iter().flat_map(|payload| masked(BINARY, payload)).collect::<Vec<_>>());
            payloads.iter().for_each(|payload| assert_eq!(socket.next(), Ok(frame(BINARY, payload))));
        }
    }
    socket.close();
}

#[test]
fn the_limit_holds_for_a_message_in_one_frame_and_in_fragments() {
    for (options, limit) in
        [(&["--quiet"][..], 64 * KIB), (&["--quiet", "--max-message", "1k"], KIB), (&["--quiet", "--max-message", "1"], 1)]
    {
        let server = Server::start(options);
        let payload = vec![b'x'; limit + 1];
        let (fits, half) = (&payload[..limit], &payload[..limit / 2]);
        for (begins, whole) in [(0x01, TEXT), (0x02, BINARY)] {
            holds(&server, "just fits", script().frame(whole, fits), &[frame(whole, fits)], Then::Goes);
            holds(&server, "one too many", script().frame(whole, &payload), &[], Then::Fails(1009));
            let fragments = script().frame(begins, half).frame(0x80, &payload[limit / 2..limit]);
            holds(&server, "just fits, in fragments", fragments, &[frame(whole, fits)], Then::Goes);
            let fragments = script().frame(begins, half).frame(0x00, &payload[limit / 2..]);
            holds(&server, "one too many, in fragments", fragments, &[], Then::Fails(1009));
        }
    }
}
