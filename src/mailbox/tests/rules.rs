//! What a peer may not do, and what it learns of it: frames by hand.

use super::*;

/// Sends raw bytes to a mailbox without TLS, and gives all that it says back, and how it ended.
fn raw(bytes: &[u8], max_message: usize) -> (Vec<u8>, Ended) {
    let (there, mut here) = tcp();
    let mailbox = Mailbox::new(Arc::new(there), None, Role::Server, Vec::new(), max_message);
    let listening = echo(&mailbox);
    here.write_all(bytes).unwrap();
    let mut said = Vec::new();
    here.read_to_end(&mut said).unwrap();
    drop(here);
    (said, listening.join().unwrap())
}

#[test]
fn each_broken_rule_is_answered_with_its_code_before_the_end() {
    let cases: [(&str, Vec<u8>, u16); 11] = [
        ("a code that may not be sent", masked(0x88, &1005u16.to_be_bytes()), 1002),
        ("unmasked", vec![0x81, 1, b'x'], 1002),
        ("reserved bit", masked(0x91, b"x"), 1002),
        ("reserved opcode", masked(0x83, b"x"), 1002),
        ("fragmented ping", masked(0x09, b"x"), 1002),
        ("continuation of nothing", masked(0x80, b"x"), 1002),
        ("close with one byte", masked(0x88, b"x"), 1002),
        ("not utf-8", masked(0x81, b"\xff\xfe"), 1007),
        ("2^63 bytes", vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1009),
        ("longer than allowed", vec![0x82, 0xfe, 0x04, 0x01, 1, 2, 3, 4], 1009),
        ("too much in fragments", [masked(0x02, &[1; 100]), (0..10).flat_map(|_| masked(0x00, &[1; 100])).collect()].concat(), 1009),
    ];
    for (what, bytes, code) in cases {
        let (said, ended) = raw(&bytes, 1024);
        assert!(matches!(&ended, Ended::Refused(c, why) if u16::from(*c) == code && !why.is_empty()), "{what}: {ended:?}");
        assert_eq!((said[0], &said[2..4]), (0x88, &code.to_be_bytes()[..]), "{what}: the peer was told {said:?}");
    }
}

#[test]
fn pings_are_answered_between_the_fragments_of_a_message() {
    let bytes = [masked(0x01, b"he"), masked(0x89, b"?"), masked(0x80, b"llo"), masked(0x88, &1000u16.to_be_bytes())].concat();
    let (said, ended) = raw(&bytes, 1024);
    assert_eq!(said, [&b"\x8a\x01?"[..], b"\x81\x05hello", b"\x88\x02\x03\xe8"].concat());
    assert!(matches!(ended, Ended::Closed(Some(_))));
}

#[test]
fn a_line_that_is_cut_is_not_a_close() {
    let (there, here) = tcp();
    let listening = echo(&Mailbox::new(Arc::new(there), None, Role::Server, Vec::new(), 1024));
    (&here).write_all(&masked(0x01, b"never finished")).unwrap();
    drop(here);
    assert!(matches!(listening.join().unwrap(), Ended::Lost(_)));
}

#[test]
fn a_close_counts_although_the_peer_then_resets_the_connection() {
    let (there, here) = tcp();
    let mailbox = Mailbox::new(Arc::new(here), None, Role::Client, Vec::new(), 1024);
    let listening = hear_all(&mailbox);
    (&there).write_all(b"\x88\x06\x0f\xa0full").unwrap();
    // Our answer arrives and stays unread: closing now makes a reset.
    while there.peek(&mut [0; 8]).unwrap() < 8 {}
    drop(there);
    let (_, ended) = listening.join().unwrap();
    assert!(matches!(&ended, Ended::Closed(Some(frame)) if u16::from(frame.code) == 4000 && &*frame.reason == "full"), "{ended:?}");
}

#[test]
fn what_comes_behind_a_close_is_neither_heard_nor_judged() {
    let (ping, text, close, reserved) = (b"\x89\x00", b"\x81\x01x", b"\x88\x00", b"\xf3\x00");
    for behind in [&ping[..], text, close, reserved] {
        let (there, here) = tcp();
        let listening = hear_all(&Mailbox::new(Arc::new(here), None, Role::Client, Vec::new(), 1024));
        (&there).write_all(&[b"\x88\x02\x03\xe8", behind].concat()).unwrap();
        let mut said = Vec::new();
        (&there).read_to_end(&mut said).unwrap();
        drop(there);
        let (heard, ended) = listening.join().unwrap();
        assert!(
            heard.is_empty() && matches!(&ended, Ended::Closed(Some(frame)) if frame.code == CloseCode::Normal),
            "{behind:?}: {ended:?}"
        );
        assert_eq!((&said[..2], said.len()), (&b"\x88\x82"[..], 8), "one Close, masked, and nothing else: {said:?}");
    }
}

#[test]
fn a_new_limit_holds_from_the_next_message_on() {
    let (there, here) = tcp();
    let mailbox = Mailbox::new(Arc::new(there), None, Role::Server, Vec::new(), 10);
    let listening = thread::spawn(move || {
        mailbox.listen(|message| {
            mailbox.limit(100);
            let _ = mailbox.answer(message);
        })
    });
    (&here).write_all(&[masked(0x81, &[b'a'; 10]), masked(0x81, &[b'b'; 100]), masked(0x81, &[b'c'; 101])].concat()).unwrap();
    let mut said = Vec::new();
    (&here).read_to_end(&mut said).unwrap();
    assert_eq!(said[..2 + 10 + 2 + 100], [&[0x81, 10][..], &[b'a'; 10], &[0x81, 100], &[b'b'; 100]].concat());
    drop(here);
    assert!(matches!(listening.join().unwrap(), Ended::Refused(CloseCode::Size, _)));
}
