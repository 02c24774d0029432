//! A certificate that its authority took back, or that nobody can say that of (RFC 5280 6.3).

use super::certificate::{SIGN, clock};
use crate::certificate::{date, summary};
use crate::error::{Error, exit};
use crate::trust::Trust;
use rustls::CertRevocationListError;
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

/// It stands on its issuer's list.
pub(super) fn revoked(chain: &[CertificateDer<'_>], trust: &Trust) -> Error {
    let subject = subject(chain);
    let entry = chain.first().and_then(|leaf| trust.revoked(leaf));
    let cause = match entry {
        Some(entry) => {
            let reason = entry.reason.spelling().unwrap_or("no reason given");
            let at = date(entry.at);
            format!("{subject} was taken back by its authority on {at}: {reason} (serial {}, {})", entry.serial, entry.list)
        }
        None => format!("{subject} was taken back by its authority"),
    };
    Error::new("revoked", cause).hint(format!("it never becomes good again: whoever it is for must {SIGN} (docs/authority.md)"))
}

/// There are lists, but none of its issuer's.
pub(super) fn unknown(chain: &[CertificateDer<'_>]) -> Error {
    let (subject, issuer) = (subject(chain), super::chain::issuer_of_leaf(chain));
    Error::new("no-crl", format!("nobody can say whether {subject} was taken back: none of the revocation lists is {issuer}'s"))
        .hint("name the list of who signed it: --crl certs/crl/intermediate.crl, or its address: --crl http://localhost:8080/crl/intermediate.crl (docs/authority.md)")
}

/// Its issuer's list is too old to go by.
pub(super) fn stale(chain: &[CertificateDer<'_>], trust: &Trust, now: OffsetDateTime) -> Error {
    let issuer = super::chain::issuer_of_leaf(chain);
    let found = chain.first().and_then(|leaf| trust.list_of_issuer(leaf));
    let list = found.as_ref().map_or("the revocation list", |found| found.list.as_str());
    let end = found.as_ref().and_then(|found| found.next_update).map_or_else(|| "an unreadable date".into(), date);
    Error::new("stale-crl", format!("{list}, the revocation list of {issuer}, was to be replaced by {end}, {}", clock(now)))
        .hint("get a fresh one; the lab's: ./ca crl; if your clock is wrong, set it (docs/authority.md)")
}

/// Its issuer's list can't be believed.
pub(super) fn not_its_list(error: &CertRevocationListError, chain: &[CertificateDer<'_>], trust: &Trust) -> Error {
    let issuer = super::chain::issuer_of_leaf(chain);
    let found = chain.first().and_then(|leaf| trust.list_of_issuer(leaf));
    let list = found.as_ref().map_or("the revocation list", |found| found.list.as_str());
    let cause = match error {
        CertRevocationListError::BadSignature => {
            format!("{list} says that it is {issuer}'s, but its key did not sign it: changed, or of another authority of that name")
        }
        CertRevocationListError::IssuerInvalidForCrl => format!("{issuer} signed {list}, but may sign no revocation lists (no cRLSign)"),
        _ => format!("{list} can't be checked: {}", super::in_words(error)),
    };
    Error::new("foreign-crl", format!("certificate refused: {cause}"))
        .hint("get the list from whoever signed the certificate; the lab's: ./ca crl (docs/authority.md)")
        .exit(exit::VERIFY)
}

fn subject(chain: &[CertificateDer<'_>]) -> String {
    chain.first().and_then(|der| summary(der).ok()).map_or_else(|| "it".into(), |said| said.subject)
}
