//! The gallery: certificates that are wrong, each in one way, for names of their own below `localhost`. A refusal is best learned
//! from the thing itself.
//!
//! They are signed by an authority of their own below the root, so that the lab's intermediate never signs what it should not.
//! Its key is thrown away as soon as they are made, and all of them are worth nothing outside of this machine.

use super::{Places, issuer};
use crate::certificate::{RENEW_WITHIN, load_chain, parse};
use crate::error::{Error, Result};
use crate::key::{Kind, pem};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use time::OffsetDateTime;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

mod bench;
mod edit;
mod entries;
mod wrong;

pub use bench::make;
pub use entries::ENTRIES;

/// One name of the gallery: `https://NAME.localhost:1234/`.
pub struct Entry {
    /// What stands before `.localhost`.
    pub name: &'static str,
    /// What is wrong, or not.
    pub what: &'static str,
    /// The code of our client's refusal. None: it takes it.
    pub code: Option<&'static str>,
    /// Where that is written: `RFC 5280 4.1.2.5`.
    pub rfc: &'static str,
    /// The kind of the key that the server signs the handshake with.
    pub key: Kind,
    /// What the server does in the handshake besides showing the certificate.
    pub manner: Manner,
    make: wrong::Make,
}

/// What is unusual about a handshake whatever the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As everywhere here: TLS 1.3, no client certificate, http/1.1.
    Usual,
    /// TLS 1.2 and nothing else.
    Tls12,
    /// By ALPN it speaks what no client has heard of.
    OtherProtocol,
    /// It asks for a client certificate, and goes on without.
    Asks,
    /// It insists on a client certificate.
    Requires,
}

/// The protocol of [`Manner::OtherProtocol`].
pub const OTHER_PROTOCOL: &str = "padlock-gallery";

impl Entry {
    /// `expired.localhost`.
    pub fn host(&self) -> String {
        format!("{}.localhost", self.name)
    }

    /// The entry of a host name, if it is one of the gallery's.
    pub fn of_host(host: &str) -> Option<&'static Entry> {
        let name = host.strip_suffix(".localhost")?;
        ENTRIES.iter().find(|entry| entry.name == name)
    }

    /// (chain, key) as the server shows them: `gallery/NAME.pem`, `gallery/keys/KIND.key`.
    pub fn files(&self, places: &Places) -> (PathBuf, PathBuf) {
        (places.gallery().join(format!("{}.pem", self.name)), key_file(places, self.key))
    }
}

/// Keys are shared: what is wrong is never the key, and making one of RSA takes long.
fn key_file(places: &Places, kind: Kind) -> PathBuf {
    places.gallery().join(format!("keys/{}.key", kind.to_string().replace(':', "")))
}

/// What takes back the entry `revoked`, signed by the gallery's authority. Made last: when it is there, all are.
pub fn list(places: &Places) -> PathBuf {
    places.gallery().join("revoked.crl")
}

/// The certificate of the authority that has signed most of it, kept by itself so that a refusal can name it.
pub fn authority(places: &Places) -> PathBuf {
    places.gallery().join("authority.crt")
}

/// Says why the gallery has to be made again, or nothing when it is still good. What must be wrong with an entry stays wrong;
/// what rots is what must be right, and the list does so first.
///
/// # Errors
/// The root's certificate can't be read.
pub(super) fn due(places: &Places) -> Result<Option<&'static str>> {
    if ENTRIES.iter().any(|entry| !entry.files(places).0.exists() || !entry.files(places).1.exists()) {
        return Ok(Some("a part of it is missing"));
    }
    let root = load_chain(&places.root_certificate())?.swap_remove(0);
    let Ok(own) = load_chain(&authority(places)) else { return Ok(Some("it can't be read")) };
    let (root, own) = (parse(&root)?, parse(&own[0])?);
    if own.verify_signature(Some(root.public_key())).is_err() {
        return Ok(Some("the authority was made again since"));
    }
    let items = pem::read(&list(places)).unwrap_or_default();
    let Some(pem::Item::Crl(der)) = items.first() else { return Ok(Some("it can't be read")) };
    let Ok((_, revoked)) = CertificateRevocationList::from_der(der) else { return Ok(Some("it can't be read")) };
    if revoked.verify_signature(own.public_key()).is_err() {
        return Ok(Some("it was not made to its end"));
    }
    let end = revoked.next_update().map(|next| next.to_datetime());
    Ok(end.filter(|end| *end - OffsetDateTime::now_utc() < RENEW_WITHIN).map(|_| "it ends within 7 days"))
}

/// What names the key of an authority: its subjectKeyIdentifier.
fn identifier(certificate: &CertificateDer<'_>) -> Result<Vec<u8>> {
    issuer::key_identifier(&parse(certificate)?).ok_or_else(|| Error::new("gallery", "the gallery's authority has no subjectKeyIdentifier"))
}
