//! Text is UTF-8 (RFC 6455 5.6, 8.1; RFC 3629), however it is cut.

use super::super::{
    common::Server,
    peer::{BINARY, TEXT},
};
use super::{Then, frame, holds, script};

/// The first and last code point of each length, and the neighbours of what is forbidden.
const GOOD: [&str; 16] = [
    "\0",
    "\x7f",
    "\u{80}",
    "\u{7ff}",
    "\u{800}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{10000}",
    "\u{1fffe}",
    "\u{fdd0}",
    "\u{feff}",
    "\u{10ffff}",
    "κόσμε, Grüße, 水, 🦀, e\u{301}",
];

/// What can't be UTF-8, whatever follows, and why.
const BAD: [(&str, &[u8]); 26] = [
    ("a continuation byte alone, the first", b"\x80"),
    ("a continuation byte alone, the last", b"\xbf"),
    ("two of them", b"\x80\xbf"),
    ("a start of two and no second", b"\xc3 "),
    ("a start of three and no second", b"\xe2 "),
    ("a start of three and no third", b"\xe2\x82 "),
    ("a start of four and no second", b"\xf0 "),
    ("a start of four and no fourth", b"\xf0\x9f\x98 "),
    ("a start behind a start", b"\xc3\xc3"),
    ("0xfe", b"\xfe"),
    ("0xff", b"\xff"),
    ("both of them", b"\xfe\xfe\xff\xff"),
    ("a slash in two bytes", b"\xc0\xaf"),
    ("a slash in three", b"\xe0\x80\xaf"),
    ("a slash in four", b"\xf0\x80\x80\xaf"),
    ("NUL in two bytes, as Java has it", b"\xc0\x80"),
    ("the last that fits in one byte, in two", b"\xc1\xbf"),
    ("the last that fits in two, in three", b"\xe0\x9f\xbf"),
    ("the last that fits in three, in four", b"\xf0\x8f\xbf\xbf"),
    ("five bytes", b"\xf8\x88\x80\x80\x80"),
    ("six bytes", b"\xfc\x84\x80\x80\x80\x80"),
    ("the first surrogate", b"\xed\xa0\x80"),
    ("the last surrogate", b"\xed\xbf\xbf"),
    ("a pair of surrogates, as in UTF-16", b"\xed\xa0\x80\xed\xb0\x80"),
    ("one past the last code point", b"\xf4\x90\x80\x80"),
    ("far past the last code point", b"\xf5\x80\x80\x80"),
];

#[test]
fn good_text_comes_back_wherever_it_is_cut() {
    let server = Server::start(&["--quiet"]);
    for text in GOOD {
        let whole = format!("<{text}>");
        holds(&server, &format!("{text:?}"), script().frame(TEXT, &whole), &[frame(TEXT, &whole)], Then::Goes);
        for cut in 0..=whole.len() {
            let (one, two) = whole.as_bytes().split_at(cut);
            let script = script().frame(0x01, one).frame(0x80, two);
            holds(&server, &format!("{text:?} cut at {cut}"), script, &[frame(TEXT, &whole)], Then::Goes);
        }
        let bytes = whole.bytes().fold(script().frame(0x01, ""), |script, byte| script.frame(0x00, [byte])).frame(0x80, "");
        holds(&server, &format!("{text:?} in bytes"), bytes, &[frame(TEXT, &whole)], Then::Goes);
    }
}

#[test]
fn bad_text_fails_with_1007_wherever_it_is_cut() {
    let server = Server::start(&["--quiet"]);
    for (what, bad) in BAD {
        let whole = [b"<", bad, b">"].concat();
        holds(&server, what, script().frame(TEXT, &whole), &[], Then::Fails(1007));
        for cut in 1..whole.len() {
            let (one, two) = whole.split_at(cut);
            let script = script().frame(0x01, one).frame(0x80, two);
            holds(&server, &format!("{what}, cut at {cut}"), script, &[], Then::Fails(1007));
        }
    }
}

#[test]
fn bad_text_fails_at_once_and_not_only_at_the_end_of_its_message() {
    let server = Server::start(&["--quiet"]);
    for (what, bad) in BAD {
        holds(&server, what, script().frame(0x01, "good so far ").frame(0x00, bad), &[], Then::Fails(1007));
    }
}

#[test]
fn a_letter_that_is_cut_off_by_the_end_of_its_message_fails() {
    let server = Server::start(&["--quiet"]);
    for cut in [&b"\xc3"[..], b"\xe2\x82", b"\xf0\x9f", b"\xf0\x9f\xa6"] {
        holds(&server, "in one frame", script().frame(TEXT, cut), &[], Then::Fails(1007));
        holds(&server, "in the last frame", script().frame(0x01, "a").frame(0x80, cut), &[], Then::Fails(1007));
        holds(&server, "before an empty last frame", script().frame(0x01, cut).frame(0x80, ""), &[], Then::Fails(1007));
    }
}

#[test]
fn binary_may_be_anything() {
    let server = Server::start(&["--quiet"]);
    for (what, bad) in BAD {
        holds(&server, what, script().frame(BINARY, bad), &[frame(BINARY, bad)], Then::Goes);
    }
}
