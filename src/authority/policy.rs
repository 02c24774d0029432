//! What the authority grants, whatever was asked for: which names, to whom, for how long.

use crate::certificate::{Name, escape, san};
use crate::error::{Error, Result, exit};
use crate::request::Request;
use rcgen::{
    CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use time::{Duration, OffsetDateTime};

/// A leaf lives for 90 days at most: a stolen key is worth something for that long, and renewing stays in practice.
pub const LONGEST: Duration = Duration::days(90);
/// Clocks differ; a certificate that begins a moment ago is valid on all of them.
pub const CLOCK_SKEW: Duration = Duration::minutes(5);
/// More names than this belong on more certificates; the handshake carries all of them each time.
const MOST_NAMES: usize = 100;
/// Names are shown, and make file names.
const LONGEST_USER: usize = 40;
/// The upper bound of RFC 5280 A.1 for an organisation's name.
const LONGEST_ORGANISATION: usize = 64;

/// The domain that holds one name for each person, and no hosts.
pub const USERS: &str = "users.test";
/// The domain that holds one name for each of our programs that calls another, or is called.
pub const SERVICES: &str = "services.test";
/// The services that are called. They prove their name as a server does, and call nobody.
const CALLED: [&str; 1] = ["auth"];

/// Who a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Proves the name of a host: extKeyUsage serverAuth.
    Server,
    /// Proves who a person is, to servers and to other people: clientAuth and serverAuth.
    User,
    /// Proves which program is calling: clientAuth.
    Service,
    /// Proves which program is being called: serverAuth.
    Called,
}

/// What will be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    pub common_name: String,
    pub country: Option<String>,
    pub organisation: Option<String>,
    pub names: Vec<Name>,
    pub validity: Duration,
}

impl Grant {
    /// A server's certificate for these host names and addresses.
    ///
    /// # Errors
    /// A name is malformed, outside of what the authority may sign, or belongs to people or services.
    pub fn server(names: &[Name]) -> Result<Grant> {
        if names.is_empty() {
            return Err(refused(
                "no name was asked for",
                "a certificate ties names to a key, in subjectAltName; the common name does not count (RFC 9525 2): ./ca request --name localhost",
            ));
        }
        if names.len() > MOST_NAMES {
            return Err(refused(
                format!("{} names are more than the {MOST_NAMES} that one certificate may carry", names.len()),
                "spread them over several certificates",
            ));
        }
        names.iter().try_for_each(check_host)?;
        Ok(Grant {
            role: Role::Server,
            common_name: common_name(names),
            country: None,
            organisation: None,
            names: names.to_vec(),
            validity: LONGEST,
        })
    }

    /// A person's certificate: exactly one name, `NAME.users.test`.
    ///
    /// # Errors
    /// The name has other characters than `[a-z0-9-]` or is too long; country or organisation are malformed.
    pub fn user(name: &str, country: Option<&str>, organisation: Option<&str>) -> Result<Grant> {
        check_user(name)?;
        Ok(Grant {
            role: Role::User,
            common_name: name.to_string(),
            country: country.map(check_country).transpose()?,
            organisation: organisation.map(check_organisation).transpose()?,
            names: vec![Name::Dns(format!("{name}.{USERS}"))],
            validity: LONGEST,
        })
    }

    /// A program's certificate: exactly one name, `NAME.services.test`. `auth` is called, all others call.
    ///
    /// # Errors
    /// As [`Grant::user`].
    pub fn service(name: &str) -> Result<Grant> {
        check_user(name)?;
        let names = vec![Name::Dns(format!("{name}.{SERVICES}"))];
        let role = if CALLED.contains(&name) { Role::Called } else { Role::Service };
        Ok(Grant { role, common_name: name.to_string(), country: None, organisation: None, names, validity: LONGEST })
    }

    /// What a request asks for, as far as it is granted: its names decide, its subject does not.
    ///
    /// # Errors
    /// As the others.
    pub fn requested(request: &Request) -> Result<Grant> {
        match (member(&request.names, USERS), member(&request.names, SERVICES)) {
            (Some(user), _) => Grant::user(user, request.country.as_deref(), request.organisation.as_deref()),
            (_, Some(service)) => Grant::service(service),
            _ => Grant::server(&request.names),
        }
    }

    /// The certificate to sign. Nothing of a request is copied: every field is set here.
    pub(super) fn certificate(&self, now: OffsetDateTime) -> Result<CertificateParams> {
        let mut params = CertificateParams::default();
        params.not_before = now - CLOCK_SKEW;
        params.not_after = params.not_before + self.validity.min(LONGEST);
        params.distinguished_name = self.subject();
        params.subject_alt_names = self.names.iter().map(san).collect::<Result<_>>()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match self.role {
            Role::Server | Role::Called => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Role::User => vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth],
            Role::Service => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    fn subject(&self) -> DistinguishedName {
        let mut subject = DistinguishedName::new();
        if let Some(country) = &self.country {
            subject.push(DnType::CountryName, country.as_str());
        }
        if let Some(organisation) = &self.organisation {
            subject.push(DnType::OrganizationName, organisation.as_str());
        }
        subject.push(DnType::CommonName, self.common_name.as_str());
        subject
    }
}

/// The only names that certificates under this authority can be valid for. They stand, critical, in the root and in
/// the intermediate, so that a browser that trusts this authority trusts it for nothing on the web (RFC 5280 4.2.1.10).
pub fn constraints() -> NameConstraints {
    let v4 = CidrSubnet::from_addr_prefix(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8);
    let v6 = CidrSubnet::from_addr_prefix(IpAddr::V6(Ipv6Addr::LOCALHOST), 128);
    NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".into()),
            GeneralSubtree::DnsName("test".into()),
            GeneralSubtree::IpAddress(v4),
            GeneralSubtree::IpAddress(v6),
        ],
        excluded_subtrees: Vec::new(),
    }
}

/// Reads a name as people type it: an IP address, or else a host name, in lower case.
pub fn typed(text: &str) -> Name {
    match text.parse::<IpAddr>() {
        Ok(address) => Name::Ip(address),
        Err(_) => Name::Dns(text.to_ascii_lowercase()),
    }
}

fn check_host(name: &Name) -> Result<()> {
    let outside = || {
        refused(
            format!("{} is outside of what this authority may sign", plain(name)),
            "its names end in .test or .localhost, its addresses are 127.0.0.0/8 and ::1, so that trusting it is safe",
        )
    };
    match name {
        Name::Ip(address) if address.is_loopback() => Ok(()),
        Name::Ip(_) | Name::Other(_) => Err(outside()),
        Name::Dns(text) => {
            let host = text.strip_prefix("*.").unwrap_or(text);
            check_syntax(host, name)?;
            if !["localhost", "test"].iter().any(|domain| within(host, domain)) {
                return Err(outside());
            }
            // One star covers one label; RFC 9525 6.3. For whole top levels browsers do not honour it.
            if host != text && !host.contains('.') {
                return Err(refused(
                    format!("{} stands for a whole top level, which browsers do not accept", plain(name)),
                    "put a label between: *.example.test",
                ));
            }
            if [USERS, SERVICES].iter().any(|domain| within(host, domain)) {
                return Err(refused(
                    format!("{} belongs to people and services, not to hosts", plain(name)),
                    "./ca sign user NAME, or ./ca sign service NAME; each gets its one name",
                ));
            }
            Ok(())
        }
    }
}

/// Letters, digits and hyphens (RFC 1034 3.5), lower case.
fn check_syntax(host: &str, name: &Name) -> Result<()> {
    const LONGEST_HOST: usize = 253;
    const LONGEST_LABEL: usize = 63;
    let label = |l: &str| (1..=LONGEST_LABEL).contains(&l.len()) && is_plain(l);
    if host.len() <= LONGEST_HOST && host.split('.').all(label) {
        return Ok(());
    }
    Err(refused(
        format!("{} is not a host name", plain(name)),
        "labels of a to z, 0 to 9 and hyphens, with dots between, at most 63 long; other alphabets as xn--",
    ))
}

/// A name that can be a person's: `[a-z0-9-]`, 40 characters at most, no hyphen at the ends.
///
/// # Errors
/// It can't.
pub fn check_user(name: &str) -> Result<()> {
    if (1..=LONGEST_USER).contains(&name.len()) && is_plain(name) {
        return Ok(());
    }
    let shown = name.escape_default();
    Err(refused(
        format!("\"{shown}\" can't be a user's or a service's name"),
        format!("use a to z, 0 to 9 and hyphens inside, {LONGEST_USER} at most: host names know no upper case, and this is one"),
    ))
}

fn is_plain(label: &str) -> bool {
    let plain = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    plain && !label.starts_with('-') && !label.ends_with('-')
}

pub fn check_country(text: &str) -> Result<String> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(text.to_string());
    }
    Err(refused(format!("\"{}\" is not a country", text.escape_default()), "two capital letters, as in DE or US (ISO 3166)"))
}

pub fn check_organisation(text: &str) -> Result<String> {
    let length = text.chars().count();
    // A slash would look like the next field in the ledger; control characters have no place in a name.
    if (1..=LONGEST_ORGANISATION).contains(&length) && !text.chars().any(|c| c.is_control() || c == '/') && text.trim() == text {
        return Ok(text.to_string());
    }
    Err(refused(
        format!("\"{}\" is not an organisation's name", text.escape_default()),
        format!("1 to {LONGEST_ORGANISATION} printable characters, no slash, no space at the ends"),
    ))
}

/// The first label of the first host name. Nobody may rely on it (RFC 9525 2); it never holds a dot, so that it can't
/// be taken for a host name either.
pub fn common_name(names: &[Name]) -> String {
    let first = names.iter().find_map(|name| if let Name::Dns(text) = name { Some(text) } else { None });
    first.and_then(|text| text.trim_start_matches("*.").split('.').next()).unwrap_or("loopback").to_string()
}

/// The `alice` of `alice.users.test`, when that is the first name asked for.
fn member<'a>(names: &'a [Name], domain: &str) -> Option<&'a str> {
    match names {
        [Name::Dns(name)] => name.strip_suffix(domain)?.strip_suffix('.'),
        _ => None,
    }
}

/// `host` is `domain` or below it.
fn within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A name as people type it.
fn plain(name: &Name) -> String {
    match name {
        Name::Dns(text) if text.is_empty() => "an empty name".into(),
        Name::Dns(text) => escape(text),
        Name::Ip(address) => address.to_string(),
        Name::Other(_) => name.to_string(),
    }
}

fn refused(cause: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new("policy", cause).hint(hint).exit(exit::FAILED)
}
