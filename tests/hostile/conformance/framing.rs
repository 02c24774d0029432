//! Frames and fragments (RFC 6455 5.2 to 5.4).

use super::super::{
    common::Server,
    peer::{BINARY, PING, PONG, TEXT, header},
};
use super::{Then, frame, holds, script};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// FIN.
const LAST: u8 = 0x80;
const TEXT_BEGINS: u8 = 0x01;
const BINARY_BEGINS: u8 = 0x02;
const GOES_ON: u8 = 0x00;

#[test]
fn a_message_comes_back_as_it_was_whatever_its_length() {
    let server = Server::start(&["--quiet"]);
    for length in [0, 1, 2, 125, 126, 127, 128, 1_000, 16_383, 16_384, 16_385, 65_535, 65_536] {
        for first in [TEXT, BINARY] {
            let payload = vec![b'a' + (length % 26) as u8; length];
            let rule = format!("{first:#x} of {length} bytes");
            holds(&server, &rule, script().frame(first, &payload), &[frame(first, &payload)], Then::Goes);
        }
    }
    let (one, two) = (frame(TEXT, "one"), frame(BINARY, "two"));
    holds(&server, "two messages", script().frame(TEXT, "one").frame(BINARY, "two"), &[one, two], Then::Goes);
}

#[test]
fn any_mask_is_taken_off_and_a_missing_one_fails() {
    let server = Server::start(&["--quiet"]);
    for mask in [[0; 4], [0xff; 4], [1, 2, 3, 4], [0, 0, 0, 0x80]] {
        for first in [TEXT, BINARY] {
            let payload: Vec<u8> = b"masked".iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            let sent = [&header(first, 6, true)[..], &mask, &payload].concat();
            holds(&server, &format!("mask {mask:?}"), script().raw(&sent), &[frame(first, "masked")], Then::Goes);
        }
    }
    for first in [TEXT, BINARY, PING, PONG, 0x88] {
        let sent = [&header(first, 2, false)[..], b"hi"].concat();
        holds(&server, &format!("{first:#x} without a mask"), script().raw(&sent), &[], Then::Fails(1002));
    }
}

#[test]
fn a_reserved_bit_fails_whatever_the_frame() {
    let server = Server::start(&["--quiet"]);
    for bits in 1..=7 {
        for first in [TEXT, BINARY, PING, PONG, 0x88, TEXT_BEGINS] {
            let first = first | bits << 4;
            holds(&server, &format!("{first:#x}"), script().frame(first, "hi"), &[], Then::Fails(1002));
        }
    }
    let script = script().frame(TEXT, "good").frame(TEXT | 0x40, "bad").frame(PING, "");
    holds(&server, "what came before is answered, what comes after is not", script, &[frame(TEXT, "good")], Then::Fails(1002));
}

#[test]
fn a_reserved_opcode_fails() {
    let server = Server::start(&["--quiet"]);
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        for payload in ["", "with a payload"] {
            holds(&server, &format!("opcode {opcode}"), script().frame(LAST | opcode, payload), &[], Then::Fails(1002));
        }
        let after = script().frame(TEXT, "good").frame(LAST | opcode, "").frame(PING, "");
        holds(&server, &format!("opcode {opcode} after a message"), after, &[frame(TEXT, "good")], Then::Fails(1002));
        let between = script().frame(TEXT_BEGINS, "a").frame(LAST | opcode, "").frame(LAST, "b");
        holds(&server, &format!("opcode {opcode} between fragments"), between, &[], Then::Fails(1002));
    }
}

#[test]
fn fragments_come_back_as_one_message() {
    let server = Server::start(&["--quiet"]);
    for (begins, whole) in [(TEXT_BEGINS, TEXT), (BINARY_BEGINS, BINARY)] {
        let cases = [
            ("two", script().frame(begins, "he").frame(LAST, "llo"), "hello"),
            ("three", script().frame(begins, "h").frame(GOES_ON, "ell").frame(LAST, "o"), "hello"),
            ("an empty first", script().frame(begins, "").frame(LAST, "hello"), "hello"),
            ("an empty last", script().frame(begins, "hello").frame(LAST, ""), "hello"),
            ("an empty one between", script().frame(begins, "he").frame(GOES_ON, "").frame(LAST, "llo"), "hello"),
            ("three empty ones", script().frame(begins, "").frame(GOES_ON, "").frame(LAST, ""), ""),
        ];
        for (rule, script, payload) in cases {
            holds(&server, rule, script, &[frame(whole, payload)], Then::Goes);
        }
        let many = (0..1_000).fold(script().frame(begins, ""), |script, _| script.frame(GOES_ON, "x")).frame(LAST, "");
        holds(&server, "a thousand", many, &[frame(whole, "x".repeat(1_000))], Then::Goes);
    }
}

#[test]
fn control_frames_may_stand_between_fragments_and_data_frames_may_not() {
    let server = Server::start(&["--quiet"]);
    let pinged = script().frame(TEXT_BEGINS, "a").frame(PING, "1").frame(GOES_ON, "b").frame(PING, "2").frame(LAST, "c");
    holds(&server, "pings", pinged, &[frame(PONG, "1"), frame(PONG, "2"), frame(TEXT, "abc")], Then::Goes);
    let ponged = script().frame(BINARY_BEGINS, "a").frame(PONG, "1").frame(LAST, "b");
    holds(&server, "an unasked pong", ponged, &[frame(BINARY, "ab")], Then::Goes);
    for first in [TEXT, BINARY, TEXT_BEGINS, BINARY_BEGINS] {
        let script = script().frame(TEXT_BEGINS, "a").frame(first, "b").frame(LAST, "c");
        holds(&server, &format!("{first:#x} between fragments"), script, &[], Then::Fails(1002));
    }
    for first in [PING & 0x0f, PONG & 0x0f, 0x08] {
        holds(&server, "a control frame in fragments", script().frame(first, "").frame(LAST, ""), &[], Then::Fails(1002));
    }
}

#[test]
fn a_continuation_of_nothing_fails() {
    let server = Server::start(&["--quiet"]);
    for first in [GOES_ON, LAST] {
        holds(&server, "at once", script().frame(first, "x").frame(TEXT, "y"), &[], Then::Fails(1002));
        let after = script().frame(TEXT, "whole").frame(first, "x");
        holds(&server, "after a whole message", after, &[frame(TEXT, "whole")], Then::Fails(1002));
        let after = script().frame(TEXT_BEGINS, "wh").frame(LAST, "ole").frame(first, "x");
        holds(&server, "after the last fragment", after, &[frame(TEXT, "whole")], Then::Fails(1002));
    }
}

#[test]
fn however_a_message_is_cut_into_fragments_it_comes_back_whole() {
    let server = Server::start(&["--quiet"]);
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)); // the same on every run
    let fragments = vec((vec(any::<u8>(), 0..300), any::<bool>()), 1..12);
    let rule = |fragments: Vec<(Vec<u8>, bool)>| {
        let last = fragments.len() - 1;
        let (mut sent, mut back, mut whole) = (script(), Vec::new(), Vec::new());
        for (n, (payload, pinged)) in fragments.iter().enumerate() {
            let opcode = if n == 0 { BINARY_BEGINS } else { GOES_ON };
            sent = sent.frame(if n == last { LAST | opcode } else { opcode }, payload);
            whole.extend_from_slice(payload);
            if *pinged && n < last {
                sent = sent.frame(PING, [n as u8]);
                back.push(frame(PONG, [n as u8]));
            }
        }
        back.push(frame(BINARY, whole));
        holds(&server, "random fragments", sent, &back, Then::Goes);
        Ok(())
    };
    runner.run(&fragments, rule).unwrap();
}
