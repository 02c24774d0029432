//! Close (RFC 6455 5.5.1, 7.1, 7.4).

use super::super::{
    common::Server,
    peer::{BINARY, CLOSE, PING, TEXT},
};
use super::{Then, frame, holds, script};

fn with_reason(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_ref()].concat()
}

#[test]
fn a_close_is_answered_with_the_same_code() {
    let server = Server::start(&["--quiet"]);
    holds(&server, "nothing in it", script().frame(CLOSE, ""), &[], Then::Closes(vec![]));
    let allowed = (1000..=1003).chain(1007..=1013).chain([3000, 3001, 3999, 4000, 4001, 4999]);
    for code in allowed {
        for reason in ["", "for a reason", "weil wir müde sind 😴"] {
            let payload = with_reason(code, reason);
            holds(&server, &format!("{code} {reason}"), script().frame(CLOSE, &payload), &[], Then::Closes(payload));
        }
    }
    let longest = with_reason(1000, "x".repeat(123));
    holds(&server, "the longest reason", script().frame(CLOSE, &longest), &[], Then::Closes(longest));
}

#[test]
fn a_code_that_must_not_be_sent_is_a_protocol_error() {
    let server = Server::start(&["--quiet"]);
    // Never assigned, or reserved for what an endpoint tells itself: no code (1005), no Close (1006), no TLS (1015).
    let forbidden = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65_535];
    for code in forbidden {
        for reason in ["", "for a reason"] {
            let script = script().frame(CLOSE, with_reason(code, reason));
            holds(&server, &format!("{code} {reason}"), script, &[], Then::Fails(1002));
        }
    }
}

#[test]
fn a_close_that_is_malformed_fails() {
    let server = Server::start(&["--quiet"]);
    holds(&server, "half a code", script().frame(CLOSE, [3]), &[], Then::Fails(1002));
    holds(&server, "a reason of 124 bytes", script().frame(CLOSE, with_reason(1000, "x".repeat(124))), &[], Then::Fails(1002));
    for reason in [&b"\xff"[..], b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80", b"cut \xf0\x9f\x98"] {
        holds(&server, "a reason that is not UTF-8", script().frame(CLOSE, with_reason(1000, reason)), &[], Then::Fails(1007));
    }
}

#[test]
fn what_came_before_the_close_is_answered_and_nothing_after_it() {
    let server = Server::start(&["--quiet"]);
    let bye = with_reason(1000, "bye");
    let closes = || Then::Closes(bye.clone());
    let before = script().frame(TEXT, "one").frame(BINARY, "two").frame(CLOSE, &bye);
    holds(&server, "messages before", before, &[frame(TEXT, "one"), frame(BINARY, "two")], closes());
    for (rule, first) in [("a message", TEXT), ("a ping", PING), ("a continuation", 0x80), ("nonsense", 0xff)] {
        holds(&server, &format!("{rule} after it"), script().frame(CLOSE, &bye).frame(first, "late"), &[], closes());
    }
    holds(&server, "two of them", script().frame(CLOSE, &bye).frame(CLOSE, with_reason(1001, "")), &[], closes());
    let within = script().frame(0x01, "never ").frame(CLOSE, &bye).frame(0x80, "finished");
    holds(&server, "in the middle of a message", within, &[], closes());
    let large = vec![b'x'; 64 * 1024];
    holds(&server, "right after a long message", script().frame(BINARY, &large).frame(CLOSE, &bye), &[frame(BINARY, &large)], closes());
}
