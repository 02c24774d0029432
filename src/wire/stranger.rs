//! What anybody on the path learns: every word of what travels in the clear, and of TLS the hellos and the sizes.
//!
//! Nothing here holds a key, and nothing that is read is believed: a wrong length ends the reading, never the relay.

mod frames;
mod lines;

use super::message;
use super::records::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Fields, HANDSHAKE, HEADER, Record, Records};
use super::tap::{Direction, Watcher};
use crate::refusal::in_words;
use frames::Frames;
use lines::Lines;
use rustls::AlertDescription;
use std::sync::{Mutex, PoisonError};

/// The longest message of a handshake that is put together.
const MESSAGE: usize = 64 * 1024;

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// It could be read, and says this.
    Clear(String),
    /// So many bytes passed, and what they say is sealed.
    Sealed(usize),
}

/// Watches one connection, as somebody on the path would.
pub struct Stranger {
    tell: Box<dyn Fn(Direction, Sight) + Send + Sync>,
    eyes: Mutex<Eyes>,
}

#[derive(Default)]
struct Eyes {
    sent: Eye,
    received: Eye,
}

/// One direction.
#[derive(Default)]
enum Eye {
    /// Nothing has passed.
    #[default]
    Open,
    Records(Handshake),
    Lines(Lines),
    Frames(Frames),
}

/// A direction of TLS.
#[derive(Default)]
struct Handshake {
    records: Records,
    /// The beginning of a message that goes on in the next record.
    message: Vec<u8>,
    /// After ChangeCipherSpec even a handshake's records are sealed.
    sealed: bool,
}

impl Stranger {
    /// `tell` gets each sight at once. Which way is `Sent` and which `Received` is the caller's to know.
    pub fn new(tell: impl Fn(Direction, Sight) + Send + Sync + 'static) -> Stranger {
        Stranger { tell: Box::new(tell), eyes: Mutex::default() }
    }

    fn with(&self, look: impl FnOnce(&mut Eyes)) {
        look(&mut self.eyes.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Watcher for Stranger {
    fn seen(&self, direction: Direction, bytes: &[u8]) {
        self.with(|eyes| {
            let rest = eyes.way(direction).look(bytes, &mut |sight| (self.tell)(direction, sight));
            if let Some(rest) = rest {
                // After `101` both sides speak in frames (RFC 6455 4.1).
                (eyes.sent, eyes.received) = (Eye::Frames(Frames::default()), Eye::Frames(Frames::default()));
                eyes.way(direction).look(&bytes[rest..], &mut |sight| (self.tell)(direction, sight));
            }
        });
    }

    fn ended(&self, direction: Direction) {
        self.with(|eyes| {
            if let Eye::Lines(lines) = eyes.way(direction) {
                lines.end(&mut |text| (self.tell)(direction, Sight::Clear(text)));
            }
        });
    }
}

impl Eyes {
    fn way(&mut self, direction: Direction) -> &mut Eye {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }
}

impl Eye {
    /// Tells what can be seen in the bytes. Gives where they turn into frames, if they do.
    fn look(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Sight)) -> Option<usize> {
        match self {
            Eye::Open => {
                let first = *bytes.first()?;
                let is_tls = (CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&first);
                *self = if is_tls { Eye::Records(Handshake::default()) } else { Eye::Lines(Lines::default()) };
                self.look(bytes, tell)
            }
            Eye::Records(handshake) => {
                handshake.look(bytes, tell);
                None
            }
            Eye::Lines(lines) => lines.look(bytes, &mut |text| tell(Sight::Clear(text))),
            Eye::Frames(frames) => {
                frames.look(bytes, &mut |text| tell(Sight::Clear(text)));
                None
            }
        }
    }
}

impl Handshake {
    fn look(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Sight)) {
        self.records.push(bytes);
        while let Some(record) = self.records.take() {
            self.record(&record, tell);
        }
        if self.records.are_lost() {
            tell(Sight::Clear(format!("{} bytes that are no record", bytes.len())));
        }
    }

    fn record(&mut self, record: &Record, tell: &mut dyn FnMut(Sight)) {
        match record.kind() {
            CHANGE_CIPHER_SPEC => {
                self.sealed = true;
                tell(Sight::Clear("ChangeCipherSpec".into()));
            }
            HANDSHAKE if !self.sealed => {
                self.message.extend_from_slice(&record.body);
                while let Some(text) = self.next_message() {
                    tell(Sight::Clear(text));
                }
                if self.message.len() > MESSAGE {
                    self.message.clear();
                }
            }
            ALERT if !self.sealed && record.body.len() == 2 => {
                let number = record.body[1];
                tell(Sight::Clear(format!("alert: {} ({number})", in_words(&AlertDescription::from(number)))));
            }
            _ => tell(Sight::Sealed(HEADER + record.body.len())),
        }
    }

    /// The next whole message, in words. ChangeCipherSpec comes before any that would need the true version.
    fn next_message(&mut self) -> Option<String> {
        let mut fields = Fields(&self.message);
        fields.take(1)?; // its type
        let length = 4 + fields.vector(3)?.0.len();
        let text = message::in_words(&self.message[..length], 0, &format!(" ({length} bytes)"));
        self.message.drain(..length);
        Some(text)
    }
}

#[cfg(test)]
mod tests;
