//! A certificate that its own key signs: nobody vouches for it but itself.

use super::Name;
use super::faults::could_match;
use crate::error::{Error, Result, exit};
use crate::key::Key;
use aws_lc_rs::rand;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType, SerialNumber};
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

/// A certificate that was just made, in both of its forms.
#[derive(Debug, Clone)]
pub struct Signed {
    pub der: CertificateDer<'static>,
    pub pem: String,
}

impl From<rcgen::Certificate> for Signed {
    fn from(certificate: rcgen::Certificate) -> Signed {
        Signed { pem: certificate.pem(), der: certificate.into() }
    }
}

/// Signs a certificate with the very key that it is for. It is no authority (CA:FALSE), so that whoever trusts it
/// trusts this one certificate and nothing that it might sign.
///
/// # Errors
/// A name is neither a host name nor an address.
pub fn self_sign(key: &Key, common_name: &str, names: &[Name], validity: Duration) -> Result<Signed> {
    let mut params = CertificateParams::default();
    params.not_before = OffsetDateTime::now_utc();
    params.not_after = params.not_before + validity;
    params.serial_number = Some(serial()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.subject_alt_names = names.iter().map(san).collect::<Result<_>>()?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.self_signed(key.pair()).map_err(|e| Error::new("sign-failed", format!("can't sign a certificate: {e}")))?;
    Ok(certificate.into())
}

/// A new serial number: 126 random bits, never zero, never negative. RFC 5280 4.1.2.2 allows 20 bytes, the browsers'
/// rules ask for 64 random bits at least, so that nobody can prepare a collision.
///
/// # Errors
/// The system gives no randomness.
pub fn serial() -> Result<SerialNumber> {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).map_err(|_| {
        Error::new("no-randomness", "the system gives no random bytes")
            .hint("try again; early after a boot it may not have gathered enough")
    })?;
    // The first bit is the sign. The next is set so that all serials are equally long and none is zero.
    bytes[0] = bytes[0] & 0x7F | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// A name as rcgen takes it.
///
/// # Errors
/// It is neither a host name in ASCII nor an address. Such a name would match nothing (RFC 9525 6.3).
pub(crate) fn san(name: &Name) -> Result<SanType> {
    let odd = || {
        Error::new("odd-name", format!("{name} is no name for a certificate"))
            .hint("a host name (letters, digits, hyphens and dots; a first label of * alone) or an address: localhost, *.example.test, 127.0.0.1")
            .exit(exit::USAGE)
    };
    match name {
        Name::Dns(text) if !could_match(text) => Err(odd()),
        Name::Dns(text) => Ok(SanType::DnsName(text.as_str().try_into().map_err(|_| odd())?)),
        Name::Ip(address) => Ok(SanType::IpAddress(*address)),
        Name::Other(_) => Err(odd()),
    }
}
