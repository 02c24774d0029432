//! What no library will write: certificates whose DER is changed by hand, part by part.

use crate::certificate::parse;
use crate::error::{Error, Result};
use rcgen::{KeyPair, SigningKey};
use rustls::pki_types::CertificateDer;
use x509_parser::asn1_rs::{Any, FromDer};

/// ecdsa-with-SHA256 and ecdsa-with-SHA1 as AlgorithmIdentifier (RFC 5758 3.2, RFC 3279 2.2.3).
const WITH_SHA256: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const WITH_SHA1: [u8; 11] = [0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// The tags of TBSCertificate's version and extensions (RFC 5280 4.1).
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// As before version 3: no version field, no extensions, and so no names.
pub fn version_1(certificate: &CertificateDer<'_>, key: &KeyPair) -> Result<CertificateDer<'static>> {
    signed_again(certificate, key, &WITH_SHA256, |parts| parts.retain(|part| ![VERSION, EXTENSIONS].contains(&part[0])))
}

/// Says that it was signed with SHA-1, inside and outside (RFC 5280 4.1.1.2), which `key` does not do.
pub fn says_sha1(certificate: &CertificateDer<'_>, key: &KeyPair) -> Result<CertificateDer<'static>> {
    signed_again(certificate, key, &WITH_SHA1, |parts| {
        parts.iter_mut().filter(|part| part[..] == WITH_SHA256).for_each(|part| *part = WITH_SHA1.to_vec());
    })
}

/// Other bytes in place of these, and the old signature.
pub fn replaced<const N: usize>(certificate: &CertificateDer<'_>, old: &[u8; N], new: &[u8; N]) -> CertificateDer<'static> {
    let mut der = certificate.to_vec();
    for at in 0..der.len().saturating_sub(N) {
        if der[at..].starts_with(old) {
            der[at..at + N].copy_from_slice(new);
        }
    }
    der.into()
}

/// The certificate with other parts, signed again.
fn signed_again(
    certificate: &CertificateDer<'_>,
    key: &KeyPair,
    algorithm: &[u8],
    change: impl FnOnce(&mut Vec<Vec<u8>>),
) -> Result<CertificateDer<'static>> {
    let parsed = parse(certificate)?;
    let mut parts = parts(parsed.tbs_certificate.as_ref())?;
    change(&mut parts);
    let content = value(SEQUENCE, &parts.concat());
    let signature = key.sign(&content).map_err(crate::authority::chain::unsigned)?;
    let bits = value(BIT_STRING, &[&[0], &signature[..]].concat()); // no bit of the last byte is unused
    Ok(value(SEQUENCE, &[content, algorithm.to_vec(), bits].concat()).into())
}

/// The parts of a SEQUENCE, each with its tag and length.
fn parts(der: &[u8]) -> Result<Vec<Vec<u8>>> {
    let odd = |_| Error::new("gallery", "a certificate of the gallery can't be taken apart");
    let (_, sequence) = Any::from_der(der).map_err(odd)?;
    let (mut rest, mut parts) = (sequence.data, Vec::new());
    while !rest.is_empty() {
        let (more, _) = Any::from_der(rest).map_err(odd)?;
        parts.push(rest[..rest.len() - more.len()].to_vec());
        rest = more;
    }
    Ok(parts)
}

/// One value: its tag, its length, itself (X.690 8.1). Nothing here is longer than two bytes can say.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let length = match content.len() {
        0..0x80 => vec![low],
        0x80..0x100 => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], &length[..], content].concat()
}
