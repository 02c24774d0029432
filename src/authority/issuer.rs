//! One of the authority's two signers, with its key, its ledger and its counters.

use super::ledger::{Entry, Ledger, Status};
use super::lock::Lock;
use super::{Places, crl, database};
use crate::certificate::{Signed, parse, serial};
use crate::error::{Error, Result, exit};
use crate::file::{self, Readers};
use crate::key::{Key, hex};
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyIdMethod, KeyUsagePurpose, PublicKeyData};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use std::str::FromStr;
use time::OffsetDateTime;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509Certificate;
use x509_parser::x509::X509Name;

/// The root signs the intermediate and little else; the intermediate signs everybody. A stolen intermediate can be
/// revoked and replaced, a stolen root can't, so the root's key is hardly ever opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Root,
    Intermediate,
}

impl Which {
    pub fn name(self) -> &'static str {
        match self {
            Which::Root => "root",
            Which::Intermediate => "intermediate",
        }
    }

    /// Its certificate: `ca/root.crt`.
    pub fn certificate(self, places: &Places) -> PathBuf {
        match self {
            Which::Root => places.root_certificate(),
            Which::Intermediate => places.intermediate_certificate(),
        }
    }

    /// Its private directory, an OpenSSL CA: `ca/root/`.
    pub fn directory(self, places: &Places) -> PathBuf {
        places.ca().join(self.name())
    }

    /// Its key: `ca/root/root.key`.
    pub fn key(self, places: &Places) -> PathBuf {
        self.directory(places).join(format!("{}.key", self.name()))
    }
}

impl FromStr for Which {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Which, &'static str> {
        [Which::Root, Which::Intermediate].into_iter().find(|which| which.name() == text).ok_or("root or intermediate")
    }
}

/// An opened signer. Nothing outlives the command that opened it.
pub struct Issuer {
    pub(super) directory: PathBuf,
    pub(super) certificate: CertificateDer<'static>,
    rcgen: rcgen::Issuer<'static, rcgen::KeyPair>,
    key_identifier: Vec<u8>,
}

impl Issuer {
    /// Opens the signer's key and certificate.
    ///
    /// # Errors
    /// There is no authority yet, its key can't be read, or key and certificate do not belong together.
    pub fn open(places: &Places, which: Which) -> Result<Issuer> {
        let (key_file, certificate_file) = (which.key(places), which.certificate(places));
        if !certificate_file.exists() || !key_file.exists() {
            let missing = if certificate_file.exists() { key_file } else { certificate_file };
            return Err(super::missing(&missing));
        }
        let key = Key::load(&key_file).map_err(|e| e.exit(exit::FAILED))?;
        let certificate = crate::certificate::load_chain(&certificate_file)?.swap_remove(0);
        if parse(&certificate)?.public_key().raw != key.public() {
            return Err(Error::new(
                "authority-mismatch",
                format!("{} is not the key of {}", key_file.display(), certificate_file.display()),
            )
            .hint("one of them was replaced; found the authority again: make clean-certs certs"));
        }
        Issuer::new(which.directory(places), certificate, key)
    }

    pub(super) fn new(directory: PathBuf, certificate: CertificateDer<'static>, key: Key) -> Result<Issuer> {
        let parsed = parse(&certificate)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = copy_name(parsed.subject())?;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key_identifier = key_identifier(&parsed).ok_or_else(|| {
            Error::new("authority-odd", "the authority's certificate has no subjectKeyIdentifier, which RFC 5280 4.2.1.2 demands")
                .hint("found the authority again: make clean-certs certs")
        })?;
        // Leaves name their issuer's key by the identifier that its certificate carries, however that was made.
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier.clone());
        let rcgen = rcgen::Issuer::new(params, key.into_pair());
        Ok(Issuer { directory, certificate, rcgen, key_identifier })
    }

    /// Signs a certificate. The ledger has its line, on the disk, before the certificate exists: whatever leaves this
    /// function can be revoked, even if the machine loses power in the middle.
    ///
    /// # Errors
    /// The ledger can't be read or written; then nothing was signed.
    pub(super) fn sign(&self, _lock: &Lock, mut params: CertificateParams, key: &impl PublicKeyData) -> Result<Signed> {
        let mut ledger = Ledger::load(&self.directory)?;
        let number = loop {
            let number = serial()?;
            if ledger.find(&hex(number.as_ref())).is_none() {
                break number;
            }
        };
        let serial = hex(number.as_ref());
        // Nothing may outlive whoever vouches for it.
        params.not_after = params.not_after.min(parse(&self.certificate)?.validity().not_after.to_datetime());
        params.serial_number = Some(number);
        let subject = database::subject(&params.distinguished_name);
        ledger.entries.push(Entry {
            status: Status::Valid,
            not_after: params.not_after,
            serial: serial.clone(),
            file: "unknown".into(),
            subject,
        });
        ledger.save(&self.directory)?;
        // What `openssl ca` would use next. We draw afresh each time.
        database::write_next_serial(&self.directory)?;
        let signed = params.signed_by(key, &self.rcgen).map_err(|e| Error::new("sign-failed", format!("can't sign: {e}")))?;
        let issued = self.directory.join(format!("issued/{serial}.pem"));
        let signed = Signed::from(signed);
        file::write(&issued, signed.pem.as_bytes(), Readers::Owner)?;
        self.check(&signed.der)?;
        Ok(signed)
    }

    /// Looks at what was just signed with the eyes of whoever will have to believe it.
    fn check(&self, signed: &CertificateDer<'_>) -> Result<()> {
        let (signed, own) = (parse(signed)?, parse(&self.certificate)?);
        if signed.issuer().as_raw() == own.subject().as_raw() && signed.verify_signature(Some(own.public_key())).is_ok() {
            return Ok(());
        }
        Err(Error::new(
            "authority-odd",
            "the new certificate does not lead to the authority's own: its name could not be copied byte for byte",
        )
        .hint("found the authority again: make clean-certs certs"))
    }

    /// Takes a certificate back: marks its line. The list that tells others is [`Issuer::list`].
    ///
    /// # Errors
    /// This issuer has signed no such serial, or has taken it back already.
    pub(super) fn revoke(&self, _lock: &Lock, serial: &str, reason: crl::Reason) -> Result<()> {
        let mut ledger = Ledger::load(&self.directory)?;
        let entry = ledger.find(serial).ok_or_else(|| super::unknown(serial))?;
        if let Status::Revoked { at, .. } = entry.status {
            return Err(Error::new("revoked-already", format!("{serial} was revoked already, on {}", crate::certificate::date(at)))
                .hint("./ca list shows all"));
        }
        entry.status = Status::Revoked { at: OffsetDateTime::now_utc(), reason: reason.spelling().map(str::to_string) };
        ledger.save(&self.directory)
    }

    /// Signs the list of what was taken back (RFC 5280 5), with the next number.
    ///
    /// # Errors
    /// The ledger can't be read, or the number can't be written.
    pub(super) fn list(&self, _lock: &Lock) -> Result<String> {
        let ledger = Ledger::load(&self.directory)?;
        let number = database::take_crl_number(&self.directory)?;
        crl::sign(&ledger, number, &self.rcgen, &self.key_identifier)
    }
}

/// What names a certificate's own key (RFC 5280 4.2.1.2).
pub(super) fn key_identifier(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    })
}

/// The issuer's name, byte for byte: a certificate names its issuer exactly as the issuer names itself (RFC 5280 4.1.2.4).
pub(super) fn copy_name(name: &X509Name<'_>) -> Result<DistinguishedName> {
    let mut copy = DistinguishedName::new();
    for attribute in name.iter_attributes() {
        let odd = || {
            Error::new("authority-odd", "the authority's name has a part that can't be copied")
                .hint("found the authority again: make clean-certs certs")
        };
        let oid: Vec<u64> = attribute.attr_type().iter().ok_or_else(odd)?.collect();
        let text = attribute.as_str().map_err(|_| odd())?;
        let value = match attribute.attr_value().tag() {
            x509_parser::asn1_rs::Tag::PrintableString => DnValue::PrintableString(text.try_into().map_err(|_| odd())?),
            _ => DnValue::Utf8String(text.into()),
        };
        copy.push(DnType::from_oid(&oid), value);
    }
    Ok(copy)
}
