//! Certificates that their authority took back: the lists that we go by (RFC 5280 5, 6.3).
//!
//! Only the certificate at the end of a chain is looked up. A serious program looks up the authorities above it, too, and
//! so needs a list of each of them.

use super::Trust;
use crate::authority::crl::Reason;
use crate::certificate::parse;
use crate::error::{Error, Result, exit};
use crate::file;
use crate::key::{hex, pem};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use std::path::Path;
use time::OffsetDateTime;
use webpki::BorrowedCertRevocationList;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

/// A list that we go by, and what an error calls it.
#[derive(Clone)]
pub(super) struct List {
    pub der: CertificateRevocationListDer<'static>,
    from: String,
}

/// What a list says about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Upper-case hex, as in the ledger.
    pub serial: String,
    pub at: OffsetDateTime,
    pub reason: Reason,
    /// The list's file or address.
    pub list: String,
}

/// A list that names the issuer that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub list: String,
    pub next_update: Option<OffsetDateTime>,
}

impl Trust {
    /// From now on no certificate is believed unless one of its issuer's lists is here, fresh, and does not name it.
    ///
    /// Takes PEM or DER; may be called for several lists. Pinned certificates are believed by their bytes and are not looked up.
    ///
    /// # Errors
    /// Exit status 82: the file can't be read, is no revocation list, or one that says more than we understand. Whether the
    /// list is fresh, and signed by whom it names, is judged together with a chain.
    pub fn and_revoked_by(self, crl: &Path) -> Result<Trust> {
        let bytes = file::read(crl).map_err(|error| error.exit(exit::CRL_FILE))?;
        self.and_revoked(&bytes, &crl.display().to_string())
    }

    /// As [`Trust::and_revoked_by`], with a list that is in memory. `from` is what errors call it.
    pub fn and_revoked(mut self, list: &[u8], from: &str) -> Result<Trust> {
        let found = pem::lists(list, Path::new(from)).map_err(|error| error.exit(exit::CRL_FILE))?;
        for der in found {
            BorrowedCertRevocationList::from_der(&der).map_err(|why| odd(why, from))?;
            self.lists.push(List { der, from: from.to_string() });
        }
        Ok(self)
    }

    /// The same, before it went by any list: to go by newer ones.
    pub fn without_lists(&self) -> Trust {
        Trust { lists: Vec::new(), ..self.clone() }
    }

    /// What the lists say about this certificate, if it is on one of its issuer's. The list's signature is not looked at.
    pub fn revoked(&self, certificate: &CertificateDer<'_>) -> Option<Revoked> {
        let certificate = parse(certificate).ok()?;
        let wanted = digits(certificate.raw_serial());
        self.lists.iter().find_map(|list| {
            let (_, crl) = CertificateRevocationList::from_der(&list.der).ok()?;
            if crl.issuer().as_raw() != certificate.issuer().as_raw() {
                return None;
            }
            let entry = crl.iter_revoked_certificates().find(|entry| digits(entry.raw_serial()) == wanted)?;
            let reason = entry.reason_code().and_then(|(_, code)| Reason::from_code(code.0)).unwrap_or_default();
            Some(Revoked {
                serial: hex(certificate.raw_serial()),
                at: entry.revocation_date.to_datetime(),
                reason,
                list: list.from.clone(),
            })
        })
    }

    /// The list that names this certificate's issuer as its own, if there is one.
    pub fn list_of_issuer(&self, certificate: &CertificateDer<'_>) -> Option<Issued> {
        let certificate = parse(certificate).ok()?;
        self.lists.iter().find_map(|list| {
            let (_, crl) = CertificateRevocationList::from_der(&list.der).ok()?;
            let next_update = crl.next_update().map(|next| next.to_datetime());
            (crl.issuer().as_raw() == certificate.issuer().as_raw()).then(|| Issued { list: list.from.clone(), next_update })
        })
    }
}

/// A number without the zero byte that stands for its sign.
fn digits(serial: &[u8]) -> &[u8] {
    let start = serial.iter().position(|byte| *byte != 0).unwrap_or(serial.len());
    &serial[start..]
}

fn odd(why: webpki::Error, from: &str) -> Error {
    use webpki::Error as Why;
    let what = match why {
        Why::UnsupportedDeltaCrl => "holds only changes to another list (a delta CRL)",
        Why::UnsupportedIndirectCrl => "speaks for other authorities as well (an indirect CRL)",
        Why::UnsupportedCrlVersion => "is a list of version 1, which has no number",
        Why::UnsupportedCrlIssuingDistributionPoint | Why::UnsupportedRevocationReasonsPartitioning => {
            "covers only a part of what its authority signed, in a way that we can't follow"
        }
        Why::UnsupportedCriticalExtension => "has a critical extension that we don't know, so we may not ignore it",
        _ => "is damaged",
    };
    Error::new("odd-crl", format!("{from} {what}"))
        .in_file(Path::new(from))
        .hint("have a whole one: ./ca crl; with openssl: openssl ca -gencrl")
        .exit(exit::CRL_FILE)
}
