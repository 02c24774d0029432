//! A private key as it lies in a file: its form, its kind, and whose it is. Also of keys that nothing here would use.

use super::{Key, SHORTEST_RSA, bits};
use crate::error::{Error, exit};
use rustls::pki_types::PrivateKeyDer;
use std::path::Path;
use x509_parser::asn1_rs::{Any, FromDer, Oid, Sequence, Tag};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Which of the three plain forms it has: `PKCS#8`, `PKCS#1`, `SEC1`.
pub fn form(key: &PrivateKeyDer<'_>) -> &'static str {
    match key {
        PrivateKeyDer::Pkcs8(_) => "PKCS#8",
        PrivateKeyDer::Pkcs1(_) => "PKCS#1",
        PrivateKeyDer::Sec1(_) => "SEC1",
        _ => "of an unknown form",
    }
}

/// `RSA 2048`, `ECDSA P-256`, as far as its bytes tell.
pub fn kind(key: &PrivateKeyDer<'_>) -> Option<String> {
    if let Some(modulus) = modulus(key) {
        return Some(format!("RSA {}", bits(&modulus)));
    }
    let (algorithm, curve) = match key {
        // PrivateKeyInfo: version, algorithm, key (RFC 5958 2).
        PrivateKeyDer::Pkcs8(der) => {
            let parts = sequence(der.secret_pkcs8_der())?;
            let parts = parts_of(parts.get(1)?)?;
            (
                parts.first()?.clone().oid().ok()?.to_id_string(),
                parts.get(1).and_then(|curve| curve.clone().oid().ok()).map(|oid| oid.to_id_string()),
            )
        }
        PrivateKeyDer::Sec1(_) => (EC.to_string(), sec1_part(key, 0).and_then(|curve| oid(&curve))),
        _ => return None,
    };
    Some(named(&algorithm, curve.as_deref()))
}

/// id-ecPublicKey (RFC 5480 2.1.1).
const EC: &str = "1.2.840.10045.2.1";

/// `ECDSA P-256`, `Ed25519`: the name of a kind of key by the numbers of its algorithm and its curve.
pub fn named(algorithm: &str, curve: Option<&str>) -> String {
    match (algorithm, curve) {
        (EC, Some("1.2.840.10045.3.1.7")) => "ECDSA P-256".into(),
        (EC, Some("1.3.132.0.34")) => "ECDSA P-384".into(),
        (EC, Some("1.3.132.0.35")) => "ECDSA P-521".into(),
        (EC, Some("1.3.132.0.10")) => "ECDSA secp256k1".into(),
        (EC, Some("1.3.132.0.33")) => "ECDSA P-224".into(),
        (EC, Some("1.2.840.10045.3.1.1")) => "ECDSA P-192".into(),
        (EC, Some(other)) => format!("ECDSA on curve {other}"),
        (EC, None) => "ECDSA on a curve of its own".into(),
        ("1.3.101.112", _) => "Ed25519".into(),
        ("1.3.101.113", _) => "Ed448".into(),
        ("1.3.101.110" | "1.3.101.111", _) => "X25519 or X448, which can't sign".into(),
        ("1.2.840.10040.4.1", _) => "DSA".into(),
        ("1.2.840.113549.1.1.1", _) => "RSA".into(),
        ("1.2.840.113549.1.1.10", _) => "RSA-PSS".into(),
        (other, _) => format!("a key of kind {other}"),
    }
}

/// Whether `public` is this key's other half. None: nothing here can tell.
pub fn belongs(key: &PrivateKeyDer<'_>, public: &SubjectPublicKeyInfo<'_>) -> Option<bool> {
    if let Ok(usable) = Key::try_from(key) {
        return Some(usable.public() == public.raw);
    }
    if let Some(modulus) = modulus(key) {
        return Some(matches!(public.parsed(), Ok(PublicKey::RSA(rsa)) if digits(rsa.modulus) == digits(&modulus)));
    }
    let point = sec1_part(key, 1)?;
    let (_, bits) = x509_parser::asn1_rs::BitString::from_der(&point).ok()?;
    Some(bits.data == public.subject_public_key.data)
}

/// A private key that could be read but not used: too short, or of an unknown kind.
pub fn unusable(file: &Path, key: &PrivateKeyDer<'_>) -> Error {
    let shown = file.display();
    let error = weak(kind(key).as_deref().unwrap_or_default(), &format!("{shown} is"), "a private key").unwrap_or_else(|| {
        Error::new("key-kind", format!("{shown} is a private key of a kind that this lab can't use"))
            .hint(format!("make another: ./ca key {shown}.new"))
    });
    error.exit(exit::OWN_CERTIFICATE).in_file(file)
}

/// Why a key of this kind, as [`named`] and [`kind`] say it, is not taken by others. `whose` begins the sentence.
pub fn weak(kind: &str, whose: &str, what: &str) -> Option<Error> {
    const INSTEAD: &str = "make another: ./ca key NEW.key; with openssl: genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256";
    if let Some(bits) = kind.strip_prefix("RSA ").and_then(|bits| bits.parse::<u32>().ok()) {
        return (bits < SHORTEST_RSA).then(|| {
            Error::new("key-too-short", format!("{whose} an RSA key of {bits} bits; TLS libraries refuse fewer than {SHORTEST_RSA}"))
                .hint(format!("{INSTEAD}, or genrsa -out NEW.key {SHORTEST_RSA}"))
        });
    }
    let taken = ["ECDSA P-256", "ECDSA P-384", "ECDSA P-521", "Ed25519"];
    (!kind.is_empty() && !taken.contains(&kind))
        .then(|| Error::new("key-kind", format!("{whose} {what} of a kind that hardly anybody takes in TLS: {kind}")).hint(INSTEAD))
}

/// The modulus, if it is an RSA key and can be read.
fn modulus(key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    let pkcs1 = match key {
        // PKCS#8 wraps PKCS#1 in an OCTET STRING.
        PrivateKeyDer::Pkcs8(der) => inner(der.secret_pkcs8_der())?,
        PrivateKeyDer::Pkcs1(der) => der.secret_pkcs1_der().to_vec(),
        _ => return None,
    };
    // RSAPrivateKey: version, modulus, publicExponent and six more (RFC 8017 A.1.2).
    let parts = sequence(&pkcs1)?;
    parts.get(1).filter(|part| parts.len() >= 9 && part.tag() == Tag::Integer).map(|part| part.data.to_vec())
}

/// `[0]` or `[1]` of ECPrivateKey, which are its curve and its public point (RFC 5915 3), as DER.
fn sec1_part(key: &PrivateKeyDer<'_>, wanted: u32) -> Option<Vec<u8>> {
    let sec1 = match key {
        PrivateKeyDer::Pkcs8(der) => inner(der.secret_pkcs8_der())?,
        PrivateKeyDer::Sec1(der) => der.secret_sec1_der().to_vec(),
        _ => return None,
    };
    let parts = sequence(&sec1)?;
    parts.iter().skip(2).find(|part| part.header.is_contextspecific() && part.tag().0 == wanted).map(|part| part.data.to_vec())
}

/// What PKCS#8 wraps.
fn inner(pkcs8: &[u8]) -> Option<Vec<u8>> {
    sequence(pkcs8)?.get(2).filter(|part| part.tag() == Tag::OctetString).map(|part| part.data.to_vec())
}

fn oid(der: &[u8]) -> Option<String> {
    Oid::from_der(der).ok().map(|(_, oid)| oid.to_id_string())
}

/// A number without the zero byte that stands for its sign.
fn digits(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[start..]
}

/// The parts of a DER SEQUENCE that fills `der` to its end.
pub(super) fn sequence(der: &[u8]) -> Option<Vec<Any<'_>>> {
    let (rest, sequence) = Sequence::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    match sequence.content {
        std::borrow::Cow::Borrowed(content) => all(content),
        std::borrow::Cow::Owned(_) => None,
    }
}

fn parts_of<'a>(part: &Any<'a>) -> Option<Vec<Any<'a>>> {
    if part.tag() == Tag::Sequence { all(part.data) } else { None }
}

fn all(mut rest: &[u8]) -> Option<Vec<Any<'_>>> {
    /// None of the objects looked into has more; a hostile one may have millions.
    const PARTS: usize = 32;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        if parts.len() == PARTS {
            return None;
        }
        let (more, part) = Any::from_der(rest).ok()?;
        parts.push(part);
        rest = more;
    }
    Some(parts)
}
