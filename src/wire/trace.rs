//! One line for each TLS message, in both directions: `./client -v`.

use super::message;
use super::message::TLS13;
use super::records::{ALERT, HANDSHAKE};
use super::session::{Inside, Seen, Session, Speaker};
use super::tap::{Direction, Watcher};
use crate::refusal::in_words;
use rustls::{AlertDescription, KeyLog};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Watches a client's session, one at a time, and tells each message in a line: `> ClientHello: …`, `< ServerHello: …`.
///
/// It is the session's own key log too, and opens the sealed messages with what it is told there: nobody else could.
pub struct Trace {
    tell: Box<dyn Fn(&str) + Send + Sync>,
    key_log: Option<Arc<dyn KeyLog>>,
    session: Mutex<Session>,
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

    fn told(&self, seen: &Seen) {
        let how = if seen.opened.is_some() { ", sealed" } else { "" };
        match &seen.inside {
            Inside::ChangeCipherSpec if seen.version == TLS13 => {
                self.line(seen, "ChangeCipherSpec: means nothing, old middleboxes expect it");
            }
            Inside::ChangeCipherSpec => self.line(seen, "ChangeCipherSpec: what follows is sealed"),
            Inside::Alert { description, .. } => {
                let words = in_words(&AlertDescription::from(*description));
                self.line(seen, &format!("alert{how}: {words} ({description})"));
            }
            Inside::Messages(messages) => {
                for message in messages {
                    self.line(seen, &message::in_words(message, seen.version, how));
                }
            }
            Inside::Dark if seen.record.kind() == HANDSHAKE => self.line(seen, "Finished, sealed (TLS 1.2: not opened here)"),
            Inside::Dark if seen.record.kind() == ALERT => self.line(seen, "alert, sealed (TLS 1.2: not opened here)"),
            Inside::Data(_) | Inside::Dark => {} // not the handshake's, and maybe a lot
        }
    }

    fn line(&self, seen: &Seen, text: &str) {
        let arrow = if seen.speaker == Speaker::Client { '>' } else { '<' };
        (self.tell)(&format!("{arrow} {text}"));
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Trace {
    fn seen(&self, direction: Direction, bytes: &[u8]) {
        let speaker = if direction == Direction::Sent { Speaker::Client } else { Speaker::Server };
        let seen = self.session().bytes(speaker, bytes);
        seen.iter().for_each(|seen| self.told(seen));
    }
}

impl KeyLog for Trace {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if let Some(also) = &self.key_log {
            also.log(label, client_random, secret);
        }
        let seen = self.session().secret(label, secret);
        seen.iter().for_each(|seen| self.told(seen));
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trace")
    }
}
