//! Keys: the public half in full, of the secret half only that it is there.

use super::{Field, Group};
use padlock::certificate::{colons, public_key};
use padlock::error::{Error, Result};
use padlock::key::{self, Key};
use std::path::Path;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// RSA keys of fewer bits are nobody's alone.
const SHORTEST: usize = 2048;

/// A private key (RFC 5958 2).
pub fn private(file: &Path) -> Result<Group> {
    let public = Key::load(file)?.public();
    let info = parse(&public)?;
    let mut group = Group::default();
    group.add("privateKeyAlgorithm", public_key(&info));
    group.add("privateKey", "a secret, not shown");
    group.add("publicKey", public_half(&info));
    Ok(group)
}

/// A public key in a file of its own.
pub fn public_alone(der: &[u8]) -> Result<Group> {
    Ok(public_half(&parse(der)?))
}

/// SubjectPublicKeyInfo (RFC 5280 4.1.2.7).
pub fn public_half(info: &SubjectPublicKeyInfo<'_>) -> Group {
    let mut group = Group::default();
    group.add("algorithm", public_key(info));
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => {
            let mut numbers = Group::default();
            numbers.add("modulus", colons(rsa.modulus));
            numbers.add("publicExponent", rsa.try_exponent().map_or_else(|_| Field::Text(colons(rsa.exponent)), Field::Number));
            group.add("subjectPublicKey", numbers);
        }
        _ => group.add("subjectPublicKey", colons(&info.subject_public_key.data)),
    }
    group.add("keyIdentifier", key::identifier(info.raw));
    group
}

/// Why nothing that this key has signed can be judged: RSA of less than 2048 bits can be computed by others, too, so a signature
/// that fits would say nothing (RFC 9325 4.5).
pub fn too_short(info: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() < SHORTEST => Some(format!("{} is too short to believe any signature", public_key(info))),
        _ => None,
    }
}

fn parse(der: &[u8]) -> Result<SubjectPublicKeyInfo<'_>> {
    let damaged =
        |_| Error::new("key-damaged", "a public key can't be read: it is damaged").hint("make it again: openssl pkey -in KEY -pubout");
    SubjectPublicKeyInfo::from_der(der).map(|(_, info)| info).map_err(damaged)
}
