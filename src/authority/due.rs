//! What `make certs` has to make again, though its files are there.

use super::{Places, Which};
use crate::certificate::{RENEW_WITHIN, load_chain, parse};
use crate::error::Result;
use crate::key::pem;
use std::path::Path;
use time::OffsetDateTime;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

/// Says why a chain or a revocation list has to be made again, or nothing when it is still good. A missing file is
/// make's own business.
///
/// # Errors
/// The authority's own certificate can't be read.
pub fn due(places: &Places, file: &Path) -> Result<Option<&'static str>> {
    if !file.exists() || !places.intermediate_certificate().exists() {
        return Ok(None);
    }
    if file == super::gallery::list(places) {
        return super::gallery::due(places);
    }
    let is_list = file.extension().is_some_and(|extension| extension == "crl");
    if is_list { list(places, file) } else { chain(places, file) }
}

fn chain(places: &Places, file: &Path) -> Result<Option<&'static str>> {
    let issuer = load_chain(&places.intermediate_certificate())?.swap_remove(0);
    let issuer = parse(&issuer)?;
    // What can't be read is as good as missing.
    let Ok(chain) = load_chain(file) else { return Ok(Some("it can't be read")) };
    let Ok(leaf) = parse(&chain[0]) else { return Ok(Some("it can't be read")) };
    if leaf.verify_signature(Some(issuer.public_key())).is_err() {
        return Ok(Some("the authority was made again since"));
    }
    Ok(ending(leaf.validity().not_after.to_datetime()))
}

fn list(places: &Places, file: &Path) -> Result<Option<&'static str>> {
    let which = if file.file_stem().is_some_and(|stem| stem == "root") { Which::Root } else { Which::Intermediate };
    let issuer = load_chain(&which.certificate(places))?.swap_remove(0);
    let issuer = parse(&issuer)?;
    let items = pem::read(file).unwrap_or_default();
    let Some(pem::Item::Crl(der)) = items.first() else { return Ok(Some("it can't be read")) };
    let Ok((_, list)) = CertificateRevocationList::from_der(der) else { return Ok(Some("it can't be read")) };
    if list.verify_signature(issuer.public_key()).is_err() {
        return Ok(Some("the authority was made again since"));
    }
    Ok(list.next_update().and_then(|next| ending(next.to_datetime())))
}

fn ending(at: OffsetDateTime) -> Option<&'static str> {
    let left = at - OffsetDateTime::now_utc();
    match left {
        left if left.is_negative() => Some("it has expired"),
        left if left < RENEW_WITHIN => Some("it ends within 7 days"),
        _ => None,
    }
}
