//! The server under attack. Every test here plays a peer that is broken, slow or malicious, and holds the server to four things:
//! a clear answer or a clean end, one line about it in the log, nothing left behind, and everybody else served meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod conformance;
mod frames;
mod handshake;
mod heads;
mod identity;
mod limits;
mod peer;
mod rooms;
mod siege;
mod signals;
mod slow;
