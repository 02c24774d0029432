//! What a file *is*, whatever its name says: the one place that tells.

use super::pem::{self, Item};
use super::secret::sequence;
use crate::error::{Error, printable};
use rustls::pki_types::PrivateKeyDer;
use std::path::Path;
use x509_parser::asn1_rs::{Any, FromDer, Tag};
use x509_parser::prelude::{CertificateRevocationList, X509Certificate, X509CertificationRequest};
use x509_parser::x509::SubjectPublicKeyInfo;

/// What a file is.
#[derive(Debug, PartialEq)]
pub enum What {
    /// PEM (RFC 7468): these objects, in their order; at least one.
    Pem(Vec<Item>),
    /// The bytes of one object, without base64 around them.
    Der(Item),
    /// Nothing, or nothing but blanks.
    Empty,
    /// A byte order mark, which some editors put in front, and then PEM.
    ByteOrderMark,
    Utf16,
    /// A private key under a passphrase: PKCS#8 (RFC 5958 3) or the older way of OpenSSL, a header in the PEM.
    Locked(Lock),
    OpenSsh,
    /// Key and certificates together, most often under a passphrase (RFC 7292).
    Pkcs12,
    /// Certificates in a signed message that says nothing (RFC 2315), as Windows hands out chains.
    Pkcs7 {
        in_pem: bool,
    },
    /// PEM lines with something between them that is of no use here: its label.
    OtherPem(String),
    /// PEM lines, broken: at which line.
    Damaged(usize),
    /// A page of HTML: most often the error page of a download.
    Html,
    Unknown,
}

/// How a key is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    Pkcs8,
    Pkcs8InDer,
    ProcType,
}

/// Says what these bytes are. Takes a time in proportion to their number.
pub fn what(bytes: &[u8]) -> What {
    let has = |text: &str| contains(bytes, text.as_bytes());
    if bytes.iter().all(u8::is_ascii_whitespace) {
        What::Empty
    } else if bytes.starts_with(MARK) {
        What::ByteOrderMark
    } else if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        What::Utf16
    } else if has("-----BEGIN ") {
        in_pem(bytes, &has)
    } else {
        in_der(bytes)
    }
}

/// UTF-8's byte order mark.
pub const MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

fn in_pem(bytes: &[u8], has: &impl Fn(&str) -> bool) -> What {
    match pem::items(bytes) {
        Some(items) if !items.is_empty() => What::Pem(items),
        _ if has("BEGIN ENCRYPTED PRIVATE KEY") => What::Locked(Lock::Pkcs8),
        _ if has("Proc-Type: 4,ENCRYPTED") => What::Locked(Lock::ProcType),
        _ if has("BEGIN OPENSSH PRIVATE KEY") => What::OpenSsh,
        _ if has("BEGIN PKCS7") || has("BEGIN CMS") => What::Pkcs7 { in_pem: true },
        Some(_) => What::OtherPem(label(bytes)),
        None => What::Damaged(broken_line(bytes)),
    }
}

/// What the first BEGIN line names.
fn label(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let label = text.split("-----BEGIN ").nth(1).and_then(|rest| rest.split("-----").next()).unwrap_or_default();
    printable(label)
}

/// The line at which PEM stops being PEM, from 1: one that is no base64, or a BEGIN without its END.
fn broken_line(bytes: &[u8]) -> usize {
    let base64 = |line: &[u8]| line.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/= \t\r".contains(byte));
    let mut begun = None;
    for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        match begun {
            _ if line.starts_with(b"-----BEGIN ") => {
                if let Some(unfinished) = begun.replace(place + 1) {
                    return unfinished;
                }
            }
            Some(_) if line.starts_with(b"-----END ") => begun = None,
            Some(_) if !base64(line) => return place + 1,
            _ => {}
        }
    }
    begun.unwrap_or(1)
}

/// A file without any PEM: is it DER, the same objects without base64?
fn in_der(bytes: &[u8]) -> What {
    let owned = || bytes.to_vec();
    if matches!(X509Certificate::from_der(bytes), Ok(([], _))) {
        return What::Der(Item::Certificate(owned().into()));
    }
    if matches!(X509CertificationRequest::from_der(bytes), Ok(([], _))) {
        return What::Der(Item::Request(owned().into()));
    }
    if matches!(CertificateRevocationList::from_der(bytes), Ok(([], _))) {
        return What::Der(Item::Crl(owned().into()));
    }
    let parts = sequence(bytes).unwrap_or_default();
    match parts.iter().map(Any::tag).collect::<Vec<_>>()[..] {
        // PFX: version 3, a SEQUENCE, and most often a MAC (RFC 7292 4). PKCS#8's third part is an OCTET STRING.
        [Tag::Integer, Tag::Sequence] | [Tag::Integer, Tag::Sequence, Tag::Sequence] => What::Pkcs12,
        // EncryptedPrivateKeyInfo: algorithm, then the locked key (RFC 5958 3).
        [Tag::Sequence, Tag::OctetString] => What::Locked(Lock::Pkcs8InDer),
        // ContentInfo: its kind by number, then the content (RFC 2315 7).
        [Tag::Oid, _] => What::Pkcs7 { in_pem: false },
        _ if matches!(SubjectPublicKeyInfo::from_der(bytes), Ok(([], _))) => What::Der(Item::PublicKey(owned().into())),
        _ if bytes.trim_ascii_start().starts_with(b"<") && contains(bytes, b"html") => What::Html,
        _ => PrivateKeyDer::try_from(bytes).map_or(What::Unknown, |key| What::Der(Item::Key(key.clone_key()))),
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

impl What {
    /// Stable and short, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            What::Pem(_) => "pem",
            What::Der(_) => "der",
            What::Empty => "empty",
            What::ByteOrderMark => "byte-order-mark",
            What::Utf16 => "utf-16",
            What::Locked(_) => "locked",
            What::OpenSsh => "openssh",
            What::Pkcs12 => "pkcs12",
            What::Pkcs7 { .. } => "pkcs7",
            What::OtherPem(_) => "other-pem",
            What::Damaged(_) => "damaged",
            What::Html => "html",
            What::Unknown => "unknown",
        }
    }

    /// In words, after "it is": `a private key locked with a passphrase`.
    pub fn is(&self) -> String {
        match self {
            What::Pem(items) => format!("{} in PEM", pem::names(items)),
            What::Der(item) => format!("{} in DER, not in PEM", pem::names(std::slice::from_ref(item))),
            What::Empty => "empty".into(),
            What::ByteOrderMark => "PEM behind a byte order mark, so its first line is not a PEM line".into(),
            What::Utf16 => "in UTF-16; PEM is plain ASCII".into(),
            What::Locked(Lock::Pkcs8) => "a private key locked with a passphrase (PKCS#8)".into(),
            What::Locked(Lock::Pkcs8InDer) => "a private key in DER, locked with a passphrase (PKCS#8)".into(),
            What::Locked(Lock::ProcType) => "a private key locked with a passphrase (Proc-Type: 4,ENCRYPTED)".into(),
            What::OpenSsh => "a key of OpenSSH, which has a format of its own".into(),
            What::Pkcs12 => "a PKCS#12 bundle (.p12, .pfx)".into(),
            What::Pkcs7 { in_pem: true } => "a PKCS#7 bundle (.p7b)".into(),
            What::Pkcs7 { in_pem: false } => "a PKCS#7 bundle (.p7b, .p7c) in DER".into(),
            What::OtherPem(label) => format!("PEM of a kind that is of no use here: {label}"),
            What::Damaged(line) => format!("damaged PEM: it breaks off, or is no base64, at line {line}"),
            What::Html => "a page of HTML, perhaps what a download got instead".into(),
            What::Unknown => "neither PEM nor DER".into(),
        }
    }

    /// How to make something of `file` that can be used here: what to type.
    pub fn cure(&self, file: &Path) -> String {
        let f = file.display();
        match self {
            What::Pem(_) => format!("to see what is in it: ./ca show {f}"),
            What::Der(item) => format!("convert it: openssl {} -inform der -in {f} -out {f}.pem", verb(item)),
            What::Empty => "the program that should have written it failed; make it again".into(),
            What::ByteOrderMark => format!("remove the mark: sed -i '1s/^\\xEF\\xBB\\xBF//' {f}"),
            What::Utf16 => format!("convert it: iconv -f UTF-16 -t ASCII {f} > {f}.pem"),
            What::Locked(Lock::Pkcs8InDer) => format!("unlock a copy: (umask 077; openssl pkey -inform der -in {f} -out {f}.pem)"),
            What::Locked(_) => format!("unlock a copy: (umask 077; openssl pkey -in {f} -out {f}.plain)"),
            What::OpenSsh => format!("convert a copy: ssh-keygen -p -N '' -m PKCS8 -f {f}"),
            What::Pkcs12 => format!("take it apart: (umask 077; openssl pkcs12 -in {f} -noenc -out {f}.pem)"),
            What::Pkcs7 { in_pem: true } => format!("take it apart: openssl pkcs7 -in {f} -print_certs -out {f}.pem"),
            What::Pkcs7 { in_pem: false } => format!("take it apart: openssl pkcs7 -inform der -in {f} -print_certs -out {f}.pem"),
            What::OtherPem(_) => "name the file of the certificate, or of the key".into(),
            What::Damaged(_) => "copy it again, whole: each BEGIN line needs its END line and base64 between them".into(),
            What::Html => "open it in a browser to see what went wrong, then download the file itself".into(),
            What::Unknown => format!("check the file's name; to see what it is: file {f}"),
        }
    }

    /// As an error about `file`, which should have been PEM.
    pub fn refused(&self, file: &Path) -> Error {
        Error::new("not-pem", format!("{} is {}", file.display(), self.is())).hint(self.cure(file)).in_file(file)
    }
}

/// The command of OpenSSL that reads such an object.
fn verb(item: &Item) -> &'static str {
    match item {
        Item::Certificate(_) => "x509",
        Item::Key(_) => "pkey",
        Item::PublicKey(_) => "pkey -pubin",
        Item::Request(_) => "req",
        Item::Crl(_) => "crl",
    }
}
