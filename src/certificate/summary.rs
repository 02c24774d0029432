//! What a certificate says, in a reader's terms.

use super::parse;
use crate::error::{self, Result};
use crate::key::secret::named;
use crate::key::{bits, hex};
use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use std::fmt;
use std::net::IpAddr;
use time::OffsetDateTime;
use time::macros::format_description;
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, KeyUsage};
use x509_parser::oid_registry::{OidRegistry, format_oid};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

/// A name in subjectAltName (RFC 5280 4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Dns(String),
    Ip(IpAddr),
    /// Anything else, as OpenSSL would write it: `email:a@b.test`, `URI:…`.
    Other(String),
}

impl fmt::Display for Name {
    /// As OpenSSL writes it: `DNS:localhost`, `IP:127.0.0.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Dns(name) => write!(f, "DNS:{}", escape(name)),
            Name::Ip(address) => write!(f, "IP:{address}"),
            Name::Other(text) => f.write_str(&escape(text)),
        }
    }
}

/// What a certificate says, in a reader's terms.
#[derive(Debug, Clone)]
pub struct Summary {
    pub version: u32,
    /// `CN=localhost`
    pub subject: String,
    pub issuer: String,
    pub common_name: Option<String>,
    pub country: Option<String>,
    pub organisation: Option<String>,
    /// Upper-case hex.
    pub serial: String,
    pub names: Vec<Name>,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
    pub is_ca: bool,
    /// `ECDSA P-256`
    pub key: String,
    /// `ecdsa-with-SHA256`
    pub signature: String,
    pub key_usage: Vec<String>,
    pub extended_key_usage: Vec<String>,
    /// SHA-256 over the whole certificate, upper-case hex with colons.
    pub fingerprint: String,
}

/// Reads one certificate. Control characters in names are escaped, never printed raw.
///
/// # Errors
/// It is not DER as RFC 5280 4.1 has it.
pub fn summary(der: &CertificateDer<'_>) -> Result<Summary> {
    let certificate = parse(der)?;
    let names = certificate.subject_alternative_name().ok().flatten();
    Ok(Summary {
        version: certificate.version().0 + 1,
        subject: subject(certificate.subject()),
        issuer: subject(certificate.issuer()),
        common_name: first(certificate.subject().iter_common_name()),
        country: first(certificate.subject().iter_country()),
        organisation: first(certificate.subject().iter_organization()),
        serial: hex(certificate.raw_serial()),
        names: names.map(|san| san.value.general_names.iter().map(name).collect()).unwrap_or_default(),
        not_before: certificate.validity().not_before.to_datetime(),
        not_after: certificate.validity().not_after.to_datetime(),
        is_ca: certificate.is_ca(),
        key: public_key(certificate.public_key()),
        signature: algorithm(&certificate.signature_algorithm.algorithm),
        key_usage: certificate.key_usage().ok().flatten().map(|usage| key_usage(usage.value)).unwrap_or_default(),
        extended_key_usage: certificate
            .extended_key_usage()
            .ok()
            .flatten()
            .map(|usage| extended_key_usage(usage.value))
            .unwrap_or_default(),
        fingerprint: fingerprint(der),
    })
}

/// SHA-256 over a whole DER object, upper-case hex with colons, as browsers and OpenSSL show it.
pub fn fingerprint(der: &[u8]) -> String {
    colons(digest(&SHA256, der).as_ref())
}

/// Upper-case hex with colons.
pub fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":")
}

/// A date as people read it, in UTC: `2026-11-20 18:00:00 UTC`.
pub fn date(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC"))
        .unwrap_or_else(|_| time.to_string())
}

/// Text from a stranger, safe to print: see [`error::escape`].
pub fn escape(text: &str) -> String {
    error::escape(text)
}

/// A distinguished name in the order of its parts: `C=DE, O=Padlock, CN=alice`.
pub fn subject(name: &X509Name<'_>) -> String {
    let part = |attribute: &AttributeTypeAndValue<'_>| {
        let value = attribute.as_str().map(escape).unwrap_or_else(|_| format!("#{}", hex(attribute.as_slice())));
        format!("{}={}", attribute_name(&attribute.attr_type().to_id_string()), value.replace('\\', "\\\\").replace(',', "\\,"))
    };
    name.iter_attributes().map(part).collect::<Vec<_>>().join(", ")
}

/// The short names that RFC 4514 section 3 and OpenSSL give to the parts of a distinguished name.
fn attribute_name(oid: &str) -> &str {
    match oid {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        other => other,
    }
}

/// The first of a subject's parts of one kind, if it is text.
pub fn first<'a>(mut parts: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<String> {
    parts.next().and_then(|part| part.as_str().ok()).map(escape)
}

/// One entry of subjectAltName or of a name constraint.
pub fn name(general: &GeneralName<'_>) -> Name {
    match general {
        GeneralName::DNSName(text) => Name::Dns((*text).to_string()),
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(v4), _) => Name::Ip(v4.into()),
            (_, Ok(v6)) => Name::Ip(v6.into()),
            _ => Name::Other(subnet(bytes)),
        },
        GeneralName::RFC822Name(text) => Name::Other(format!("email:{text}")),
        GeneralName::URI(text) => Name::Other(format!("URI:{text}")),
        GeneralName::DirectoryName(name) => Name::Other(format!("dirName:{}", subject(name))),
        GeneralName::OtherName(oid, _) => Name::Other(format!("otherName:{}", oid.to_id_string())),
        GeneralName::RegisteredID(oid) => Name::Other(format!("RID:{}", oid.to_id_string())),
        GeneralName::X400Address(_) | GeneralName::EDIPartyName(_) | GeneralName::Invalid(..) => {
            Name::Other("a name that can't be read".into())
        }
    }
}

/// An address with its mask, as name constraints have it (RFC 5280 4.2.1.10): `IP:127.0.0.0/8`.
fn subnet(bytes: &[u8]) -> String {
    let (address, mask) = bytes.split_at(bytes.len() / 2);
    let bits = mask.iter().map(|b| b.leading_ones()).sum::<u32>();
    let whole = mask.iter().map(|b| b.count_ones()).sum::<u32>() == bits;
    match (<[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
        (Ok(v4), _) if whole => format!("IP:{}/{bits}", IpAddr::from(v4)),
        (_, Ok(v6)) if whole => format!("IP:{}/{bits}", IpAddr::from(v6)),
        _ => format!("IP:#{}", hex(bytes)),
    }
}

/// `ECDSA P-256`, `RSA 2048`, `Ed25519`.
pub fn public_key(key: &SubjectPublicKeyInfo<'_>) -> String {
    let curve = key.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok()).map(|oid| oid.to_id_string());
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", bits(rsa.modulus)),
        _ => named(&key.algorithm.algorithm.to_id_string(), curve.as_deref()),
    }
}

/// The name of a signature algorithm as RFCs write it; its number when nobody has named it.
pub fn algorithm(oid: &x509_parser::oid_registry::Oid<'_>) -> String {
    match oid.to_id_string().as_str() {
        "1.3.101.112" => "Ed25519".into(),
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256".into(),
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384".into(),
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512".into(),
        "1.2.840.113549.1.1.10" => "rsassaPss".into(),
        _ => format_oid(oid, &OidRegistry::default().with_all_crypto()),
    }
}

/// The bits of keyUsage by name (RFC 5280 4.2.1.3).
pub fn key_usage(usage: &KeyUsage) -> Vec<String> {
    let bits = [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "contentCommitment"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ];
    bits.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_string()).collect()
}

/// The purposes of extKeyUsage by name (RFC 5280 4.2.1.12).
pub fn extended_key_usage(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let named = known.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_string());
    named.chain(usage.other.iter().map(|oid| oid.to_id_string())).collect()
}

/// The name of an extension as RFC 5280 4.2 writes it; its number when nobody has named it.
pub fn extension_name(oid: &x509_parser::oid_registry::Oid<'_>) -> String {
    let number = oid.to_id_string();
    let name = match number.as_str() {
        "2.5.29.14" => "subjectKeyIdentifier",
        "2.5.29.15" => "keyUsage",
        "2.5.29.17" => "subjectAltName",
        "2.5.29.18" => "issuerAltName",
        "2.5.29.19" => "basicConstraints",
        "2.5.29.20" => "cRLNumber",
        "2.5.29.21" => "reasonCode",
        "2.5.29.24" => "invalidityDate",
        "2.5.29.28" => "issuingDistributionPoint",
        "2.5.29.30" => "nameConstraints",
        "2.5.29.31" => "cRLDistributionPoints",
        "2.5.29.32" => "certificatePolicies",
        "2.5.29.35" => "authorityKeyIdentifier",
        "2.5.29.36" => "policyConstraints",
        "2.5.29.37" => "extKeyUsage",
        "1.3.6.1.5.5.7.1.1" => "authorityInfoAccess",
        "1.3.6.1.5.5.7.1.24" => "TLSFeature",
        "1.3.6.1.4.1.11129.2.4.2" => "signedCertificateTimestampList",
        _ => return number,
    };
    name.into()
}
