//! What is wrong with a certificate, before a peer says so. Each fault is an error: its cause, then the option that was
//! missing, of OpenSSL and of `./ca`.

use super::{Name, algorithm, date, name, parse, public_key, subject};
use crate::error::{Error, Result};
use crate::key::secret;
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{X509Certificate, X509Version};

mod constraints;
mod names;

pub use constraints::outside;
pub(crate) use names::could_match;

/// Browsers refuse a longer life of public authorities (CA/Browser Forum baseline requirements 6.3.2); of your own, Apple's
/// take 825 days.
const LONGEST: Duration = Duration::days(398);

/// RFC 5280 4.1.2.2 takes no more.
const LONGEST_SERIAL: usize = 20;

/// 64 random bits are asked for, so that nobody can prepare a collision; they may begin with a zero byte.
const SHORTEST_SERIAL: usize = 7;

/// Everything that is wrong with one certificate by itself at the time `now`, the gravest first. Empty: nothing.
///
/// # Errors
/// It is not DER as RFC 5280 4.1 has it.
pub fn faults(der: &CertificateDer<'_>, now: OffsetDateTime) -> Result<Vec<Error>> {
    let certificate = parse(der)?;
    let said = Said {
        authority: is_authority(&certificate),
        self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        certificate,
    };
    let mut found = Vec::new();
    said.version_and_names(&mut found);
    said.use_of_it(&mut found);
    said.dates(now, &mut found);
    said.strength(&mut found);
    said.serial(&mut found);
    said.extensions(&mut found);
    Ok(found)
}

/// Whether a certificate is meant for an authority: it says CA:TRUE, and names no host itself.
pub fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    certificate.is_ca() && names_of(certificate).is_empty() && cn(certificate).and_then(|cn| names::host(&cn)).is_none()
}

struct Said<'a> {
    certificate: X509Certificate<'a>,
    authority: bool,
    self_signed: bool,
}

impl Said<'_> {
    fn version_and_names(&self, found: &mut Vec<Error>) {
        let who = self.who();
        if self.certificate.version() != X509Version::V3 {
            found.push(
                Error::new(
                    "v1",
                    format!("{who} is an X.509 version {} certificate, which can carry no names", self.certificate.version().0 + 1),
                )
                .hint(format!(
                    "with openssl, x509 -req needs -extfile with subjectAltName={}; here: {}",
                    self.for_openssl(),
                    self.sign_again()
                )),
            );
            return;
        }
        if self.authority {
            return;
        }
        let given = names_of(&self.certificate);
        if !given.iter().any(|name| matches!(name, Name::Dns(_) | Name::Ip(_))) {
            let what = match cn(&self.certificate) {
                Some(cn) => format!("{who} names no host in subjectAltName: {cn} stands in its CN only, where nobody looks"),
                None => format!("{who} names no host: it has no subjectAltName and no CN"),
            };
            let option = if self.self_signed {
                "req -x509 needs -addext, and x509 -req -extfile with,"
            } else {
                "x509 -req drops the request's names, it needs -copy_extensions copy, or -extfile with"
            };
            found.push(Error::new("no-names", what).hint(format!(
                "with openssl, {option} subjectAltName={}; here: {}",
                self.for_openssl(),
                self.sign_again()
            )));
        }
        names::odd(&given, &who, found);
    }

    fn use_of_it(&self, found: &mut Vec<Error>) {
        let who = self.who();
        let usage = self.certificate.key_usage().ok().flatten().map(|usage| *usage.value);
        if self.authority {
            if !usage.as_ref().is_some_and(x509_parser::extensions::KeyUsage::key_cert_sign) {
                found.push(
                    Error::new(
                        "no-cert-sign",
                        format!("{who} is an authority (CA:TRUE) whose key may not sign certificates (no keyCertSign)"),
                    )
                    .hint("with openssl: -addext keyUsage=critical,keyCertSign,cRLSign; here: ./ca found"),
                );
            }
            if matches!(self.certificate.basic_constraints(), Ok(Some(basic)) if !basic.critical) {
                found.push(
                    Error::new("not-critical", format!("{who} does not mark basicConstraints as critical, which an authority must"))
                        .hint("with openssl: -addext basicConstraints=critical,CA:TRUE; here: ./ca found"),
                );
            }
            return;
        }
        if self.certificate.is_ca() {
            found.push(
                Error::new("ca-as-leaf", format!("{who} is an authority (CA:TRUE) and a host's own certificate in one, which is refused"))
                    .hint(format!("with openssl, req -x509 needs -addext basicConstraints=critical,CA:FALSE; here: {}", self.sign_again())),
            );
        }
        if usage.is_some_and(|usage| !usage.digital_signature()) && !self.certificate.is_ca() {
            found.push(
                Error::new(
                    "no-digital-signature",
                    format!("{who} holds a key that may not sign a handshake (no digitalSignature in keyUsage)"),
                )
                .hint(format!("with openssl: -addext keyUsage=critical,digitalSignature; here: {}", self.sign_again())),
            );
        }
        if let Ok(Some(purposes)) = self.certificate.extended_key_usage()
            && !(purposes.value.any || purposes.value.server_auth || purposes.value.client_auth)
        {
            found.push(
                Error::new("wrong-usage", format!("{who} is neither for servers nor for clients (extendedKeyUsage)"))
                    .hint(format!("with openssl: -addext extendedKeyUsage=serverAuth,clientAuth; here: {}", self.sign_again())),
            );
        }
    }

    fn dates(&self, now: OffsetDateTime, found: &mut Vec<Error>) {
        let who = self.who();
        let (from, to) = (self.certificate.validity().not_before.to_datetime(), self.certificate.validity().not_after.to_datetime());
        let again = || format!("with openssl: sign again with -days 90; here: {}", self.sign_again());
        if now > to {
            found.push(
                Error::new("certificate-expired", format!("{who} expired on {}, and your clock says {}", date(to), date(now)))
                    .hint(again()),
            );
        } else if now < from {
            found.push(
                Error::new("certificate-not-yet", format!("{who} is not valid before {}, and your clock says {}", date(from), date(now)))
                    .hint(format!("set the clock (date -u shows it), or wait; {}", again())),
            );
        }
        if !self.authority && to - from > LONGEST {
            found.push(
                Error::new(
                    "too-long",
                    format!("{who} is valid for {} days; browsers take no more than {}", (to - from).whole_days(), LONGEST.whole_days()),
                )
                .hint(again()),
            );
        }
    }

    fn strength(&self, found: &mut Vec<Error>) {
        let who = self.who();
        let kind = public_key(self.certificate.public_key());
        found.extend(secret::weak(&kind, &format!("{who} is for"), "a key"));
        if !self.authority && kind == "Ed25519" {
            found.push(
                Error::new("not-for-browsers", format!("{who} is for an Ed25519 key, which no browser takes in a certificate")).hint(
                    "for browsers make another: ./ca key NEW.key; with openssl: genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
                ),
            );
        }
        // A root's signature of itself proves nothing, and is looked at by nobody.
        let how = algorithm(&self.certificate.signature_algorithm.algorithm);
        if weak_hash(&how) && !(self.self_signed && self.authority) {
            found.push(
                Error::new("weak-signature", format!("{who} is signed with {how}, which can be forged"))
                    .hint(format!("with openssl: -sha256; here: {}", self.sign_again())),
            );
        }
    }

    fn serial(&self, found: &mut Vec<Error>) {
        let serial = self.certificate.raw_serial();
        let who = self.who();
        let what = match serial {
            [] | [0] => "has the serial 0".into(),
            [first, ..] if first & 0x80 != 0 => "has a negative serial".into(),
            _ if serial.len() > LONGEST_SERIAL => format!("has a serial of {} bytes; {LONGEST_SERIAL} are the most", serial.len()),
            // Nobody else signs with a root's own key under its name.
            _ if serial.len() < SHORTEST_SERIAL && !(self.self_signed && self.authority) => {
                format!(
                    "has the serial {}, which can be guessed and will be used again; 64 random bits are the rule",
                    crate::key::hex(serial)
                )
            }
            _ => return,
        };
        found.push(
            Error::new("serial", format!("{who} {what}")).hint(format!(
                "with openssl: leave -set_serial out, or -set_serial 0x$(openssl rand -hex 16); here: {}",
                self.sign_again()
            )),
        );
    }

    fn extensions(&self, found: &mut Vec<Error>) {
        let who = self.who();
        if self.certificate.extensions_map().is_err() {
            found.push(
                Error::new("extension-twice", format!("{who} has an extension twice, so that nobody can say which holds"))
                    .hint(format!("with openssl: name it once, in -addext or in -extfile; here: {}", self.sign_again())),
            );
        }
        for extension in self.certificate.extensions() {
            let number = extension.oid.to_id_string();
            match extension.parsed_extension() {
                ParsedExtension::ParseError { .. } => found.push(
                    Error::new(
                        "extension-damaged",
                        format!("{who} has an extension that can't be read: {}", super::extension_name(&extension.oid)),
                    )
                    .hint(format!("with openssl: leave it out of -addext and -extfile; here: {}", self.sign_again())),
                ),
                ParsedExtension::UnsupportedExtension { .. } if extension.critical => {
                    found.push(Error::new("unknown-critical", format!("{who} has a critical extension that nobody knows: {number}")).hint(
                        format!("with openssl: leave it, or its word critical, out of -addext and -extfile; here: {}", self.sign_again()),
                    ))
                }
                _ => {}
            }
        }
    }

    fn who(&self) -> String {
        match subject(self.certificate.subject()) {
            nobody if nobody.is_empty() => "a certificate without a subject".into(),
            name => crate::error::printable(&name),
        }
    }

    /// A host that this is for, safe to be typed.
    fn for_host(&self) -> String {
        let first = names_of(&self.certificate).into_iter().find_map(|name| match name {
            Name::Dns(text) => names::host(&text),
            Name::Ip(address) => Some(address.to_string()),
            Name::Other(_) => None,
        });
        first.or_else(|| cn(&self.certificate).and_then(|cn| names::host(&cn))).unwrap_or_else(|| "localhost".into())
    }

    fn for_openssl(&self) -> String {
        let host = self.for_host();
        if host.parse::<std::net::IpAddr>().is_ok() { format!("IP:{host}") } else { format!("DNS:{host}") }
    }

    fn sign_again(&self) -> String {
        if self.authority {
            "./ca found".into()
        } else if self.self_signed {
            format!("./ca self-sign --key KEY --name {}", self.for_host())
        } else {
            format!("./ca sign server {}", self.for_host())
        }
    }
}

/// Hashes for which two texts with one value can be made.
pub fn weak_hash(signature: &str) -> bool {
    let signature = signature.to_ascii_lowercase();
    ["sha1", "md5", "md2", "md4"].iter().any(|weak| signature.contains(weak))
}

fn names_of(certificate: &X509Certificate<'_>) -> Vec<Name> {
    let names = certificate.subject_alternative_name().ok().flatten();
    names.map(|names| names.value.general_names.iter().map(name).collect()).unwrap_or_default()
}

fn cn(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate.subject().iter_common_name().next().and_then(|cn| cn.as_str().ok()).map(crate::error::printable)
}
