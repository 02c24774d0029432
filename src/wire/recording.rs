//! What one connection's handshake said, kept as it passed: for whoever wants to explain it afterwards.

use super::schedule::Known;
use super::session::Speaker;
use super::tap::{Direction, Watcher};
use rustls::KeyLog;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handshake takes 4 to 6 KiB with post-quantum key shares and our chain of two. So much of one is kept, and no more.
pub const KEPT: usize = 16 * 1024;

/// Keeps the bytes of one connection's handshake, and its secrets, until it is told to forget.
///
/// Nothing is read or computed before somebody asks: the handshake itself costs a copy of its bytes.
pub struct Recording {
    /// Who speaks when we send.
    us: Speaker,
    kept: Mutex<Option<Kept>>,
}

/// A recording as it is handed out.
#[derive(Clone, Default)]
pub struct Kept {
    bytes: Vec<u8>,
    /// Who said the bytes up to there.
    pieces: Vec<(Speaker, usize)>,
    /// The session's secrets. They stay with the connection that they belong to.
    pub known: Known,
    /// More passed than is kept.
    pub cut: bool,
    /// What passes from now on is not the handshake's.
    enough: bool,
}

impl Recording {
    /// For the tap and the key log of one connection, whose own side is `us`.
    pub fn new(us: Speaker) -> Arc<Recording> {
        Arc::new(Recording { us, kept: Mutex::new(Some(Kept::default())) })
    }

    /// What the key shares agree on, overheard by whoever did the handshake.
    pub fn shared(&self, secret: Option<Vec<u8>>) {
        if let Some(kept) = self.lock().as_mut() {
            kept.known.shared = secret;
        }
    }

    /// What was kept, unless it is forgotten.
    pub fn kept(&self) -> Option<Kept> {
        self.lock().clone()
    }

    /// Keeps what there is, and nothing that passes from now on.
    pub fn enough(&self) {
        if let Some(kept) = self.lock().as_mut() {
            kept.enough = true;
        }
    }

    /// Drops bytes and secrets, and keeps nothing from now on.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Recording {
    fn seen(&self, direction: Direction, bytes: &[u8]) {
        if let Some(kept) = self.lock().as_mut() {
            kept.cut |= kept.enough;
            if !kept.enough {
                let them = if self.us == Speaker::Client { Speaker::Server } else { Speaker::Client };
                kept.add(if direction == Direction::Sent { self.us } else { them }, bytes);
            }
        }
    }
}

impl KeyLog for Recording {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        if let Some(kept) = self.lock().as_mut() {
            kept.known.logged.push((label.to_owned(), secret.to_vec()));
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a recording") // and not its secrets
    }
}

impl Kept {
    /// These bytes passed.
    pub fn add(&mut self, speaker: Speaker, bytes: &[u8]) {
        let room = KEPT - self.bytes.len().min(KEPT);
        self.cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        match self.pieces.last_mut() {
            Some((last, end)) if *last == speaker => *end = self.bytes.len(),
            _ => self.pieces.push((speaker, self.bytes.len())),
        }
    }

    /// What the ticket stands for that this session's client came with: one of those that an earlier session gave out.
    pub fn resume_with(&mut self, tickets: &[(Vec<u8>, Vec<u8>)]) {
        let first = self.pieces().find(|(speaker, _)| *speaker == Speaker::Client).map(|(_, bytes)| bytes).unwrap_or_default();
        let offered = |ticket: &[u8]| !ticket.is_empty() && first.windows(ticket.len()).any(|window| window == ticket);
        self.known.psk = tickets.iter().find(|(ticket, _)| offered(ticket)).map(|(_, psk)| psk.clone());
    }

    /// What each side said, in the order in which it passed.
    pub fn pieces(&self) -> impl Iterator<Item = (Speaker, &[u8])> {
        let begins = std::iter::once(0).chain(self.pieces.iter().map(|(_, end)| *end));
        self.pieces.iter().zip(begins).map(|((speaker, end), begin)| (*speaker, self.bytes.get(begin..*end).unwrap_or_default()))
    }
}
