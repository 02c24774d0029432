//! Handshake messages in words (RFC 9846 4).

use super::hello::{ClientHello, ServerHello, protocols};
use super::records::Fields;
use super::registry::{group, signature_scheme, suite, version_name};
use crate::certificate::{escape, summary};
use rustls::pki_types::CertificateDer;

pub const TLS13: u16 = 0x0304;
pub const SERVER_HELLO: u8 = 2;
pub const NEW_SESSION_TICKET: u8 = 4;
pub const FINISHED: u8 = 20;
pub const KEY_UPDATE: u8 = 24;

/// `ServerHello: TLS 1.3, …`: its name, how it travelled, and what it says when that is worth reading. `message` has its header.
pub fn in_words(message: &[u8], version: u16, how: &str) -> String {
    let Some((&[kind, ..], body)) = message.split_first_chunk::<4>() else { return format!("nothing{how}") };
    format!("{}{how}{}", name(kind, body, version), said(kind, body, version))
}

/// The name of a handshake message (RFC 9846 4, RFC 5246 7.4).
pub fn name(kind: u8, body: &[u8], version: u16) -> String {
    let name = match kind {
        1 => "ClientHello",
        SERVER_HELLO if ServerHello::read(body).is_some_and(|hello| hello.retry) => "HelloRetryRequest",
        SERVER_HELLO => "ServerHello",
        NEW_SESSION_TICKET => "NewSessionTicket",
        8 => "EncryptedExtensions",
        11 => "Certificate",
        12 => "ServerKeyExchange",
        13 => "CertificateRequest",
        14 => "ServerHelloDone",
        15 => "CertificateVerify",
        16 => "ClientKeyExchange",
        FINISHED => "Finished",
        22 => "CertificateStatus",
        KEY_UPDATE if version == TLS13 => "KeyUpdate",
        other => return format!("message {other}"),
    };
    name.into()
}

/// What a message says, when it is one of those worth reading.
fn said(kind: u8, body: &[u8], version: u16) -> String {
    let said = match kind {
        1 => ClientHello::read(body).map(|hello| client_hello(&hello)),
        SERVER_HELLO => ServerHello::read(body).map(|hello| server_hello(&hello)),
        8 => encrypted_extensions(body),
        11 => certificates(body, version),
        15 => Fields(body).u16().map(signature_scheme),
        _ => None,
    };
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

fn client_hello(hello: &ClientHello) -> String {
    let versions: Vec<&str> = hello.versions.iter().rev().filter_map(|version| version_name(*version)).collect();
    let versions = if versions.is_empty() { "before TLS 1.3".into() } else { versions.join(" and ") };
    let name = hello.server_name.as_ref().map(|name| format!(", for {}", escape(name))).unwrap_or_default();
    let protocols = if hello.protocols.is_empty() { String::new() } else { format!(", speaks {}", escape(&hello.protocols.join(" "))) };
    let shares: Vec<String> = hello.shares.iter().map(|code| group(*code)).collect();
    let resumes = if hello.resumes { ", with a ticket" } else { "" };
    format!("{versions}{name}{protocols}, key shares {}{resumes}", shares.join(" "))
}

fn server_hello(hello: &ServerHello) -> String {
    let version = version_name(hello.version).unwrap_or("an unknown version");
    let suite = suite(hello.suite);
    let group = hello.group.map(|code| format!(", {}", group(code))).unwrap_or_default();
    let resumes = if hello.resumes { ", ticket accepted" } else { "" };
    format!("{version}, {suite}{group}{resumes}")
}

fn encrypted_extensions(body: &[u8]) -> Option<String> {
    let mut extensions = Fields(body).vector(2)?;
    while !extensions.is_empty() {
        let (kind, extension) = (extensions.u16()?, extensions.vector(2)?);
        if kind == 16 {
            return Some(format!("we speak {}", escape(&protocols(extension)?.join(" "))));
        }
    }
    None
}

/// The subjects of the chain, leaf first.
fn certificates(body: &[u8], version: u16) -> Option<String> {
    let (mut fields, mut subjects) = (Fields(body), Vec::new());
    if version == TLS13 {
        fields.vector(1)?; // certificate_request_context
    }
    let mut list = fields.vector(3)?;
    while !list.is_empty() {
        let der = CertificateDer::from(list.vector(3)?.0);
        subjects.push(summary(&der).map_or_else(|_| "one that can't be read".into(), |said| said.subject));
        if version == TLS13 {
            list.vector(2)?; // extensions
        }
    }
    Some(if subjects.is_empty() { "none".into() } else { subjects.join("; then ") })
}
