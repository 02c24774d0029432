//! Captures read back: in any order, cut anywhere, of any make.

use padlock::wire::{Speaker, dissect};
use proptest::prelude::*;

/// A classic pcap of IPv4 without a link, numbers least significant first.
struct Pcap(Vec<u8>);

impl Pcap {
    fn new() -> Pcap {
        let mut file = 0xa1b2_c3d4u32.to_le_bytes().to_vec();
        file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0]);
        Pcap(file)
    }

    fn segment(&mut self, client: bool, flags: u8, sequence: u32, payload: &[u8]) {
        let (from, to) = if client { (40000u16, 443u16) } else { (443, 40000) };
        let mut packet = vec![0x45, 0];
        packet.extend((40 + payload.len() as u16).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        packet.extend([[127, 0, 0, 1], [127, 0, 0, 1]].concat());
        packet.extend([from.to_be_bytes(), to.to_be_bytes()].concat());
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, flags, 255, 255, 0, 0, 0, 0]);
        packet.extend(payload);
        self.0.extend([0; 8]);
        let length = (packet.len() as u32).to_le_bytes();
        self.0.extend([length, length].concat());
        self.0.extend(packet);
    }
}

fn said(file: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<&'static str>) {
    let found = dissect(file).unwrap();
    let one = &found.connections[0];
    let of = |speaker| one.pieces.iter().filter(|piece| piece.0 == speaker).flat_map(|piece| piece.1.clone()).collect();
    (of(Speaker::Client), of(Speaker::Server), one.flaws.clone())
}

#[test]
fn what_was_sent_twice_or_came_out_of_order_is_put_right() {
    let start = u32::MAX - 3; // counts around
    let mut file = Pcap::new();
    file.segment(true, 0x02, start, b"");
    file.segment(false, 0x12, 7, b"");
    let at = |offset: u32| start.wrapping_add(1 + offset);
    file.segment(true, 0x18, at(5), b"fghij");
    file.segment(true, 0x18, at(0), b"abcde");
    file.segment(true, 0x18, at(3), b"defghijkl");
    file.segment(false, 0x18, 8, b"answer");
    file.segment(false, 0x18, 8, b"answer");
    assert_eq!(said(&file.0), (b"abcdefghijkl".to_vec(), b"answer".to_vec(), vec![]));
}

#[test]
fn what_is_missing_is_said_to_be() {
    let mut file = Pcap::new();
    file.segment(true, 0x02, 0, b"");
    file.segment(true, 0x18, 1, b"abc");
    file.segment(true, 0x18, 9, b"xyz");
    assert_eq!(said(&file.0), (b"abc".to_vec(), vec![], vec!["packets are missing from the capture"]));
    let mut file = Pcap::new();
    file.segment(false, 0x18, 100, b"in the middle");
    assert_eq!(said(&file.0).2, ["its beginning was not captured"]);
}

#[test]
fn two_connections_between_the_same_ports_are_two() {
    let mut file = Pcap::new();
    for sequence in [0, 5000] {
        file.segment(true, 0x02, sequence, b"");
        file.segment(true, 0x18, sequence + 1, b"hello");
    }
    assert_eq!(dissect(&file.0).unwrap().connections.len(), 2);
}

#[test]
fn what_is_no_capture_is_refused() {
    for file in [&b""[..], b"abc", b"GET / HTTP/1.1", &[0x0a, 0x0d, 0x0d]] {
        assert_eq!(dissect(file).err().unwrap().code, "not-a-capture");
    }
}

proptest! {
    #[test]
    fn any_bytes_behind_a_files_beginning_are_survived(
        kind in prop::sample::select(vec![vec![0x0a, 0x0d, 0x0d, 0x0a], vec![0xd4, 0xc3, 0xb2, 0xa1], vec![0xa1, 0xb2, 0x3c, 0x4d]]),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = dissect(&[kind, rest].concat());
    }

    #[test]
    fn a_capture_cut_or_changed_anywhere_is_read_as_far_as_it_goes(at in 0usize..300, byte: u8, keep in 0usize..300) {
        let mut file = Pcap::new();
        file.segment(true, 0x02, 0, b"");
        file.segment(true, 0x18, 1, b"abc");
        file.segment(false, 0x18, 1, b"defghi");
        if let Some(place) = file.0.get_mut(at) {
            *place = byte;
        }
        file.0.truncate(keep);
        let _ = dissect(&file.0);
    }
}
