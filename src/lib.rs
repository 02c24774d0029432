//! Padlock: what is behind the padlock in the address bar.
//!
//! Each module below is one *word*: a concept with a chapter of the same name in `docs/`, a log tag of the same name,
//! and, where it makes sense, a command. Read them in this order. A word uses only the words above it.
//!
//! The programs ([`ca`](../ca/index.html), [`server`](../server/index.html), [`client`](../client/index.html),
//! [`wiretap`](../wiretap/index.html)) are in `src/bin/`. They may use every word; a word never knows a program.

// Beneath the words: what went wrong, and files that are written whole or not at all.
pub mod error;
pub mod file;

#[doc = include_str!("../docs/key.md")]
pub mod key;
#[doc = include_str!("../docs/certificate.md")]
pub mod certificate;
#[doc = include_str!("../docs/request.md")]
pub mod request;
#[doc = include_str!("../docs/authority.md")]
pub mod authority;
#[allow(clippy::disallowed_types)] // verifiers and root stores: here and nowhere else
#[doc = include_str!("../docs/trust.md")]
pub mod trust;
#[doc = include_str!("../docs/tls.md")]
pub mod tls;
#[doc = include_str!("../docs/refusal.md")]
pub mod refusal;
#[doc = include_str!("../docs/wire.md")]
pub mod wire;
#[doc = include_str!("../docs/listener.md")]
pub mod listener;
#[doc = include_str!("../docs/http.md")]
pub mod http;
#[doc = include_str!("../docs/websocket.md")]
pub mod websocket;
#[doc = include_str!("../docs/mailbox.md")]
pub mod mailbox;
#[doc = include_str!("../docs/mutual.md")]
pub mod mutual;
#[doc = include_str!("../docs/ticket.md")]
pub mod ticket;
#[doc = include_str!("../docs/chat.md")]
pub mod chat;

/// The words in reading order, the one list that the book, the README and the tests go by.
pub const WORDS: [&str; 15] = [
    "key",
    "certificate",
    "request",
    "authority",
    "trust",
    "tls",
    "refusal",
    "wire",
    "listener",
    "http",
    "websocket",
    "mailbox",
    "mutual",
    "ticket",
    "chat",
];
