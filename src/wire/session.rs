//! One TLS session from the outside: records in, and what is in them out, opened where the secrets are known.

use super::hello::ServerHello;
use super::message::{FINISHED, KEY_UPDATE, SERVER_HELLO, TLS13};
use super::records::{ALERT, CHANGE_CIPHER_SPEC, Fields, HANDSHAKE, Record, Records};
use super::sealed::{Opened, Opener, is_sealed};
use std::collections::VecDeque;

/// Sealed records that wait for their secret: a flight of the handshake, not a download.
const WAITING: usize = 64;
/// The longest handshake message that is put together.
const MESSAGE: usize = 128 * 1024;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    Client,
    Server,
}

/// A record that went by, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub speaker: Speaker,
    pub record: Record,
    /// How it was opened, when it was sealed and could be.
    pub opened: Option<Opened>,
    pub inside: Inside,
    /// The version that was agreed on when it was looked into; 0 before the ServerHello.
    pub version: u16,
    /// Records of either side that went by before it: one that waits for its secret is seen later than it came.
    pub place: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inside {
    ChangeCipherSpec,
    Alert {
        level: u8,
        description: u8,
    },
    /// The messages that end in this record, each with its header of type and length.
    Messages(Vec<Vec<u8>>),
    Data(Vec<u8>),
    /// Sealed, and not opened: the outer content type is all there is to see.
    Dark,
}

/// Both directions of a session.
#[derive(Default)]
pub struct Session {
    version: u16,
    suite: u16,
    records: usize,
    client: Way,
    server: Way,
}

/// One direction.
#[derive(Default)]
struct Way {
    records: Records,
    /// The beginning of a message that goes on in the next record.
    message: Vec<u8>,
    waiting: VecDeque<(usize, Record)>,
    /// The secrets of the handshake and of the application data after it.
    secrets: [Option<Vec<u8>>; 2],
    finished: bool,
    opener: Option<Opener>,
    /// TLS 1.2 after ChangeCipherSpec: its records are not opened here.
    dark: bool,
}

impl Session {
    /// A secret as the key log names it (RFC 9850), and whatever it opens. Other labels are not for records.
    pub fn secret(&mut self, label: &str, secret: &[u8]) -> Vec<Seen> {
        let (speaker, place) = match label {
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => (Speaker::Client, 0),
            "SERVER_HANDSHAKE_TRAFFIC_SECRET" => (Speaker::Server, 0),
            "CLIENT_TRAFFIC_SECRET_0" => (Speaker::Client, 1),
            "SERVER_TRAFFIC_SECRET_0" => (Speaker::Server, 1),
            _ => return Vec::new(),
        };
        self.way(speaker).secrets[place] = Some(secret.to_vec());
        let mut seen = Vec::new();
        self.open_waiting(speaker, &mut seen);
        seen
    }

    /// These bytes went by: whatever can be seen by now.
    pub fn bytes(&mut self, speaker: Speaker, bytes: &[u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        self.way(speaker).records.push(bytes);
        while let Some(record) = self.way(speaker).records.take() {
            self.record(speaker, record, &mut seen);
        }
        seen
    }

    /// Nothing more comes: what still waits for a secret stays dark.
    pub fn end(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for speaker in [Speaker::Client, Speaker::Server] {
            for (place, record) in std::mem::take(&mut self.way(speaker).waiting) {
                seen.push(self.seen(speaker, (place, record), None, Inside::Dark));
            }
        }
        seen
    }

    /// The version that was agreed on; 0 before the ServerHello.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// The suite that was agreed on; 0 before the ServerHello.
    pub fn suite(&self) -> u16 {
        self.suite
    }

    fn record(&mut self, speaker: Speaker, record: Record, seen: &mut Vec<Seen>) {
        let (modern, place) = (self.version == TLS13, self.records);
        self.records += 1;
        let way = self.way(speaker);
        match record.kind() {
            _ if way.dark => seen.push(self.seen(speaker, (place, record), None, Inside::Dark)),
            CHANGE_CIPHER_SPEC => {
                way.dark = !modern;
                seen.push(self.seen(speaker, (place, record), None, Inside::ChangeCipherSpec));
            }
            _ if is_sealed(&record) && way.waiting.len() < WAITING => {
                way.waiting.push_back((place, record));
                self.open_waiting(speaker, seen);
            }
            _ if is_sealed(&record) => seen.push(self.seen(speaker, (place, record), None, Inside::Dark)),
            kind => {
                let inside = self.inside(speaker, kind, &record.body);
                seen.push(self.seen(speaker, (place, record), None, inside));
            }
        }
    }

    /// Opens what can be opened by now.
    fn open_waiting(&mut self, speaker: Speaker, seen: &mut Vec<Seen>) {
        let suite = self.suite;
        loop {
            let way = self.way(speaker);
            if way.opener.is_none() {
                way.opener = way.secrets[usize::from(way.finished)].as_ref().and_then(|secret| Opener::new(suite, secret));
            }
            let Some(opener) = &mut way.opener else { return };
            let Some((place, record)) = way.waiting.pop_front() else { return };
            let opened = opener.open(&record);
            let inside = opened.as_ref().map_or(Inside::Dark, |opened| self.inside(speaker, opened.kind, &opened.contents));
            seen.push(self.seen(speaker, (place, record), opened, inside));
        }
    }

    fn seen(&self, speaker: Speaker, (place, record): (usize, Record), opened: Option<Opened>, inside: Inside) -> Seen {
        Seen { speaker, record, opened, inside, version: self.version, place }
    }

    fn inside(&mut self, speaker: Speaker, kind: u8, contents: &[u8]) -> Inside {
        match kind {
            ALERT => Inside::Alert {
                level: contents.first().copied().unwrap_or_default(),
                description: contents.last().copied().unwrap_or_default(),
            },
            HANDSHAKE => {
                self.way(speaker).add(contents);
                let mut messages = Vec::new();
                while let Some(message) = self.way(speaker).next_message() {
                    self.note(speaker, &message);
                    messages.push(message);
                }
                Inside::Messages(messages)
            }
            _ => Inside::Data(contents.to_vec()),
        }
    }

    /// Remembers what later records depend on.
    fn note(&mut self, speaker: Speaker, message: &[u8]) {
        let Some((&[kind, ..], body)) = message.split_first_chunk::<4>() else { return };
        if kind == SERVER_HELLO
            && let Some(hello) = ServerHello::read(body)
        {
            (self.version, self.suite) = (hello.version, hello.suite);
        }
        let way = self.way(speaker);
        if kind == FINISHED {
            (way.finished, way.opener) = (true, None);
        } else if kind == KEY_UPDATE {
            way.opener = way.opener.as_ref().and_then(Opener::next);
        }
    }

    fn way(&mut self, speaker: Speaker) -> &mut Way {
        match speaker {
            Speaker::Client => &mut self.client,
            Speaker::Server => &mut self.server,
        }
    }
}

impl Way {
    fn add(&mut self, contents: &[u8]) {
        self.message.extend_from_slice(contents);
        if self.message.len() > MESSAGE {
            self.message.clear();
        }
    }

    /// The next whole handshake message: type, length, body.
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let mut fields = Fields(&self.message);
        fields.take(1)?; // its type
        let length = 4 + fields.vector(3)?.0.len();
        Some(self.message.drain(..length).collect())
    }
}
