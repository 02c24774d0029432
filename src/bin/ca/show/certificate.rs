//! Certificates (RFC 5280 4.1).

use super::{Group, extension, key};
use padlock::certificate::{algorithm, colons, date, fingerprint, parse, subject};
use padlock::error::Result;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::X509Certificate;
use x509_parser::x509::AlgorithmIdentifier;

/// Every field, and whether one of `candidates` has signed it.
pub fn describe(der: &CertificateDer<'_>, candidates: &[&CertificateDer<'static>]) -> Result<Group> {
    let certificate = parse(der)?;
    let mut group = Group::default();
    group.add("tbsCertificate", to_be_signed(&certificate));
    group.add("signatureAlgorithm", algorithm(&certificate.signature_algorithm.algorithm));
    group.add("signatureValue", colons(&certificate.signature_value.data));
    group.add("signatureCheck", check(&certificate, candidates)?);
    group.add("fingerprintSha256", fingerprint(der));
    Ok(group)
}

fn to_be_signed(certificate: &X509Certificate<'_>) -> Group {
    let mut validity = Group::default();
    validity.add("notBefore", date(certificate.validity().not_before.to_datetime()));
    validity.add("notAfter", date(certificate.validity().not_after.to_datetime()));
    let mut group = Group::default();
    group.add("version", format!("v{} ({})", certificate.version().0 + 1, certificate.version().0));
    group.add("serialNumber", colons(certificate.raw_serial()));
    group.add("signature", algorithm(&certificate.signature.algorithm));
    group.add("issuer", subject(certificate.issuer()));
    group.add("validity", validity);
    group.add("subject", subject(certificate.subject()));
    group.add("subjectPublicKeyInfo", key::public_half(certificate.public_key()));
    if !certificate.extensions().is_empty() {
        group.add("extensions", extension::describe(certificate.extensions()));
    }
    group
}

/// What a verifier does: hash the part to be signed, and ask the issuer's public key whether the signature fits.
fn check(certificate: &X509Certificate<'_>, candidates: &[&CertificateDer<'static>]) -> Result<Group> {
    let mut group = Group::default();
    if let Some((hash, value)) = hash(&certificate.signature_algorithm, certificate.tbs_certificate.as_ref()) {
        group.add("hashAlgorithm", hash);
        group.add("tbsCertificateHash", value);
    }
    let mut result = format!("not checked: the certificate of {} is not here; --issuer FILE names it", subject(certificate.issuer()));
    for candidate in candidates {
        let issuer = parse(candidate)?;
        let name = subject(issuer.subject());
        if issuer.subject().as_raw() != certificate.issuer().as_raw() {
            continue;
        }
        if certificate.verify_signature(Some(issuer.public_key())).is_ok() {
            result = format!("fits the public key of {name}");
            break;
        }
        result = match key::too_short(issuer.public_key()) {
            Some(why) => format!("not judged by the public key of {name}: {why}"),
            None => format!("does NOT fit the public key of {name}"),
        };
    }
    group.add("result", result);
    Ok(group)
}

/// The hash that a signature algorithm signs. Ed25519 hashes inside, twice, together with the key.
pub fn hash(signature: &AlgorithmIdentifier<'_>, signed: &[u8]) -> Option<(&'static str, String)> {
    use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
    let (name, hash) = match signature.algorithm.to_id_string().as_str() {
        "1.2.840.10045.4.3.2" | "1.2.840.113549.1.1.11" => ("SHA-256", &SHA256),
        "1.2.840.10045.4.3.3" | "1.2.840.113549.1.1.12" => ("SHA-384", &SHA384),
        "1.2.840.10045.4.3.4" | "1.2.840.113549.1.1.13" => ("SHA-512", &SHA512),
        _ => return None,
    };
    Some((name, colons(digest(hash, signed).as_ref())))
}
