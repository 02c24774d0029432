//! PEM (RFC 7468): DER in base64 between `-----BEGIN` and `-----END` lines. All PEM is read here, and nowhere else is
//! rustls-pemfile named.

use super::what::{What, what};
use crate::error::{Error, Result};
use crate::file;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, CertificateSigningRequestDer, PrivateKeyDer, SubjectPublicKeyInfoDer,
};
use std::path::Path;

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

    /// The same again. A private key is copied only on purpose, so this is no `Clone`.
    pub fn copy(&self) -> Item {
        match self {
            Item::Certificate(der) => Item::Certificate(der.clone()),
            Item::Key(key) => Item::Key(key.clone_key()),
            Item::PublicKey(der) => Item::PublicKey(der.clone()),
            Item::Request(der) => Item::Request(der.clone()),
            Item::Crl(der) => Item::Crl(der.clone()),
        }
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
/// The file can't be read, or holds no PEM that can be used: the error says what it is instead.
pub fn read(file: &Path) -> Result<Vec<Item>> {
    parse(&file::read(file)?, file)
}

/// As [`read`], from memory; `file` is what errors call it.
///
/// # Errors
/// `bytes` hold no PEM that can be used.
pub fn parse(bytes: &[u8], file: &Path) -> Result<Vec<Item>> {
    match what(bytes) {
        What::Pem(items) => Ok(items),
        other => Err(other.refused(file)),
    }
}

/// As [`parse`], and takes DER as well: then it is one object.
///
/// # Errors
/// As [`parse`].
pub fn either(bytes: &[u8], file: &Path) -> Result<Vec<Item>> {
    match what(bytes) {
        What::Pem(items) => Ok(items),
        What::Der(item) => Ok(vec![item]),
        other => Err(other.refused(file)),
    }
}

/// The objects between PEM lines that can be used. None: what stands there is no base64, or breaks off.
pub(super) fn items(bytes: &[u8]) -> Option<Vec<Item>> {
    rustls_pemfile::read_all(&mut &bytes[..])
        .map(|item| item.map(known))
        .filter_map(std::io::Result::transpose)
        .collect::<Result<_, _>>()
        .ok()
}

/// Every revocation list in `bytes`, in PEM or alone in DER, as authorities publish them (RFC 5280 4.2.1.13); at least one.
///
/// # Errors
/// `bytes` hold none: the error says what they hold instead.
pub fn lists(bytes: &[u8], file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let items = either(bytes, file)?;
    let found = names(&items);
    let lists: Vec<_> = items.into_iter().filter_map(|item| if let Item::Crl(list) = item { Some(list) } else { None }).collect();
    if lists.is_empty() {
        return Err(Error::new("not-a-crl", format!("{} holds {found}, not a revocation list", file.display()))
            .hint("name the .crl file, for example certs/crl/intermediate.crl")
            .in_file(file));
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
