//! Extensions (RFC 9846 4.3): whatever came to TLS after its first messages had been cast in stone.

use super::{Field, Reader, count, number};
use crate::certificate::escape;
use crate::wire::hex;
use crate::wire::records::Fields;
use crate::wire::registry::{group, is_grease, signature_scheme, version_name};

/// The message that an extension stands in: the same one says other things in other places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    ClientHello,
    ServerHello,
    HelloRetryRequest,
    EncryptedExtensions,
    Certificate,
    CertificateRequest,
    NewSessionTicket,
}

/// Number, name, where it is defined, and what it is for.
const KNOWN: [(u16, &str, &str, &str); 27] = [
    (0, "server_name", "RFC 6066 3", "SNI: whom the client wants to talk to, so that the server can pick a certificate; in the clear"),
    (5, "status_request", "RFC 6066 8", "asks for, or brings, a fresh word about revocation (OCSP)"),
    (10, "supported_groups", "RFC 9846 4.3.7", "kinds of key agreement, best first"),
    (11, "ec_point_formats", "RFC 8422 5.1.2", "for TLS 1.2 only"),
    (13, "signature_algorithms", "RFC 9846 4.3.3", "the signatures that can be checked"),
    (16, "application_layer_protocol_negotiation", "RFC 7301 3.1", "ALPN: what will be spoken inside"),
    (18, "signed_certificate_timestamp", "RFC 6962 3.3", "proof that the certificate was published in a log"),
    (21, "padding", "RFC 7685", "zeros: some middleboxes break on hellos of certain lengths"),
    (22, "encrypt_then_mac", "RFC 7366", "for TLS 1.2 only"),
    (23, "extended_master_secret", "RFC 7627", "for TLS 1.2 only: TLS 1.3 always does what it asks for"),
    (27, "compress_certificate", "RFC 8879 3", "chains may be sent compressed"),
    (28, "record_size_limit", "RFC 8449 4", "no longer records, please"),
    (34, "delegated_credential", "RFC 9345 4", "the certificate's owner may lend a short-lived key"),
    (35, "session_ticket", "RFC 5077 3.2", "tickets of TLS 1.2; those of TLS 1.3 are in pre_shared_key"),
    (41, "pre_shared_key", "RFC 9846 4.3.11", "resumption: a ticket of an earlier session, in place of certificates"),
    (42, "early_data", "RFC 9846 4.3.10", "0-RTT: data in the first flight, which somebody may send again"),
    (43, "supported_versions", "RFC 9846 4.3.1", "the true versions: this is where TLS 1.3 is agreed on"),
    (44, "cookie", "RFC 9846 4.3.2", "what the server wants back, so that it need not remember"),
    (45, "psk_key_exchange_modes", "RFC 9846 4.3.9", "how tickets may be used: with new key shares, or without"),
    (47, "certificate_authorities", "RFC 9846 4.3.4", "who may have signed the certificate that is asked for"),
    (48, "oid_filters", "RFC 9846 4.3.5", "what must stand in the certificate that is asked for"),
    (49, "post_handshake_auth", "RFC 9846 4.3.6", "the client may be asked for a certificate later on"),
    (50, "signature_algorithms_cert", "RFC 9846 4.3.3", "the signatures that can be checked in certificates"),
    (51, "key_share", "RFC 9846 4.3.8", "the public half of a key that was made for this session alone"),
    (17613, "application_settings", "", "settings of HTTP/2, sent by Chromium before the handshake is over"),
    (0xfe0d, "encrypted_client_hello", "RFC 9849 5", "ECH: the true hello, sealed; or random bytes that look the same"),
    (0xff01, "renegotiation_info", "RFC 5746 3.2", "for TLS 1.2 only"),
];

/// The list of extensions that ends most messages.
pub fn list(reader: &mut Reader<'_>, place: Place) -> Option<()> {
    reader.group("extensions", 2, "RFC 9846 4.3", "what came to TLS later, each with a number of its own", |list| {
        list.each(|list| extension(list, place))
    })
}

fn extension(list: &mut Reader<'_>, place: Place) -> Option<()> {
    list.left = list.left.checked_sub(1)?;
    let mut all = list.rest;
    let (code, body) = (all.u16()?, all.vector(2)?);
    let (name, source, means) = described(code);
    let at = list.at;
    let mut inner = Reader { rest: Fields(list.rest.take(4 + body.0.len())?), at, left: list.left, found: Vec::new() };
    inner.bytes("extension_type", 2, "RFC 9846 4.3", "which extension this is", |_| format!("{code} = {name}"))?;
    inner.bytes("length", 2, "RFC 9846 4.3", "of what follows", |length| number(length).to_string())?;
    let _ = content(&mut inner, code, place);
    list.left = inner.left;
    list.at += 4 + body.0.len();
    let inside = inner.finish();
    list.found.push(Field { name, at, length: 4 + body.0.len(), says: said(&inside), means, source, inside });
    Some(())
}

fn described(code: u16) -> (String, &'static str, &'static str) {
    match KNOWN.iter().find(|(known, ..)| *known == code) {
        Some((_, name, source, means)) => ((*name).into(), source, means),
        None if is_grease(code) => ("GREASE".into(), "RFC 8701 2", "means nothing: keeps servers from breaking on what they don't know"),
        None => (format!("extension {code}"), "RFC 9846 4.3", "not explained here; whoever does not know an extension passes over it"),
    }
}

/// What an extension says, in a line: the values of its fields, without the type and the lengths.
fn said(inside: &[Field]) -> String {
    let values = inside.iter().skip(2).flat_map(|field| if field.inside.is_empty() { std::slice::from_ref(field) } else { &field.inside });
    let shown: Vec<String> = values.take(SHOWN).map(short).collect();
    if shown.is_empty() { "empty".into() } else { shown.join(", ") }
}

/// So many values stand in the line of an extension, and each is at most so long.
const SHOWN: usize = 16;
const LONG: usize = 48;

fn short(field: &Field) -> String {
    let says = if field.inside.is_empty() { field.says.clone() } else { said_of_entry(field) };
    if says.chars().count() > LONG { format!("{}…", says.chars().take(LONG).collect::<String>()) } else { says }
}

/// An entry of a list has fields of its own: `X25519MLKEM768 1216 bytes`.
fn said_of_entry(entry: &Field) -> String {
    entry.inside.iter().map(|field| field.says.as_str()).collect::<Vec<_>>().join(" ")
}

fn content(reader: &mut Reader<'_>, code: u16, place: Place) -> Option<()> {
    use Place::{CertificateRequest, ClientHello, EncryptedExtensions, HelloRetryRequest, NewSessionTicket, ServerHello};
    match (code, place) {
        (0, ClientHello) => server_name(reader),
        (10, ClientHello | EncryptedExtensions) => codes(reader, "named_group_list", 2, "RFC 9846 4.3.7", group),
        (13 | 50, ClientHello | CertificateRequest) => {
            codes(reader, "supported_signature_algorithms", 2, "RFC 9846 4.3.3", signature_scheme)
        }
        (16, ClientHello | EncryptedExtensions) => protocols(reader),
        (28, ClientHello | EncryptedExtensions) => {
            reader.bytes("RecordSizeLimit", 2, "RFC 8449 4", "bytes", |limit| number(limit).to_string()).map(drop)
        }
        (41, ClientHello) => offered_psks(reader),
        (41, ServerHello) => {
            reader.bytes("selected_identity", 2, "RFC 9846 4.3.11", "which of the client's tickets it is", choice).map(drop)
        }
        (42, NewSessionTicket) => {
            reader.bytes("max_early_data_size", 4, "RFC 9846 4.3.10", "bytes of 0-RTT", |size| number(size).to_string()).map(drop)
        }
        (43, ClientHello) => codes(reader, "versions", 1, "RFC 9846 4.3.1", version),
        (43, ServerHello | HelloRetryRequest) => {
            reader.bytes("selected_version", 2, "RFC 9846 4.3.1", "this is the version", |code| version(number(code) as u16)).map(drop)
        }
        (45, ClientHello) => psk_modes(reader),
        (47, ClientHello | CertificateRequest) => authorities(reader),
        (51, ClientHello) => {
            reader.group("client_shares", 2, "RFC 9846 4.3.8", "one for each group that the server may pick at once", |list| {
                list.each(|list| share(list, "KeyShareEntry"))
            })
        }
        (51, ServerHello) => share(reader, "server_share"),
        (51, HelloRetryRequest) => {
            let means = "send a share of this group instead";
            reader.bytes("selected_group", 2, "RFC 9846 4.3.8", means, |code| group(number(code) as u16)).map(drop)
        }
        _ => (!reader.rest.is_empty()).then(|| reader.all("extension_data", "RFC 9846 4.3", "", data)).flatten().map(drop),
    }
}

fn server_name(reader: &mut Reader<'_>) -> Option<()> {
    reader.group("server_name_list", 2, "RFC 6066 3", "only the first is in use", |list| {
        list.each(|list| {
            list.bytes("name_type", 1, "RFC 6066 3", "there is only this one", |kind| {
                if kind[0] == 0 { "host_name".into() } else { kind[0].to_string() }
            })?;
            list.vector("host_name", 2, "RFC 6066 3", "for all to read", text).map(drop)
        })
    })
}

/// A list of code points of two bytes.
fn codes(reader: &mut Reader<'_>, name: &str, length_bytes: usize, source: &'static str, says: fn(u16) -> String) -> Option<()> {
    reader.group(name, length_bytes, source, "best first", |list| {
        list.each(|list| list.bytes("entry", 2, source, "", |code| says(number(code) as u16)).map(drop))
    })
}

fn protocols(reader: &mut Reader<'_>) -> Option<()> {
    reader.group("protocol_name_list", 2, "RFC 7301 3.1", "best first", |list| {
        list.each(|list| list.vector("ProtocolName", 1, "RFC 7301 3.1", "", text).map(drop))
    })
}

/// A key share. Those that withstand a quantum computer are forty times as long as the others.
fn share(reader: &mut Reader<'_>, name: &str) -> Option<()> {
    let mut ahead = reader.rest;
    ahead.take(2)?;
    let length = 4 + ahead.vector(2)?.0.len();
    let (at, entry) = (reader.at, Fields(reader.rest.take(length)?));
    let mut inner = Reader { rest: entry, at, left: reader.left, found: Vec::new() };
    let _ = share_fields(&mut inner);
    reader.left = inner.left;
    reader.add(name, length, "RFC 9846 4.3.8", "", format!("{length} bytes"), inner.finish());
    Some(())
}

fn share_fields(reader: &mut Reader<'_>) -> Option<()> {
    let code = number(reader.bytes("group", 2, "RFC 9846 4.3.7", "", |code| group(number(code) as u16))?);
    let (means, source) = match code {
        0x11ec => {
            ("1,184 bytes of ML-KEM-768 and 32 of X25519 from the client, 1,088 and 32 from the server: both must be broken", "RFC 10024 3")
        }
        29 => ("the public half of a key of Curve25519", "RFC 7748 6.1"),
        _ => ("the public half", "RFC 9846 4.3.8"),
    };
    reader.vector("key_exchange", 2, source, means, count).map(drop)
}

fn offered_psks(reader: &mut Reader<'_>) -> Option<()> {
    const HERE: &str = "RFC 9846 4.3.11";
    reader.group("identities", 2, HERE, "the tickets", |list| {
        list.each(|list| {
            list.vector("identity", 2, HERE, "the ticket as the server gave it out", count)?;
            list.bytes("obfuscated_ticket_age", 4, HERE, "its age, plus the ticket's ticket_age_add", count).map(drop)
        })
    })?;
    reader.group("binders", 2, HERE, "proof that the client knows what the tickets stand for", |list| {
        list.each(|list| list.vector("binder", 1, HERE, "an HMAC over the hello up to here", hex).map(drop))
    })
}

fn psk_modes(reader: &mut Reader<'_>) -> Option<()> {
    reader.group("ke_modes", 1, "RFC 9846 4.3.9", "", |list| {
        list.each(|list| {
            let says = |mode: &[u8]| match mode[0] {
                0 => "psk_ke: without key shares".to_string(),
                1 => "psk_dhe_ke: with key shares".into(),
                other => other.to_string(),
            };
            list.bytes("mode", 1, "RFC 9846 4.3.9", "", says).map(drop)
        })
    })
}

fn authorities(reader: &mut Reader<'_>) -> Option<()> {
    reader.group("authorities", 2, "RFC 9846 4.3.4", "names, as in certificates", |list| {
        list.each(|list| list.vector("DistinguishedName", 2, "RFC 9846 4.3.4", "", distinguished_name).map(drop))
    })
}

fn distinguished_name(der: &[u8]) -> String {
    use x509_parser::prelude::{FromDer, X509Name};
    X509Name::from_der(der).map_or_else(|_| count(der), |(_, name)| escape(&name.to_string()))
}

fn version(code: u16) -> String {
    match version_name(code) {
        Some(name) => format!("0x{code:04x} ({name})"),
        None if is_grease(code) => "GREASE".into(),
        None => format!("0x{code:04x}"),
    }
}

fn choice(bytes: &[u8]) -> String {
    number(bytes).to_string()
}

fn text(bytes: &[u8]) -> String {
    let printable = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty());
    printable.map_or_else(|| hex(bytes), escape)
}

/// Short ones in full.
fn data(bytes: &[u8]) -> String {
    if bytes.len() <= 16 { hex(bytes) } else { count(bytes) }
}
