//! The names of code points, as the registries of IANA have them.

use rustls::{CipherSuite, NamedGroup, SignatureScheme};
use std::fmt;

pub fn version_name(version: u16) -> Option<&'static str> {
    match version {
        0x0304 => Some("TLS 1.3"),
        0x0303 => Some("TLS 1.2"),
        0x0302 => Some("TLS 1.1"),
        0x0301 => Some("TLS 1.0"),
        _ => None,
    }
}

/// `TLS_AES_256_GCM_SHA384`
pub fn suite(code: u16) -> String {
    in_registry(CipherSuite::from(code), code).replace("TLS13_", "TLS_")
}

/// `X25519MLKEM768`
pub fn group(code: u16) -> String {
    in_registry(NamedGroup::from(code), code)
}

/// As RFC 9846 4.3.3 writes it: rustls calls the curves by their other name.
pub fn signature_scheme(code: u16) -> String {
    let name = in_registry(SignatureScheme::from(code), code).to_lowercase();
    ["256", "384", "521"].iter().fold(name, |name, size| name.replace(&format!("nistp{size}"), &format!("secp{size}r1")))
}

/// Code points that mean nothing, on purpose: browsers offer some so that no server comes to depend on there being none (RFC 8701).
pub fn is_grease(code: u16) -> bool {
    code & 0x0f0f == 0x0a0a && code >> 8 == code & 0xff
}

/// rustls names code points as the registry does.
fn in_registry(known: impl fmt::Debug, code: u16) -> String {
    let name = format!("{known:?}");
    match name.contains('(') {
        true if is_grease(code) => "GREASE".into(),
        true => format!("0x{code:04x}"), // one that it does not know
        false => name,
    }
}
