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

/// So many connections are put together. One takes some 600 bytes beside what it said, ten times its shortest packet in the file.
const CONNECTIONS: usize = 16 * 1024;

/// What a capture holds.
#[derive(Default)]
pub struct Dissected {
    /// The TCP connections that carried something, in the order in which they began.
    pub connections: Vec<Connection>,
    /// More connections began than are put together.
    pub cut: bool,
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
    let (mut secrets, mut cut) = (Vec::new(), false);
    let read = blocks::read(
        file,
        |link, frame| {
            let Some(segment) = packet::segment(link, frame) else { return };
            let ends = if segment.from < segment.to { (segment.from, segment.to) } else { (segment.to, segment.from) };
            // The same two ports may meet again, in another connection: it begins with a SYN of its own.
            let at = known.get(&ends).copied().filter(|at| conversations.get(*at).is_some_and(|open| !open.is_replaced_by(&segment)));
            if at.is_none() && conversations.len() == CONNECTIONS {
                cut = true;
                known.remove(&ends); // what follows is not the old connection's
                return;
            }
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
    Ok(Dissected { connections, cut, secrets: String::from_utf8_lossy(&secrets).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A classic capture of that many connections, each of which says one byte in its only packet.
    fn tiny(connections: u16) -> Vec<u8> {
        let file = [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[0; 16], &101_u32.to_le_bytes()].concat();
        file.into_iter().chain((0..connections).flat_map(|port| packet(port, 1, 0x02, b'x'))).collect() // SYN, and a byte
    }

    fn packet(port: u16, sequence: u8, flags: u8, byte: u8) -> Vec<u8> {
        let mut packet = [[0; 4], [0; 4], [41, 0, 0, 0], [41, 0, 0, 0]].concat(); // when, and twice its length
        packet.extend([0x45, 0, 0, 41, 0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        packet.extend(port.to_be_bytes());
        packet.extend([255, 255, 0, 0, 0, sequence, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0, byte]);
        packet
    }

    #[test]
    fn no_more_connections_are_put_together_than_fit() {
        let most = CONNECTIONS as u16;
        for (connections, cut) in [(most, false), (most + 9, true)] {
            let found = dissect(&tiny(connections)).unwrap();
            assert_eq!((found.connections.len(), found.cut), (CONNECTIONS, cut));
        }
    }

    #[test]
    fn what_is_left_out_is_not_taken_for_an_earlier_connections() {
        let again = [packet(0, 100, 0x02, b'y'), packet(0, 3, 0x10, b'z')].concat();
        let found = dissect(&[tiny(CONNECTIONS as u16), again].concat()).unwrap();
        assert!(found.cut && found.connections[0].pieces == [(Speaker::Client, b"x".to_vec())], "{:?}", found.connections[0].pieces);
    }
}
