//! WebSocket frames that are broken on purpose. Each is told what it broke in a Close, and the log says so once.

use super::common::{Server, certs};
use super::peer::{BINARY, CLOSE, Cost, PING, Socket, TEXT, eventually, header, is_served, masked};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::net::Shutdown;

/// What is sent, and the code of the Close that answers.
fn broken() -> Vec<(&'static str, Vec<u8>, u16)> {
    let fragment = TEXT & 0x7f;
    vec![
        ("an unmasked frame", vec![TEXT, 2, b'h', b'i'], 1002),
        ("a first reserved bit", masked(TEXT | 0x40, b"hi"), 1002),
        ("all reserved bits", masked(TEXT | 0x70, b"hi"), 1002),
        ("a reserved opcode", masked(0x83, b"hi"), 1002),
        ("a reserved control opcode", masked(0x8f, b"hi"), 1002),
        ("a ping in fragments", masked(PING & 0x7f, b"hi"), 1002),
        ("a ping of 126 bytes", masked(PING, &[0; 126]), 1002),
        ("a continuation of nothing", masked(0x80, b"hi"), 1002),
        ("a message within a message", [masked(fragment, b"a"), masked(TEXT, b"b")].concat(), 1002),
        ("a frame of 2^63 bytes", [header(BINARY, 1 << 63, true), vec![1, 2, 3, 4, 5]].concat(), 1009),
        ("a frame of 2^63 - 1 bytes", [header(BINARY, (1 << 63) - 1, true), vec![1, 2, 3, 4]].concat(), 1009),
        ("a frame of 64 KiB and a byte", [header(BINARY, 64 * 1024 + 1, true), vec![1, 2, 3, 4]].concat(), 1009),
        ("a message of 64 KiB and a byte", masked(BINARY, &[0; 64 * 1024 + 1]), 1009),
        ("fragments without end", [masked(0x02, &[0; 40_000]), masked(0x00, &[0; 40_000])].concat(), 1009),
        ("text that is not UTF-8", masked(TEXT, b"so \xe9"), 1007),
        ("a letter cut in two by the end", [masked(fragment, b"so \xc3"), masked(0x80, b"")].concat(), 1007),
        ("a letter whose second half is wrong", [masked(fragment, b"so \xc3"), masked(0x80, b"\x28")].concat(), 1007),
        ("a Close of one byte", masked(CLOSE, &[3]), 1002),
        ("a Close that must never be sent", masked(CLOSE, &1006u16.to_be_bytes()), 1002),
        ("a Close whose reason is not UTF-8", masked(CLOSE, &[0x03, 0xe8, 0xff]), 1007),
    ]
}

#[test]
fn each_broken_frame_gets_its_close_and_one_line() {
    let server = Server::start(&[]);
    for (what, bytes, code) in broken() {
        let mut socket = Socket::open(&server, "/echo");
        let remote = socket.local().to_string();
        socket.send(&bytes);
        let (frames, clean) = socket.rest();
        let [close] = &frames[..] else { panic!("{what}: {frames:?}") };
        assert_eq!((close.first, close.payload.get(..2)), (CLOSE, Some(&code.to_be_bytes()[..])), "{what}");
        assert!(clean, "{what}: no close_notify");
        drop(socket);
        let lines = || server.log().into_iter().filter(|line| line.contains(&remote)).collect::<Vec<_>>();
        eventually("the log says the request, that it is connected, that it is refused", || lines().len() >= 3);
        assert!(lines().len() == 3 && lines()[2].contains(&format!(" {code}")), "{what}: {:?}", lines());
    }
    is_served(&server);
}

#[test]
fn random_frames_end_nothing_but_themselves() {
    let server = Server::start(&[]);
    let noise = vec(any::<u8>(), 0..300);
    // Frames whose lengths are right, and whose first byte can be anything.
    let frames = vec((any::<u8>(), vec(any::<u8>(), 0..140)), 1..6)
        .prop_map(|frames| frames.into_iter().flat_map(|(first, payload)| masked(first, &payload)).collect());
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)); // the same on every run
    let attack = |bytes: Vec<u8>| {
        let mut socket = Socket::open(&server, "/echo");
        let remote = socket.local().to_string();
        let _ = socket.try_send(&bytes);
        let _ = socket.stream.close();
        let _ = socket.stream.stream.shutdown(Shutdown::Write);
        socket.rest();
        drop(socket);
        let lines = || server.log().iter().filter(|line| line.contains(&remote)).count();
        eventually("it is over", || lines() >= 3);
        assert_eq!(lines(), 3, "the request, that it is connected, how it ended");
        Ok(())
    };
    runner.run(&prop_oneof![noise, frames], attack).unwrap();
    is_served(&server);
}

#[test]
fn frames_that_announce_much_and_bring_little_cost_nothing() {
    let server = Server::start(&["--max-message", "16m"]);
    is_served(&server);
    let before = Cost::of(&server);
    let mut waiting: Vec<_> = (0..20).map(|_| Socket::open(&server, "/echo")).collect();
    for socket in &mut waiting {
        socket.send(&[header(BINARY, 16 * 1024 * 1024, true), vec![0; 1_000]].concat());
        socket.send(&[0; 10]);
    }
    is_served(&server);
    let during = Cost::of(&server);
    assert!(during.kib < before.kib + 20 * 256, "20 announcements of 16 MiB: {before:?} became {during:?}");
    waiting.into_iter().for_each(Socket::vanish);
}

#[test]
fn the_largest_message_comes_back_whole_and_its_memory_is_given_back() {
    const LARGE: usize = 16 * 1024 * 1024;
    // glibc would keep some of what large messages needed for the next ones. Told not to, it shows what the server itself keeps.
    let server =
        Server::start_with(certs(), |command| command.args(["--max-message", "16m", "--quiet"]).env("MALLOC_MMAP_THRESHOLD_", "131072"));
    let mut socket = Socket::open(&server, "/echo");
    let before = Cost::of(&server);
    let payload: Vec<u8> = (0..LARGE).map(|n| (n % 251) as u8).collect();
    let fragments: Vec<u8> = payload.chunks(100_000).flat_map(|part| masked(0x00, part)).collect();
    let in_fragments = [masked(BINARY & 0x7f, b""), fragments, masked(0x80, b"")].concat();
    for message in [masked(BINARY, &payload), in_fragments] {
        socket.send(&message);
        let frame = socket.next().unwrap();
        assert!(frame.first == BINARY && frame.payload == payload, "{} bytes came back", frame.payload.len());
    }
    eventually("the memory is given back", || Cost::of(&server).kib < before.kib + 2 * 1024);
    socket.send(&[header(BINARY, LARGE as u64 + 1, true), vec![1, 2, 3, 4]].concat());
    let (frames, _) = socket.rest();
    assert!(frames[0].payload.starts_with(&1009u16.to_be_bytes()));
}
