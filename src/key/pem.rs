//! PEM (RFC 7468): DER in base64 between `-----BEGIN` and `-----END` lines. All PEM is read here, and nowhere else is
//! rustls-pemfile named. When a file is not what was hoped for, the error says what it *is* and how to convert it.

use crate::error::{Error, Result};
use crate::file;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, CertificateSigningRequestDer, PrivateKeyDer, SubjectPublicKeyInfoDer,
};
use std::path::Path;
use x509_parser::asn1_rs::{Any, FromDer, Sequence, Tag};
use x509_parser::prelude::{CertificateRevocationList, X509Certificate, X509CertificationRequest};

/// One object of a PEM file.
#[derive(Debug, PartialEq)]
pub enum Item {
    Certificate(CertificateDer<'static>),
    Key(PrivateKeyDer<'static>),
    PublicKey(SubjectPublicKeyInfoDer<'static>),
    Request(CertificateSigningRequestDer<'static>),
    Crl(CertificateRevocationListDer<'static>),
}

impl Item {
    /// The private key, if it is one.
    pub fn into_key(self) -> Option<PrivateKeyDer<'static>> {
        if let Item::Key(key) = self { Some(key) } else { None }
    }

    /// The certificate, if it is one.
    pub fn into_certificate(self) -> Option<CertificateDer<'static>> {
        if let Item::Certificate(certificate) = self { Some(certificate) } else { None }
    }

    fn name(&self) -> &'static str {
        match self {
            Item::Certificate(_) => "a certificate",
            Item::Key(_) => "a private key",
            Item::PublicKey(_) => "a public key",
            Item::Request(_) => "a certificate request",
            Item::Crl(_) => "a revocation list",
        }
    }
}

/// A certificate as text.
pub fn certificate(der: &[u8]) -> String {
    ::pem::encode_config(&::pem::Pem::new("CERTIFICATE", der), ::pem::EncodeConfig::new().set_line_ending(::pem::LineEnding::LF))
}

/// What `items` are, for an error: `a certificate and a private key`.
pub fn names(items: &[Item]) -> String {
    let mut names: Vec<_> = items.iter().map(Item::name).collect();
    names.dedup();
    names.join(" and ")
}

/// Every object of a PEM file, in order; at least one.
///
/// # Errors
/// The file can't be read, or holds no PEM that can be used.
pub fn read(file: &Path) -> Result<Vec<Item>> {
    parse(&file::read(file)?, file)
}

/// As [`read`], from memory; `file` is what errors call it.
///
/// # Errors
/// `bytes` hold no PEM that can be used.
pub fn parse(bytes: &[u8], file: &Path) -> Result<Vec<Item>> {
    let items = rustls_pemfile::read_all(&mut &bytes[..]).map(|item| item.map(known)).collect::<std::io::Result<Vec<_>>>();
    let items: Vec<Item> = items.map_err(|_| odd(bytes, file))?.into_iter().flatten().collect();
    if items.is_empty() { Err(odd(bytes, file)) } else { Ok(items) }
}

/// Every revocation list in `bytes`, in PEM or alone in DER, as authorities publish them (RFC 5280 4.2.1.13); at least one.
///
/// # Errors
/// `bytes` hold none: the error says what they hold instead.
pub fn lists(bytes: &[u8], file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    if matches!(CertificateRevocationList::from_der(bytes), Ok(([], _))) {
        return Ok(vec![bytes.to_vec().into()]);
    }
    let items = parse(bytes, file)?;
    let found = names(&items);
    let lists: Vec<_> = items.into_iter().filter_map(|item| if let Item::Crl(list) = item { Some(list) } else { None }).collect();
    if lists.is_empty() {
        return Err(Error::new("not-a-crl", format!("{} holds {found}, not a revocation list", file.display()))
            .hint("name the .crl file, for example certs/crl/intermediate.crl"));
    }
    Ok(lists)
}

fn known(item: rustls_pemfile::Item) -> Option<Item> {
    Some(match item {
        rustls_pemfile::Item::X509Certificate(der) => Item::Certificate(der),
        rustls_pemfile::Item::Pkcs1Key(der) => Item::Key(der.into()),
        rustls_pemfile::Item::Pkcs8Key(der) => Item::Key(der.into()),
        rustls_pemfile::Item::Sec1Key(der) => Item::Key(der.into()),
        rustls_pemfile::Item::SubjectPublicKeyInfo(der) => Item::PublicKey(der),
        rustls_pemfile::Item::Csr(der) => Item::Request(der),
        rustls_pemfile::Item::Crl(der) => Item::Crl(der),
        _ => return None,
    })
}

/// A private key that could be read but not used: too short, or of an unknown kind.
pub fn unusable(file: &Path, key: &PrivateKeyDer<'_>) -> Error {
    let shown = file.display();
    let error = match rsa_bits(key) {
        Some(bits) => Error::new("key-too-short", format!("{shown} is an RSA key of {bits} bits; TLS libraries refuse fewer than 2048")),
        None => Error::new("key-kind", format!("{shown} is a private key of a kind that this lab can't use")),
    };
    error.hint(format!("make another: ./ca key {shown}.new")).exit(crate::error::exit::OWN_CERTIFICATE)
}

/// The length of an RSA key's modulus, if it is an RSA key and can be read.
fn rsa_bits(key: &PrivateKeyDer<'_>) -> Option<usize> {
    // PKCS#8 wraps PKCS#1 in an OCTET STRING: version, algorithm, key (RFC 5958 2).
    let pkcs1 = match key {
        PrivateKeyDer::Pkcs8(der) => {
            let parts = sequence(der.secret_pkcs8_der())?;
            parts.get(2).filter(|part| part.tag() == Tag::OctetString)?.data.to_vec()
        }
        PrivateKeyDer::Pkcs1(der) => der.secret_pkcs1_der().to_vec(),
        _ => return None,
    };
    // RSAPrivateKey: version, modulus, publicExponent and six more (RFC 8017 A.1.2).
    let parts = sequence(&pkcs1)?;
    let modulus = parts.get(1).filter(|part| parts.len() >= 9 && part.tag() == Tag::Integer)?.data;
    Some(super::bits(modulus))
}

/// The parts of a DER SEQUENCE that fills `der` to its end.
fn sequence(der: &[u8]) -> Option<Vec<Any<'_>>> {
    let (rest, sequence) = Sequence::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let content = match sequence.content {
        std::borrow::Cow::Borrowed(content) => content,
        std::borrow::Cow::Owned(_) => return None,
    };
    let (mut rest, mut parts) = (content, Vec::new());
    while !rest.is_empty() {
        let (more, part) = Any::from_der(rest).ok()?;
        parts.push(part);
        rest = more;
    }
    Some(parts)
}

/// Says what a file without usable PEM is, and how to make something of it.
fn odd(bytes: &[u8], file: &Path) -> Error {
    let f = file.display();
    let has = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    let (what, hint) = if bytes.iter().all(u8::is_ascii_whitespace) {
        ("is empty".into(), "the program that should have written it failed; make it again".into())
    } else if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        (
            "begins with a byte order mark, so its first line is not a PEM line".into(),
            format!("remove the mark: sed -i '1s/^\\xEF\\xBB\\xBF//' {f}"),
        )
    } else if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        ("is in UTF-16; PEM is plain ASCII".into(), format!("convert it: iconv -f UTF-16 -t ASCII {f} > {f}.pem"))
    } else if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
        ("is a private key locked with a passphrase".into(), format!("unlock a copy: (umask 077; openssl pkey -in {f} -out {f}.plain)"))
    } else if has("BEGIN OPENSSH PRIVATE KEY") {
        ("is a key of OpenSSH, which has a format of its own".into(), format!("convert a copy: ssh-keygen -p -N '' -m PKCS8 -f {f}"))
    } else if has("-----BEGIN ") {
        (
            "has PEM lines, but what stands between them is damaged or of another kind".into(),
            "copy it again, whole: each BEGIN line needs its END line and base64 between them".to_string(),
        )
    } else {
        binary(bytes, &f.to_string())
    };
    Error::new("not-pem", format!("{f} {what}")).hint(hint)
}

/// A file without any PEM: is it DER (the same objects without base64), or PKCS#12?
fn binary(bytes: &[u8], f: &str) -> (String, String) {
    let convert = |what: &str, verb: &str| {
        (format!("is {what} in DER, not in PEM"), format!("convert it: openssl {verb} -inform der -in {f} -out {f}.pem"))
    };
    if X509Certificate::from_der(bytes).is_ok() {
        return convert("a certificate", "x509");
    }
    if X509CertificationRequest::from_der(bytes).is_ok() {
        return convert("a certificate request", "req");
    }
    if CertificateRevocationList::from_der(bytes).is_ok() {
        return convert("a revocation list", "crl");
    }
    let tags = sequence(bytes).unwrap_or_default().iter().map(Any::tag).collect::<Vec<_>>();
    match tags[..] {
        // PFX: version 3, a SEQUENCE, and most often a MAC (RFC 7292 4). PKCS#8's third part is an OCTET STRING.
        [Tag::Integer, Tag::Sequence] | [Tag::Integer, Tag::Sequence, Tag::Sequence] => {
            ("is a PKCS#12 bundle (.p12, .pfx)".into(), format!("take it apart: (umask 077; openssl pkcs12 -in {f} -noenc -out {f}.pem)"))
        }
        // EncryptedPrivateKeyInfo: algorithm, then the locked key (RFC 5958 3).
        [Tag::Sequence, Tag::OctetString] => (
            "is a private key in DER, locked with a passphrase".into(),
            format!("unlock a copy: (umask 077; openssl pkey -inform der -in {f} -out {f}.pem)"),
        ),
        _ if PrivateKeyDer::try_from(bytes).is_ok() => convert("a private key", "pkey"),
        _ => ("is neither PEM nor DER".into(), format!("check the file's name; to see what it is: file {f}")),
    }
}
