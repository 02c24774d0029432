//! Certificate revocation lists (RFC 5280 5.1).

use super::{Group, extension};
use padlock::certificate::{algorithm, colons, date, parse, subject};
use padlock::error::{Error, Result};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

/// Every field, and whether one of `issuers` has signed it.
pub fn describe(der: &[u8], issuers: &[CertificateDer<'static>]) -> Result<Group> {
    let damaged = |_| Error::new("crl-damaged", "a revocation list can't be read: it is damaged").hint("sign it again: ./ca crl");
    let (_, list) = CertificateRevocationList::from_der(der).map_err(damaged)?;
    let mut inner = Group::default();
    if let Some(version) = list.version() {
        inner.add("version", format!("v{} ({})", version.0 + 1, version.0));
    }
    inner.add("signature", algorithm(&list.tbs_cert_list.signature.algorithm));
    inner.add("issuer", subject(list.issuer()));
    inner.add("thisUpdate", date(list.last_update().to_datetime()));
    inner.add("nextUpdate", list.next_update().map_or_else(|| "none".into(), |next| date(next.to_datetime())));
    let revoked: Vec<Group> = list.iter_revoked_certificates().map(entry).collect();
    if revoked.is_empty() {
        inner.add("revokedCertificates", "none");
    } else {
        inner.add("revokedCertificates", revoked);
    }
    inner.add("crlExtensions", extension::describe(list.extensions()));
    let mut group = Group::default();
    group.add("tbsCertList", inner);
    group.add("signatureAlgorithm", algorithm(&list.signature_algorithm.algorithm));
    group.add("signatureValue", colons(&list.signature_value.data));
    if !issuers.is_empty() {
        let fits = issuers.iter().any(|issuer| parse(issuer).is_ok_and(|issuer| list.verify_signature(issuer.public_key()).is_ok()));
        group.add("signatureCheck", if fits { "fits the issuer's public key" } else { "does NOT fit the issuer's public key" });
    }
    Ok(group)
}

fn entry(revoked: &x509_parser::prelude::RevokedCertificate<'_>) -> Group {
    let mut group = Group::default();
    group.add("userCertificate", colons(revoked.raw_serial()));
    group.add("revocationDate", date(revoked.revocation_date.to_datetime()));
    if !revoked.extensions().is_empty() {
        group.add("crlEntryExtensions", extension::describe(revoked.extensions()));
    }
    group
}
