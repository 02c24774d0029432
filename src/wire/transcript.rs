//! The transcript (RFC 9846 4.1): all handshake messages so far, of which both sides hash the same bytes or fail.

use super::hello::ServerHello;
use super::message::{FINISHED, SERVER_HELLO};
use super::schedule::Suite;
use super::session::Speaker;

/// The type of the message that takes the first ClientHello's place after a HelloRetryRequest.
const MESSAGE_HASH: u8 = 254;

/// The messages of a handshake in their order, and their hash at the points where secrets depend on it.
#[derive(Default)]
pub struct Transcript {
    bytes: Vec<u8>,
    suite: Option<Suite>,
    /// Up to the ServerHello, and up to each Finished.
    pub hellos: Option<Vec<u8>>,
    pub server_finished: Option<Vec<u8>>,
    pub client_finished: Option<Vec<u8>>,
    /// What each Finished is a checksum of: all before it.
    pub before_server_finished: Option<Vec<u8>>,
    pub before_client_finished: Option<Vec<u8>>,
}

impl Transcript {
    /// Adds a whole message, header included. What follows the client's Finished is no part of it.
    pub fn add(&mut self, speaker: Speaker, message: &[u8]) {
        let (Some(kind), None) = (message.first().copied(), &self.client_finished) else { return };
        if kind == FINISHED {
            let before = self.hash();
            *if speaker == Speaker::Server { &mut self.before_server_finished } else { &mut self.before_client_finished } = before;
        }
        let hello = message.get(4..).filter(|_| kind == SERVER_HELLO).and_then(ServerHello::read);
        if let Some(hello) = &hello {
            self.suite = Suite::of(hello.suite);
            if hello.retry {
                self.begin_again();
            }
        }
        self.bytes.extend_from_slice(message);
        match (kind, speaker) {
            (SERVER_HELLO, _) if hello.is_some_and(|hello| !hello.retry) => self.hellos = self.hash(),
            (FINISHED, Speaker::Server) => self.server_finished = self.hash(),
            (FINISHED, Speaker::Client) => self.client_finished = self.hash(),
            _ => {}
        }
    }

    fn hash(&self) -> Option<Vec<u8>> {
        self.suite.map(|suite| suite.hash(&self.bytes))
    }

    /// A server that keeps nothing between two hellos needs the first one's hash alone, so that is all that stays of it.
    fn begin_again(&mut self) {
        let Some(hash) = self.hash() else { return };
        let length = u8::try_from(hash.len()).unwrap_or_default();
        self.bytes = [&[MESSAGE_HASH, 0, 0, length][..], &hash].concat();
    }
}
