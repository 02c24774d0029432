//! The illustrated handshake: what is told of it, beside what crossed, what the key logs say, and the RFC's own examples.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod captures;
mod fields;
mod lab;
mod opening;
mod page;
mod schedule;
