//! ClientHello, ServerHello and HelloRetryRequest: what everybody on the way can read.

use super::extension::{self, Place};
use super::{Reader, count, number};
use crate::wire::hello::RETRY;
use crate::wire::hex;
use crate::wire::registry::{suite, version_name};

/// RFC 9846 4.2.2.
pub fn client(reader: &mut Reader<'_>) -> Option<()> {
    const HERE: &str = "RFC 9846 4.2.2";
    reader.bytes("legacy_version", 2, HERE, "means nothing any more: old servers broke on newer numbers", version)?;
    reader.bytes("random", 32, HERE, "makes this session unlike any other; it is the session's name in a key log", hex)?;
    reader.vector("legacy_session_id", 1, "RFC 9846 E.4", "means nothing: a disguise as a resumed TLS 1.2 session", count)?;
    reader.group("cipher_suites", 2, HERE, "how records may be sealed, and with which hash; best first", |list| {
        list.each(|list| list.bytes("cipher_suite", 2, "RFC 9846 B.4", "", |code| suite(number(code) as u16)).map(drop))
    })?;
    reader.vector("legacy_compression_methods", 1, HERE, "none: compression before sealing gave secrets away", hex)?;
    extension::list(reader, Place::ClientHello)
}

/// RFC 9846 4.2.3, and 4.2.4 for the one that asks for another hello.
pub fn server(reader: &mut Reader<'_>) -> Option<()> {
    const HERE: &str = "RFC 9846 4.2.3";
    reader.bytes("legacy_version", 2, HERE, "means nothing: see supported_versions below", version)?;
    let random = reader.bytes("random", 32, HERE, "the server's share of what makes this session unlike any other", |random| {
        if random == RETRY { "the value that says: this is a HelloRetryRequest".into() } else { hex(random) }
    })?;
    reader.vector("legacy_session_id_echo", 1, "RFC 9846 E.4", "the client's, sent back", count)?;
    reader.bytes("cipher_suite", 2, HERE, "the server's choice", |code| suite(number(code) as u16))?;
    reader.bytes("legacy_compression_method", 1, HERE, "none", hex)?;
    if reader.rest.is_empty() {
        return Some(()); // TLS 1.2 may have no extensions
    }
    extension::list(reader, if random == RETRY { Place::HelloRetryRequest } else { Place::ServerHello })
}

fn version(bytes: &[u8]) -> String {
    format!("0x{} ({})", hex(bytes), version_name(number(bytes) as u16).unwrap_or("unknown"))
}
