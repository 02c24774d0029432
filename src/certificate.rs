use crate::error::{Error, Result, exit};
use crate::file;
use crate::key::{self, Key, Kind, pem, secret};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

mod faults;
mod sign;
mod summary;
pub use faults::{faults, is_authority, outside, weak_hash};
pub(crate) use sign::san;
pub use sign::{Signed, self_sign, serial};
pub use summary::{
    Name, Summary, algorithm, colons, date, escape, extended_key_usage, extension_name, fingerprint, first, key_usage, name, public_key,
    subject, summary,
};

/// How long before the end a certificate is renewed: `make certs` signs anew, and the server starts to warn.
pub const RENEW_WITHIN: Duration = Duration::days(7);

/// Who I am: a key and the chain of certificates that ties a name to it, leaf first, root left out.
#[derive(Debug)]
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Loads a chain and its key, and checks what a peer would otherwise complain of: that the key is the leaf's, that
    /// each certificate is signed by the next, and that none has expired. Warns in the last [`RENEW_WITHIN`].
    ///
    /// # Errors
    /// Exit status 58: a file is missing, unreadable or something else, the two do not belong together, the chain
    /// is out of order, the leaf has no names since it is older than version 3, or a certificate is not valid now.
    pub fn load(chain: &Path, key: &Path) -> Result<Identity> {
        let own = |e: Error| e.exit(exit::OWN_CERTIFICATE).in_file(chain);
        let identity = Identity { chain: load_chain(chain).map_err(own)?, key: key::load(key)? };
        let secret = Key::try_from(&identity.key).map_err(|()| secret::unusable(key, &identity.key))?;
        check_key(&identity.chain, &secret, chain, key).map_err(own)?;
        check_faults(&identity.chain[0], chain).map_err(own)?;
        check_order(&identity.chain, chain).map_err(own)?;
        check_signatures(&identity.chain, chain).map_err(own)?;
        for certificate in &identity.chain {
            check_dates(&summary(certificate).map_err(own)?, chain, OffsetDateTime::now_utc()).map_err(own)?;
        }
        Ok(identity)
    }

    /// A new key with a certificate that it signs itself. Nobody believes it who was not told to.
    ///
    /// # Errors
    /// A name is neither a host name nor an address.
    pub fn self_signed(names: &[Name]) -> Result<Identity> {
        /// For as long as a program runs, and a little more: the key is lost when it ends.
        const VALIDITY: Duration = Duration::days(30);
        let key = Key::generate(Kind::default())?;
        let signed = self_sign(&key, "self-signed", names, VALIDITY)?;
        Ok(Identity { chain: vec![signed.der], key: key.secret() })
    }
}

/// Every certificate of a PEM file, in order; at least one.
///
/// # Errors
/// The file can't be read or holds no certificate: the error says what it holds instead.
pub fn load_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    chain_of(pem::read(file)?, file)
}

/// As [`load_chain`], and takes one certificate in DER as well: for looking at, not for serving.
///
/// # Errors
/// As [`load_chain`].
pub fn load_either(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    chain_of(pem::either(&file::read(file)?, file)?, file)
}

fn chain_of(items: Vec<pem::Item>, file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found = pem::names(&items);
    let chain: Vec<_> = items.into_iter().filter_map(pem::Item::into_certificate).collect();
    if chain.is_empty() {
        return Err(Error::new("not-a-certificate", format!("{} holds {found}, not a certificate", file.display()))
            .hint(format!("name the .crt or .pem file; to see what this one is: ./ca doctor {}", file.display()))
            .in_file(file));
    }
    Ok(chain)
}

/// Parses one certificate.
///
/// # Errors
/// It is not DER as RFC 5280 4.1 has it.
pub fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Error::new("certificate-damaged", "a certificate can't be read: it is damaged, or not a certificate")
            .hint("openssl asn1parse -in FILE shows where it breaks off")),
    }
}

fn check_key(chain: &[CertificateDer<'_>], secret: &Key, file: &Path, key: &Path) -> Result<()> {
    let public = secret.public();
    let mut owner = None;
    for (place, der) in chain.iter().enumerate() {
        if parse(der)?.public_key().raw == public {
            owner = Some(place);
            break;
        }
    }
    let (file, key) = (file.display(), key.display());
    match owner {
        Some(0) => Ok(()),
        Some(place) => Err(Error::new(
            "chain-reversed",
            format!(
                "{file} is out of order: the key belongs to certificate {} of {}, and the leaf must come first",
                place + 1,
                chain.len()
            ),
        )
        .hint("put the leaf first, then who signed it: cat leaf.crt intermediate.crt > fullchain.pem")),
        None => Err(Error::new("key-mismatch", format!("{key} is not the key of {file}: the certificate was made for another one"))
            .hint(format!("compare the public halves: openssl pkey -in {key} -pubout; openssl x509 -in {file} -noout -pubkey"))),
    }
}

/// What peers will complain of, said at once. A certificate of version 1 no library would even load (RFC 5280 4.1.2.1); with
/// the others some peer may be content, so they are warnings.
fn check_faults(leaf: &CertificateDer<'_>, file: &Path) -> Result<()> {
    for fault in faults(leaf, OffsetDateTime::now_utc())? {
        let cause = format!("{}: {}", file.display(), fault.cause);
        match fault.code {
            "v1" => return Err(Error { cause, ..fault }),
            "certificate-expired" | "certificate-not-yet" => {} // refused below, for each certificate of the chain
            _ => log::warn!(target: "certificate", "{cause}; {}", fault.hint),
        }
    }
    Ok(())
}

/// Each certificate must name the one after it as its issuer (RFC 9846 4.5.1). Peers search in vain otherwise. `file` is
/// what errors call them.
///
/// # Errors
/// One names another, or is not DER.
pub fn check_order(chain: &[CertificateDer<'_>], file: &Path) -> Result<()> {
    for (place, pair) in chain.windows(2).enumerate() {
        let (this, next) = (parse(&pair[0])?, parse(&pair[1])?);
        if this.issuer().as_raw() != next.subject().as_raw() {
            return Err(Error::new(
                "chain-order",
                format!(
                    "{} is out of order: certificate {} was signed by {}, but then comes {}",
                    file.display(),
                    place + 1,
                    subject(this.issuer()),
                    subject(next.subject())
                ),
            )
            .hint("leaf first, then who signed it, and so on: cat leaf.crt intermediate.crt > fullchain.pem"));
        }
    }
    Ok(())
}

/// What each names as its issuer must have signed it.
fn check_signatures(chain: &[CertificateDer<'_>], file: &Path) -> Result<()> {
    for (place, pair) in chain.windows(2).enumerate() {
        let (this, next) = (parse(&pair[0])?, parse(&pair[1])?);
        if this.verify_signature(Some(next.public_key())).is_err() {
            return Err(Error::new(
                "chain-signature",
                format!(
                    "{} does not hold together: certificate {} names {} as its issuer, but the one of that name here did not sign it",
                    file.display(),
                    place + 1,
                    subject(this.issuer())
                ),
            )
            .hint("the authority was made again since; have the leaf signed again: make certs"));
        }
    }
    Ok(())
}

fn check_dates(certificate: &Summary, file: &Path, now: OffsetDateTime) -> Result<()> {
    let (file, who) = (file.display(), &certificate.subject);
    let (from, to) = (date(certificate.not_before), date(certificate.not_after));
    if now > certificate.not_after {
        return Err(Error::new(
            "certificate-expired",
            format!("{file} has expired: {who} was valid until {to}, and your clock says {}", date(now)),
        )
        .hint("have it signed again (the lab's own: make certs), or set the clock"));
    }
    if now < certificate.not_before {
        return Err(Error::new(
            "certificate-not-yet",
            format!("{file} is not valid yet: {who} begins at {from}, and your clock says {}", date(now)),
        )
        .hint("set the clock (date -u shows it), or wait"));
    }
    if certificate.not_after - now < RENEW_WITHIN {
        log::warn!(target: "certificate", "{file} expires soon: {who} is valid until {to}; renew it: make certs");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
