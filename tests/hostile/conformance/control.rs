//! Ping and Pong (RFC 6455 5.5.2, 5.5.3).

use super::super::{
    common::Server,
    peer::{PING, PONG, TEXT},
};
use super::{Then, frame, holds, script};

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    let server = Server::start(&["--quiet"]);
    let binary: Vec<u8> = (0..125).map(|n| 255 - n).collect();
    for payload in [&b""[..], b"hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", &binary] {
        holds(&server, &format!("{} bytes", payload.len()), script().frame(PING, payload), &[frame(PONG, payload)], Then::Goes);
    }
}

#[test]
fn ten_pings_are_answered_in_order_and_messages_between_them_too() {
    let server = Server::start(&["--quiet"]);
    let (mut sent, mut back) = (script(), Vec::new());
    for n in 0..10_u8 {
        sent = sent.frame(PING, [n]);
        back.push(frame(PONG, [n]));
    }
    holds(&server, "ten pings", sent, &back, Then::Goes);
}

#[test]
fn a_control_frame_holds_125_bytes_at_most() {
    let server = Server::start(&["--quiet"]);
    for first in [PING, PONG, 0x88] {
        for length in [126, 127, 65_536] {
            let script = script().frame(first, vec![b'x'; length]);
            holds(&server, &format!("{first:#x} of {length} bytes"), script, &[], Then::Fails(1002));
        }
    }
}

#[test]
fn an_unasked_pong_is_no_answer_to_anything() {
    let server = Server::start(&["--quiet"]);
    holds(&server, "empty", script().frame(PONG, ""), &[], Then::Goes);
    holds(&server, "with a payload", script().frame(PONG, "unasked"), &[], Then::Goes);
    let script = script().frame(PONG, "unasked").frame(PING, "asked").frame(PONG, "unasked").frame(TEXT, "said");
    holds(&server, "among others", script, &[frame(PONG, "asked"), frame(TEXT, "said")], Then::Goes);
}
