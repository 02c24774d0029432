//! From segments to what was said: in order, nothing twice, and honest about what is missing.

use super::Connection;
use super::packet::Segment;
use crate::wire::session::Speaker;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What came too early waits for what is missing; so much of it, and no more.
const WAITING: usize = 4 * 1024 * 1024;

/// A connection while its packets are read.
pub struct Conversation {
    /// Who sent the first segment.
    first: SocketAddr,
    other: SocketAddr,
    ways: [Way; 2],
    pieces: Vec<(usize, Vec<u8>)>,
    flaws: Vec<&'static str>,
    /// The first segment was the client's SYN.
    whole: bool,
}

/// One direction of TCP (RFC 9293 3.4).
#[derive(Default)]
struct Way {
    begin: Option<u32>,
    /// Bytes that were handed on.
    done: u32,
    /// What came too early, by its distance from the beginning.
    early: BTreeMap<u32, Vec<u8>>,
    waiting: usize,
    lost: bool,
}

impl Conversation {
    pub fn new(segment: &Segment<'_>) -> Conversation {
        // A SYN that acknowledges is the answer to one that was not captured.
        let (first, other) = if segment.syn && segment.ack { (segment.to, segment.from) } else { (segment.from, segment.to) };
        let whole = segment.syn;
        let flaws = if whole { Vec::new() } else { vec!["its beginning was not captured"] };
        Conversation { first, other, ways: Default::default(), pieces: Vec::new(), flaws, whole }
    }

    /// Whether this segment begins another connection between the same two ports.
    pub fn is_replaced_by(&self, segment: &Segment<'_>) -> bool {
        let begun = self.ways[self.side(segment)].begin;
        segment.syn && !segment.ack && begun.is_some_and(|begin| begin != segment.sequence.wrapping_add(1))
    }

    pub fn add(&mut self, segment: &Segment<'_>) {
        let side = self.side(segment);
        let way = &mut self.ways[side];
        let sequence = segment.sequence.wrapping_add(u32::from(segment.syn)); // a SYN counts as a byte
        let begin = *way.begin.get_or_insert(sequence);
        if segment.payload.is_empty() {
            return;
        }
        let said = way.add(sequence.wrapping_sub(begin), segment.payload);
        if !said.is_empty() {
            match self.pieces.last_mut() {
                Some((last, bytes)) if *last == side => bytes.extend(said),
                _ => self.pieces.push((side, said)),
            }
        }
    }

    fn side(&self, segment: &Segment<'_>) -> usize {
        usize::from(segment.from != self.first)
    }

    pub fn finish(mut self) -> Connection {
        if self.ways.iter().any(|way| way.lost || !way.early.is_empty()) {
            self.flaws.push("packets are missing from the capture");
        }
        // Without its SYN, the client is whoever says hello.
        let hello = self.pieces.iter().find(|(_, bytes)| matches!(bytes[..], [22, 3, _, _, _, 1, ..]));
        let client = if self.whole { 0 } else { hello.map_or(0, |(side, _)| *side) };
        let (client_address, server) = if client == 0 { (self.first, self.other) } else { (self.other, self.first) };
        let speaker = |side: usize| if side == client { Speaker::Client } else { Speaker::Server };
        let pieces = self.pieces.into_iter().map(|(side, bytes)| (speaker(side), bytes)).collect();
        Connection { client: client_address, server, pieces, flaws: self.flaws }
    }
}

impl Way {
    /// The bytes that can be handed on now that `payload` has come, so far from the beginning.
    fn add(&mut self, at: u32, payload: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        self.place(at, payload, &mut said);
        while let Some((at, early)) = self.early.first_key_value().filter(|(at, _)| self.is_due(**at)).map(|(at, e)| (*at, e.clone())) {
            self.early.remove(&at);
            self.waiting -= early.len();
            self.place(at, &early, &mut said);
        }
        said
    }

    /// Half of all numbers lie behind, and half ahead: that is how TCP knows the old from the new when it counts around.
    fn is_due(&self, at: u32) -> bool {
        at.wrapping_sub(self.done) == 0 || at.wrapping_sub(self.done) > u32::MAX / 2
    }

    fn place(&mut self, at: u32, payload: &[u8], said: &mut Vec<u8>) {
        if !self.is_due(at) {
            if self.waiting + payload.len() > WAITING {
                self.lost = true;
            } else if let Some(before) = self.early.insert(at, payload.to_vec()) {
                self.waiting = self.waiting + payload.len() - before.len();
            } else {
                self.waiting += payload.len();
            }
            return;
        }
        // What was sent again is passed over.
        let again = usize::try_from(self.done.wrapping_sub(at)).unwrap_or(usize::MAX);
        let new = payload.get(again..).unwrap_or_default();
        self.done = self.done.wrapping_add(u32::try_from(new.len()).unwrap_or_default());
        said.extend_from_slice(new);
    }
}
