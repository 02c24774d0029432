//! What somebody in the middle can show in the server's place, who has no key of the lab's.

use padlock::{
    authority::{Places, policy},
    certificate::{self, Identity, Name, Signed, parse, serial},
    error::{Error, Result},
    file::{self, Readers},
    key::{self, Key},
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};
use time::{Duration, OffsetDateTime};
use x509_parser::extensions::ParsedExtension;

/// The attacker's certificates live for a lesson.
const LIFE: Duration = Duration::days(7);

/// How the certificate is made that is shown in the server's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mitm {
    /// By an authority of the attacker's own, whom nobody knows
    OwnAuthority,
    /// In the name of the lab's authority, without its key
    StolenName,
    /// By nobody but itself
    SelfSigned,
    /// By an authority of the attacker's own, which you have imported
    Trusted,
}

impl Mitm {
    pub fn described(self) -> &'static str {
        match self {
            Mitm::OwnAuthority => "somebody with an authority of their own, whom nobody knows",
            Mitm::StolenName => "somebody who writes the lab's authority on a certificate, and does not have its key",
            Mitm::SelfSigned => "somebody who vouches for themselves",
            Mitm::Trusted => "somebody whose authority you have imported",
        }
    }

    /// Makes what is shown.
    pub fn identity(self, places: &Places) -> Result<Identity> {
        match self {
            Mitm::SelfSigned => Identity::self_signed(&names()),
            Mitm::OwnAuthority => Authority::new("Somebody's own authority")?.leaf(),
            Mitm::Trusted => Authority::kept(places)?.leaf(),
            Mitm::StolenName => stolen(places),
        }
    }
}

/// Where the authority is that a reader may import.
pub fn root(places: &Places) -> PathBuf {
    places.dir.join("attacker/root.crt")
}

struct Authority {
    certificate: Signed,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// An authority that was made now, and is forgotten with the program.
    fn new(name: &str) -> Result<Authority> {
        Authority::with(authority_params(name)?, KeyPair::generate().map_err(unmade)?)
    }

    fn with(params: CertificateParams, key: KeyPair) -> Result<Authority> {
        let certificate = params.self_signed(&key).map_err(unmade)?.into();
        Ok(Authority { certificate, issuer: Issuer::new(params, key) })
    }

    /// The one that a reader may import, made anew each time with the same key: who believes it believes the key.
    fn kept(places: &Places) -> Result<Authority> {
        let (certificate, secret) = (root(places), places.dir.join("attacker/secret.key"));
        if !secret.exists() {
            file::directory(&places.dir.join("attacker"), Readers::Owner)?;
            Key::generate(key::Kind::P256)?.save(&secret)?;
        }
        let pair = KeyPair::try_from(&key::load(&secret)?).map_err(unmade)?;
        let authority = Authority::with(authority_params("The attacker's authority: never import it for good")?, pair)?;
        file::write(&certificate, authority.certificate.pem.as_bytes(), Readers::Everyone)?;
        Ok(authority)
    }

    /// A certificate for the server's names, as any server has it. The root is left out: a client has it, or does not.
    fn leaf(&self) -> Result<Identity> {
        leaf(&self.issuer, None)
    }
}

/// A certificate with the lab's intermediate as its issuer, letter by letter and with the identifier of its key. What can't be
/// copied is the signature.
fn stolen(places: &Places) -> Result<Identity> {
    let chain = certificate::load_chain(&places.server("localhost").0)?;
    let intermediate = chain.get(1).ok_or_else(|| unmade("the server's chain has no intermediate to imitate"))?;
    let real = parse(intermediate)?;
    let mut params = authority_params("")?;
    params.distinguished_name = DistinguishedName::new();
    let (organisation, name) = (real.subject().iter_organization().next(), real.subject().iter_common_name().next());
    for (kind, found) in [(DnType::OrganizationName, organisation), (DnType::CommonName, name)] {
        if let Some(text) = found.and_then(|attribute| attribute.as_str().ok()) {
            params.distinguished_name.push(kind, text);
        }
    }
    let identifier = real.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
        _ => None,
    });
    params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.unwrap_or_default());
    let issuer = Issuer::new(params, KeyPair::generate().map_err(unmade)?);
    leaf(&issuer, Some(intermediate.clone()))
}

fn leaf(issuer: &Issuer<'_, KeyPair>, above: Option<CertificateDer<'static>>) -> Result<Identity> {
    let mut params = params("localhost")?;
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into().map_err(unmade)?),
        SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
    ];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(unmade)?;
    let leaf = params.signed_by(&key, issuer).map_err(unmade)?.der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(unmade)?;
    Ok(Identity { chain: std::iter::once(leaf).chain(above).collect(), key })
}

/// As safe to import by mistake as the lab's own: it may sign for nothing but this machine.
fn authority_params(name: &str) -> Result<CertificateParams> {
    let mut params = params(name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(policy::constraints());
    Ok(params)
}

fn params(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.not_before = OffsetDateTime::now_utc() - Duration::minutes(5); // clocks differ
    params.not_after = params.not_before + LIFE;
    params.serial_number = Some(serial()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn names() -> [Name; 3] {
    [Name::Dns("localhost".into()), Name::Ip(Ipv4Addr::LOCALHOST.into()), Name::Ip(Ipv6Addr::LOCALHOST.into())]
}

fn unmade(why: impl std::fmt::Display) -> Error {
    Error::new("unmade", format!("the attacker's certificate can't be made: {why}")).hint("is the lab there? make certs")
}
