//! A chain longer than the lab's own, to look at and to break. Nobody can sign with it again: its authorities' keys are
//! needed only while it is made, and never reach the disk.

use super::{Charter, Grant, policy, signer};
use crate::certificate::{Name, Signed, serial};
use crate::error::{Error, Result};
use crate::key::{Key, Kind};
use rcgen::{CertificateParams, Issuer, KeyPair};
use time::OffsetDateTime;

/// A root, and two that it vouches for through the same authorities.
pub struct Chain {
    /// The only certificate to believe, in PEM.
    pub root: String,
    pub server: Leaf,
    pub client: Leaf,
}

/// The end of the chain: what is shown, and the key that goes with it.
pub struct Leaf {
    /// Leaf first, then who signed it, and so on; the root left out. PEM.
    pub chain: String,
    pub key: Key,
}

/// The user that the client's leaf names.
pub const CLIENT: &str = "client";

/// Makes a root, `levels` authorities below it, each with one less below itself than the one above, and below the last
/// one a server's leaf with these names, and the leaf of [`CLIENT`]. All are bound to the lab's names.
///
/// # Errors
/// The lab's authority would not sign these names, or the system gives no randomness.
pub fn chain(levels: u8, names: &[Name]) -> Result<Chain> {
    let (server, client) = (Grant::server(names)?, Grant::user(CLIENT, None, None)?);
    // None lives longer than a leaf: without the keys, nothing here can be renewed.
    let charter = Charter::new("Chain", policy::LONGEST)?;
    let mut above = authority("Root", &charter, levels, None)?;
    let root = above.signed.pem.clone();
    let mut rest = String::new();
    for level in 1..=levels {
        above = authority(&format!("Level {level}"), &charter, levels - level, Some(&above))?;
        rest.insert_str(0, &above.signed.pem); // who signs comes after who was signed
    }
    Ok(Chain { root, server: leaf(&server, &above, &rest)?, client: leaf(&client, &above, &rest)? })
}

/// One of the chain's signers, as long as it is needed.
pub(super) struct Authority {
    pub signed: Signed,
    pub until: OffsetDateTime,
    pub issuer: Issuer<'static, KeyPair>,
}

/// Signed by the one `above`, or by itself. `below`: how many authorities may follow, its path length (RFC 5280 4.2.1.9).
pub(super) fn authority(title: &str, charter: &Charter, below: u8, above: Option<&Authority>) -> Result<Authority> {
    let key = Key::generate(Kind::P256)?;
    let params = signer(title, &key, charter, below);
    let (params, signed) = sign(params, &key, above)?;
    Ok(Authority { signed, until: params.not_after, issuer: Issuer::new(params, key.into_pair()) })
}

fn leaf(grant: &Grant, above: &Authority, rest: &str) -> Result<Leaf> {
    let key = Key::generate(Kind::P256)?;
    let (_, signed) = sign(grant.certificate(OffsetDateTime::now_utc())?, &key, Some(above))?;
    Ok(Leaf { chain: signed.pem + rest, key })
}

/// By the one `above`, or by itself. What was signed is given back with the parameters as they were in the end.
pub(super) fn sign(mut params: CertificateParams, key: &Key, above: Option<&Authority>) -> Result<(CertificateParams, Signed)> {
    params.serial_number = Some(serial()?);
    params.use_authority_key_identifier_extension = above.is_some();
    let signed = match above {
        Some(above) => {
            // Nothing may outlive whoever vouches for it.
            params.not_after = params.not_after.min(above.until);
            params.signed_by(key.pair(), &above.issuer)
        }
        None => params.self_signed(key.pair()),
    };
    Ok((params, signed.map_err(unsigned)?.into()))
}

pub(super) fn unsigned(e: rcgen::Error) -> Error {
    Error::new("sign-failed", format!("can't sign: {e}"))
}
