//! Captures read back: from a file of packets to what each side of a TCP connection said.
//!
//! Files come from strangers, too: no length in them is believed, and what can't be read is passed over.

use super::session::Speaker;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::net::SocketAddr;
use stream::Conversation;

mod blocks;
mod packet;
mod stream;

/// What a capture holds.
#[derive(Default)]
pub struct Dissected {
    /// The TCP connections that carried something, in the order in which they began.
    pub connections: Vec<Connection>,
    /// The key logs in the file (its Decryption Secrets Blocks), one behind the other.
    pub secrets: String,
}

/// A TCP connection, put together again.
pub struct Connection {
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// What each side said, in the order in which it came to be known.
    pub pieces: Vec<(Speaker, Vec<u8>)>,
    /// Why it is not whole, if it is not.
    pub flaws: Vec<&'static str>,
}

/// Reads pcapng, as Wireshark and `--capture` write it, and the classic pcap of tcpdump.
///
/// # Errors
/// `not-a-capture`: it is neither.
pub fn dissect(file: &[u8]) -> Result<Dissected> {
    let mut conversations: Vec<Conversation> = Vec::new();
    let mut known: HashMap<(SocketAddr, SocketAddr), usize> = HashMap::new();
    let mut secrets = Vec::new();
    let read = blocks::read(
        file,
        |link, frame| {
            let Some(segment) = packet::segment(link, frame) else { return };
            let ends = if segment.from < segment.to { (segment.from, segment.to) } else { (segment.to, segment.from) };
            // The same two ports may meet again, in another connection: it begins with a SYN of its own.
            let at = known.get(&ends).copied().filter(|at| conversations.get(*at).is_some_and(|open| !open.is_replaced_by(&segment)));
            let at = at.unwrap_or_else(|| {
                conversations.push(Conversation::new(&segment));
                known.insert(ends, conversations.len() - 1);
                conversations.len() - 1
            });
            if let Some(conversation) = conversations.get_mut(at) {
                conversation.add(&segment);
            }
        },
        |text| {
            secrets.extend_from_slice(text);
            secrets.push(b'\n');
        },
    );
    if !read {
        return Err(Error::new("not-a-capture", "this is neither pcapng nor pcap")
            .hint("make one: ./server --capture lesson.pcapng, ./client --capture lesson.pcapng, tshark -w (docs/wire.md)"));
    }
    let connections = conversations.into_iter().map(Conversation::finish).filter(|connection| !connection.pieces.is_empty()).collect();
    Ok(Dissected { connections, secrets: String::from_utf8_lossy(&secrets).into_owned() })
}
