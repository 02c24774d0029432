// CONTRACT (helper A implements; others rely on these names)
use crate::error::Result;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::{net::IpAddr, path::Path};
use time::OffsetDateTime;

/// Who I am: a key and the chain of certificates that ties a name to it, leaf first, root left out.
#[derive(Debug)]
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}
impl Identity {
    /// Loads and checks that key and leaf belong together, chain order, dates (warns within 7 days: see `expiry`).
    pub fn load(_chain: &Path, _key: &Path) -> Result<Identity> {
        todo!()
    }
}
/// Every certificate of a PEM file, in order. Errors say what the file *is*.
pub fn load_chain(_file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    todo!()
}

/// A name in subjectAltName (RFC 5280 4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Dns(String),
    Ip(IpAddr),
    Other(String),
}

/// What a certificate says, in a reader's terms.
#[derive(Debug, Clone)]
pub struct Summary {
    pub version: u32,
    pub subject: String, // "CN=localhost"
    pub issuer: String,
    pub common_name: Option<String>,
    pub serial: String, // upper-case hex
    pub names: Vec<Name>,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
    pub is_ca: bool,
    pub key: String,       // "ECDSA P-256"
    pub signature: String, // "ecdsa-with-SHA256"
    pub key_usage: Vec<String>,
    pub extended_key_usage: Vec<String>,
    pub fingerprint: String, // SHA-256, upper-case hex with colons
}
/// Reads one certificate. Control characters in names are escaped, never printed raw.
pub fn summary(_der: &CertificateDer<'_>) -> Result<Summary> {
    todo!()
}
