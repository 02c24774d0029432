use super::*;
use proptest::prelude::*;
use std::sync::Arc;

type Told = Arc<Mutex<Vec<(Direction, Sight)>>>;

fn stranger() -> (Stranger, Told) {
    let told = Told::default();
    let teller = told.clone();
    (Stranger::new(move |direction, sight| teller.lock().unwrap().push((direction, sight))), told)
}

fn clear(told: &Told, way: Direction) -> Vec<String> {
    let all = told.lock().unwrap();
    let texts = all.iter().filter(|(direction, _)| *direction == way).map(|(_, sight)| match sight {
        Sight::Clear(text) => text.clone(),
        Sight::Sealed(bytes) => format!("sealed {bytes}"),
    });
    texts.collect()
}

const UPGRADE: &[u8] = b"GET /echo?ticket=1234 HTTP/1.1\r\nHost: localhost\r\nCookie: secret\r\n\r\n";
const SWITCHES: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x07welcome";
const MASKED: &[u8] = &[0x81, 0x85, 1, 2, 3, 4, b'h' ^ 1, b'e' ^ 2, b'l' ^ 3, b'l' ^ 4, b'o' ^ 1, 0x88, 0x82, 0, 0, 0, 0, 3, 0xe8];

#[test]
fn every_word_of_a_websocket_in_the_clear_is_seen_however_it_is_cut() {
    for cut in 1..20 {
        let (stranger, told) = stranger();
        UPGRADE.chunks(cut).for_each(|piece| stranger.seen(Direction::Received, piece));
        SWITCHES.chunks(cut).for_each(|piece| stranger.seen(Direction::Sent, piece));
        MASKED.chunks(cut).for_each(|piece| stranger.seen(Direction::Received, piece));
        let client = ["GET /echo?ticket=1234 HTTP/1.1", "Host: localhost", "Cookie: secret", "\"hello\"", "Close 1000"];
        assert_eq!(clear(&told, Direction::Received), client, "{cut}");
        assert_eq!(clear(&told, Direction::Sent), ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "\"welcome\""], "{cut}");
    }
}

#[test]
fn of_sealed_records_only_the_size_is_seen() {
    let (stranger, told) = stranger();
    stranger.seen(Direction::Sent, &[20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 2, 7, 7, 22, 3, 3, 0, 4, 1, 0, 0, 0]);
    assert_eq!(clear(&told, Direction::Sent), ["ChangeCipherSpec", "sealed 7", "sealed 9"]);
}

#[test]
fn what_could_move_the_cursor_is_never_told_as_it_is() {
    let (stranger, told) = stranger();
    stranger.seen(Direction::Sent, b"red \x1b[31m\nfine\n\xff\xfe");
    stranger.ended(Direction::Sent);
    assert_eq!(clear(&told, Direction::Sent), ["10 bytes that are no text", "fine", "3 bytes that are no text"]);
}

#[test]
fn a_length_that_is_a_lie_is_not_waited_for_in_memory() {
    let (stranger, told) = stranger();
    stranger.seen(Direction::Sent, b"HTTP/1.1 101 \r\n\r\n");
    stranger.seen(Direction::Received, &[0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    for _ in 0..100 {
        stranger.seen(Direction::Received, &[7; 10_000]);
    }
    assert_eq!(clear(&told, Direction::Received), [""; 0]);
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_nothing_told_is_a_control_character(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20),
        upgraded: bool,
    ) {
        let (stranger, told) = stranger();
        if upgraded {
            stranger.seen(Direction::Sent, SWITCHES);
        }
        for (sent, piece) in &pieces {
            stranger.seen(if *sent { Direction::Sent } else { Direction::Received }, piece);
        }
        for way in [Direction::Sent, Direction::Received] {
            stranger.ended(way);
            prop_assert!(clear(&told, way).iter().all(|text| !text.contains(char::is_control)));
        }
    }
}

/// What can't be read is not hidden either: somebody who looks must see that something passes.
#[test]
fn what_only_begins_as_tls_is_counted() {
    let (stranger, told) = stranger();
    stranger.seen(Direction::Received, b"\x16 marks the spot");
    stranger.seen(Direction::Received, b"swordfish");
    assert_eq!(clear(&told, Direction::Received), ["16 bytes that are no record", "9 bytes that are no record"]);
}
