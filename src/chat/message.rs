//! What is said: to the directory, by the directory, between peers. One JSON object each, named by its `type`.
//!
//! Nobody says who they are. The certificate has said it, and `from` is filled in by whoever has seen the certificate.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The longest text, in characters.
pub const TEXT_MAX: usize = 920;

/// To the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ToDirectory {
    /// Who is here?
    Who {},
    /// I want to talk to `to`; because of `group`, if one is named.
    Request {
        to: String,
        group: Option<String>,
    },
    /// I wait for `to` at this address.
    Accept {
        to: String,
        at: SocketAddr,
    },
    /// I don't want to talk to `to`, or not any more.
    Decline {
        to: String,
    },
    Create {
        group: String,
    },
    Join {
        group: String,
    },
    Logout {},
}

/// By the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromDirectory {
    /// You are in, under this name; the loopback address with this last byte is yours to listen on.
    Welcome {
        name: String,
        number: u8,
    },
    Online {
        names: Vec<String>,
    },
    Request {
        from: String,
        group: Option<String>,
    },
    Accepted {
        from: String,
        at: SocketAddr,
    },
    Declined {
        from: String,
    },
    /// You are in this group, with these others.
    Group {
        group: String,
        members: Vec<String>,
    },
    /// What you asked for can't be: a code for programs, a sentence for people.
    Refused {
        code: String,
        sentence: String,
    },
    /// What the authority took back: its list, PEM. Signed by it, so it may come from anybody.
    Revoked {
        list: String,
    },
    /// This was the last message, and why: `logged-out`, `revoked`, `stops`.
    Bye {
        code: String,
        reason: String,
    },
}

/// Between peers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Peer {
    Text {
        text: String,
        group: Option<String>,
    },
    /// A file of `size` bytes comes, in [`Peer::Piece`]s, whose SHA-256 is `sha256` (hex).
    File {
        name: String,
        size: u64,
        sha256: String,
    },
    /// The next bytes of the file, in base64 (RFC 4648 4).
    Piece {
        data: String,
    },
    /// All of your file `name` is here, and is what you announced.
    Kept {
        name: String,
    },
    /// Your file `name` is not taken: send no more of it.
    Stop {
        name: String,
        reason: String,
    },
    Bye {
        reason: String,
    },
}
