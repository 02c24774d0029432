//! One connection as packets: what TCP would have made of the bytes that passed.

use super::capture::Capture;
use super::packet::{ACK, FIN, PUSH, RST, Route, SEGMENT, SYN, Segment};
use super::pcapng;
use super::records::{APPLICATION_DATA, CHANGE_CIPHER_SPEC, HEADER as RECORD_HEADER};
use super::tap::{Direction, Watcher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Which end of a connection we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Client,
    Server,
}

/// One connection in a capture.
pub struct Flow {
    capture: Arc<Capture>,
    out: Route,
    end: End,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: bool,
    sent: Way,
    received: Way,
    /// See [`Flow::hold`].
    held: Option<(SystemTime, Vec<u8>)>,
    sealed: bool,
}

impl State {
    fn way(&mut self, direction: Direction) -> &mut Way {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }
}

/// What TCP would know of one direction.
#[derive(Default)]
struct Way {
    sequence: u32,
    ended: bool,
    /// What is missing of the TLS record that has begun.
    record: usize,
    /// These are no records, or their beginning was lost.
    other: bool,
}

impl Way {
    /// How much of `bytes` goes into one packet: a record of TLS, where there are any, so that each stands in a line of its own,
    /// and whatever follows a `101` is not taken for HTTP.
    fn cut(&mut self, bytes: &[u8]) -> usize {
        if self.record == 0 && !self.other {
            match bytes {
                [CHANGE_CIPHER_SPEC..=APPLICATION_DATA, 3, _, high, low, ..] => {
                    self.record = RECORD_HEADER + usize::from(u16::from_be_bytes([*high, *low]));
                }
                _ => self.other = true,
            }
        }
        let most = bytes.len().min(SEGMENT);
        if self.other {
            return most;
        }
        let length = self.record.min(most);
        self.record -= length;
        length
    }
}

impl Flow {
    pub(super) fn new(capture: Arc<Capture>, ours: SocketAddr, theirs: SocketAddr, end: End) -> Flow {
        Flow { capture, out: Route::new(ours, theirs), end, state: Mutex::default() }
    }

    /// A client gets the ServerHello and what is sealed behind it in one piece, and logs the secrets when it has read it. But a
    /// reader of the file needs them before: so such a piece waits for whatever comes next. Once the client has sealed
    /// something itself, all the secrets are known.
    fn hold(&self, state: &mut State, direction: Direction, bytes: &[u8]) -> bool {
        if state.sealed || self.end == End::Server || !self.capture.secrets {
            return false;
        }
        self.release(state);
        state.sealed = direction == Direction::Sent && bytes.first() == Some(&APPLICATION_DATA);
        if direction == Direction::Received {
            state.held = Some((SystemTime::now(), bytes.to_vec()));
        }
        direction == Direction::Received
    }

    fn release(&self, state: &mut State) {
        if let Some((time, bytes)) = state.held.take() {
            self.data(state, time, Direction::Received, &bytes);
        }
    }

    fn data(&self, state: &mut State, time: SystemTime, direction: Direction, mut bytes: &[u8]) {
        self.begin(state, time);
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(state.way(direction).cut(bytes));
            self.packet(state, time, direction, PUSH | ACK, piece);
            bytes = rest;
        }
    }

    /// The three packets with which TCP begins: they passed before anybody could watch.
    fn begin(&self, state: &mut State, time: SystemTime) {
        if std::mem::replace(&mut state.begun, true) {
            return;
        }
        // As TCP does, count from a clock (RFC 9293 3.4.1): where two connections between the same ports begin alike, a reader takes
        // the second for the first, sent again.
        let first = micros(time) as u32;
        (state.sent.sequence, state.received.sequence) = (first, first);
        let (client, server) = match self.end {
            End::Client => (Direction::Sent, Direction::Received),
            End::Server => (Direction::Received, Direction::Sent),
        };
        self.packet(state, time, client, SYN, &[]);
        self.packet(state, time, server, SYN | ACK, &[]);
        self.packet(state, time, client, ACK, &[]);
    }

    /// One packet, however many others write at the same time: the state's lock is held until it has its place in the file.
    fn packet(&self, state: &mut State, time: SystemTime, direction: Direction, flags: u8, payload: &[u8]) {
        let (route, way, back) = match direction {
            Direction::Sent => (self.out, &mut state.sent, &state.received),
            Direction::Received => (self.out.back(), &mut state.received, &state.sent),
        };
        let acknowledged = if flags & ACK == 0 { 0 } else { back.sequence };
        let segment = Segment { flags, sequence: way.sequence, acknowledged };
        let takes = payload.len() + usize::from(flags & (SYN | FIN) != 0); // they count as a byte (RFC 9293 3.4)
        way.sequence = way.sequence.wrapping_add(takes as u32);
        self.capture.book().add(time, |out| {
            pcapng::packet(micros(time), out, |out| {
                route.headers(segment, payload, out);
                out.extend_from_slice(payload);
            })
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Flow {
    fn seen(&self, direction: Direction, bytes: &[u8]) {
        let mut state = self.state();
        if !self.hold(&mut state, direction, bytes) {
            self.data(&mut state, SystemTime::now(), direction, bytes);
        }
    }

    fn ended(&self, direction: Direction) {
        let mut state = self.state();
        self.release(&mut state);
        if !std::mem::replace(&mut state.way(direction).ended, true) {
            let time = SystemTime::now();
            self.begin(&mut state, time);
            self.packet(&mut state, time, direction, FIN | ACK, &[]);
        }
    }

    fn broken(&self, direction: Direction) {
        let mut state = self.state();
        self.release(&mut state);
        let time = SystemTime::now();
        self.begin(&mut state, time);
        self.packet(&mut state, time, direction, RST | ACK, &[]);
        (state.sent.ended, state.received.ended) = (true, true);
    }
}

impl Drop for Flow {
    /// The connection is no more.
    fn drop(&mut self) {
        for direction in [Direction::Sent, Direction::Received] {
            self.ended(direction);
        }
    }
}

fn micros(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::dissect;

    /// A client may come again from the port that it came from before.
    #[test]
    fn two_connections_between_the_same_ports_stay_two() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lesson.pcapng");
        let capture = Capture::create(&file, u64::MAX, false).unwrap();
        let (client, server) = ("127.0.0.1:4444".parse().unwrap(), "127.0.0.1:1234".parse().unwrap());
        for word in [b"first", b"again"] {
            capture.relay(client, server).seen(Direction::Received, word);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        capture.flush();
        let found = dissect(&std::fs::read(&file).unwrap()).unwrap();
        let said: Vec<&[u8]> = found.connections.iter().map(|connection| connection.pieces[0].1.as_slice()).collect();
        assert_eq!(said, [b"first", b"again"]);
    }
}
