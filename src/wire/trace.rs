//! One line for each TLS message, in both directions: `./client -v`.

use super::hello::ServerHello;
use super::message::{self, FINISHED, KEY_UPDATE, SERVER_HELLO, TLS13};
use super::records::{ALERT, CHANGE_CIPHER_SPEC, Fields, HANDSHAKE, Record, Records};
use super::sealed::{Opener, is_sealed};
use super::tap::{Direction, Watcher};
use crate::refusal::in_words;
use rustls::{AlertDescription, KeyLog};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sealed records that wait for their secret: a flight of the handshake, not a download.
const WAITING: usize = 64;
/// The longest handshake message that is put together.
const MESSAGE: usize = 128 * 1024;

/// Watches one session at a time and tells each message in a line: `> ClientHello: …`, `< ServerHello: …`.
///
/// It is the session's own key log too, and opens the sealed messages with what it is told there: nobody else could.
pub struct Trace {
    tell: Box<dyn Fn(&str) + Send + Sync>,
    key_log: Option<Arc<dyn KeyLog>>,
    session: Mutex<Session>,
}

#[derive(Default)]
struct Session {
    version: u16,
    suite: u16,
    sent: Way,
    received: Way,
}

/// One direction.
#[derive(Default)]
struct Way {
    records: Records,
    /// The beginning of a message that goes on in the next record.
    message: Vec<u8>,
    waiting: VecDeque<Record>,
    /// The secrets of the handshake and of the application data after it.
    secrets: [Option<Vec<u8>>; 2],
    finished: bool,
    opener: Option<Opener>,
    /// TLS 1.2 after ChangeCipherSpec: its records are not opened here.
    dark: bool,
}

impl Trace {
    /// `tell` gets each line; `key_log` gets the secrets as well, if there is one.
    pub fn new(key_log: Option<Arc<dyn KeyLog>>, tell: impl Fn(&str) + Send + Sync + 'static) -> Arc<Trace> {
        Arc::new(Trace { tell: Box::new(tell), key_log, session: Mutex::default() })
    }

    /// A new session begins.
    pub fn begin(&self) {
        *self.session() = Session::default();
    }

    fn record(&self, session: &mut Session, direction: Direction, record: Record) {
        let modern = session.version == TLS13;
        let way = session.way(direction);
        match record.kind() {
            HANDSHAKE if way.dark => self.line(direction, "Finished, sealed (TLS 1.2: not opened here)"),
            ALERT if way.dark => self.line(direction, "alert, sealed (TLS 1.2: not opened here)"),
            _ if way.dark => {}
            CHANGE_CIPHER_SPEC if modern => self.line(direction, "ChangeCipherSpec: means nothing, old middleboxes expect it"),
            CHANGE_CIPHER_SPEC => {
                way.dark = true;
                self.line(direction, "ChangeCipherSpec: what follows is sealed");
            }
            _ if is_sealed(&record) => {
                if way.waiting.len() < WAITING {
                    way.waiting.push_back(record);
                }
                self.open_waiting(session, direction);
            }
            kind => self.contents(session, direction, kind, &record.body, ""),
        }
    }

    /// Opens what can be opened by now.
    fn open_waiting(&self, session: &mut Session, direction: Direction) {
        let suite = session.suite;
        loop {
            let way = session.way(direction);
            if way.opener.is_none() {
                way.opener = way.secrets[usize::from(way.finished)].as_ref().and_then(|secret| Opener::new(suite, secret));
            }
            let Some(opener) = &mut way.opener else { return };
            let Some(record) = way.waiting.pop_front() else { return };
            if let Some((kind, contents)) = opener.open(&record) {
                self.contents(session, direction, kind, &contents, ", sealed");
            }
        }
    }

    fn contents(&self, session: &mut Session, direction: Direction, kind: u8, contents: &[u8], how: &str) {
        match kind {
            ALERT => {
                let number = contents.last().copied().unwrap_or_default();
                self.line(direction, &format!("alert{how}: {} ({number})", in_words(&AlertDescription::from(number))));
            }
            HANDSHAKE => {
                let message = &mut session.way(direction).message;
                message.extend_from_slice(contents);
                if message.len() > MESSAGE {
                    message.clear();
                }
                while let Some((kind, body)) = session.way(direction).next_message() {
                    self.line(direction, &message::in_words(kind, &body, session.version, how));
                    session.note(direction, kind, &body);
                }
            }
            _ => {} // application data: not the handshake's, and maybe a lot
        }
    }

    fn line(&self, direction: Direction, text: &str) {
        let arrow = if direction == Direction::Sent { '>' } else { '<' };
        (self.tell)(&format!("{arrow} {text}"));
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Trace {
    fn seen(&self, direction: Direction, bytes: &[u8]) {
        let mut session = self.session();
        session.way(direction).records.push(bytes);
        while let Some(record) = session.way(direction).records.take() {
            self.record(&mut session, direction, record);
        }
    }
}

impl KeyLog for Trace {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if let Some(also) = &self.key_log {
            also.log(label, client_random, secret);
        }
        let (direction, place) = match label {
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => (Direction::Sent, 0),
            "SERVER_HANDSHAKE_TRAFFIC_SECRET" => (Direction::Received, 0),
            "CLIENT_TRAFFIC_SECRET_0" => (Direction::Sent, 1),
            "SERVER_TRAFFIC_SECRET_0" => (Direction::Received, 1),
            _ => return,
        };
        let mut session = self.session();
        session.way(direction).secrets[place] = Some(secret.to_vec());
        self.open_waiting(&mut session, direction);
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trace")
    }
}

impl Session {
    fn way(&mut self, direction: Direction) -> &mut Way {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }

    /// Remembers what later messages depend on.
    fn note(&mut self, direction: Direction, kind: u8, body: &[u8]) {
        if kind == SERVER_HELLO
            && let Some(hello) = ServerHello::read(body)
        {
            (self.version, self.suite) = (hello.version, hello.suite);
        }
        let way = self.way(direction);
        if kind == FINISHED {
            (way.finished, way.opener) = (true, None);
        } else if kind == KEY_UPDATE {
            way.opener = way.opener.as_ref().and_then(Opener::next);
        }
    }
}

impl Way {
    /// The next whole handshake message: its type and its body.
    fn next_message(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut fields = Fields(&self.message);
        let kind = fields.take(1)?[0];
        let body = fields.vector(3)?.0.to_vec();
        self.message.drain(..4 + body.len());
        Some((kind, body))
    }
}
