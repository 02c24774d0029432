//! One object of a file: in a line, and what is wrong with it.

use padlock::certificate::{self, algorithm, date, is_authority, public_key, subject, weak_hash};
use padlock::error::{Error, printable};
use padlock::key::pem::{self, Item};
use padlock::key::secret;
use padlock::request::extensions;
use time::OffsetDateTime;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate, X509CertificationRequest};
use x509_parser::x509::SubjectPublicKeyInfo;

/// What the objects of a file are, for scripts and for people.
pub fn described(items: &[Item], form: &str) -> (&'static str, String) {
    let certificates = items.iter().filter(|item| matches!(item, Item::Certificate(_))).count();
    match items {
        [one] => one_described(one, form),
        [Item::Certificate(first), ..] if certificates == items.len() => {
            match parsed(first).map(|first| (is_authority(&first), subject(first.subject()))) {
                Some((true, _)) => ("authorities", format!("{certificates} certificates ({form}), an authority's first")),
                Some((false, name)) => ("chain", format!("a chain of {certificates} certificates ({form}): first {}", printable(&name))),
                None => ("certificates", format!("{certificates} certificates ({form})")),
            }
        }
        _ => ("several", format!("{} ({form})", pem::names(items))),
    }
}

fn one_described(item: &Item, form: &str) -> (&'static str, String) {
    let damaged = || "which can't be read".to_string();
    match item {
        Item::Certificate(der) => {
            let Some(certificate) = parsed(der) else { return ("certificate", format!("a certificate ({form}), {}", damaged())) };
            let (name, issuer) = (subject(certificate.subject()), subject(certificate.issuer()));
            let by = if name == issuer { "itself".into() } else { printable(&issuer) };
            let whose = if is_authority(&certificate) { "an authority's certificate" } else { "a certificate" };
            ("certificate", format!("{whose} ({form}): {}, signed by {by}", printable(&name)))
        }
        Item::Key(key) => ("key", format!("a private key ({}, {form}): {}", secret::form(key), secret::kind(key).unwrap_or_else(damaged))),
        Item::PublicKey(der) => {
            let kind = SubjectPublicKeyInfo::from_der(der).map_or_else(|_| damaged(), |(_, key)| public_key(&key));
            ("public-key", format!("a public key ({form}): {kind}"))
        }
        Item::Request(der) => {
            let name = X509CertificationRequest::from_der(der)
                .map_or_else(|_| damaged(), |(_, request)| subject(&request.certification_request_info.subject));
            ("request", format!("a certificate request ({form}): {}", printable(&name)))
        }
        Item::Crl(der) => match CertificateRevocationList::from_der(der) {
            Ok((_, list)) => {
                let entries = list.iter_revoked_certificates().count();
                ("crl", format!("a revocation list ({form}) of {}, with {entries} on it", printable(&subject(list.issuer()))))
            }
            Err(_) => ("crl", format!("a revocation list ({form}), {}", damaged())),
        },
    }
}

/// What is wrong with it by itself.
pub fn faults(item: &Item, now: OffsetDateTime) -> Vec<Error> {
    match item {
        Item::Certificate(der) => certificate::faults(der, now).unwrap_or_else(|error| vec![error]),
        Item::Key(key) => match secret::kind(key) {
            Some(kind) => secret::weak(&kind, "it is", "a key").into_iter().collect(),
            None => vec![
                Error::new("key-damaged", "the private key can't be read: it is damaged, or of an unknown kind")
                    .hint("make another: ./ca key NEW.key; with openssl: genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
            ],
        },
        Item::PublicKey(der) => match SubjectPublicKeyInfo::from_der(der) {
            Ok((_, key)) => secret::weak(&public_key(&key), "it is", "a key").into_iter().collect(),
            Err(_) => vec![
                Error::new("key-damaged", "the public key can't be read: it is damaged")
                    .hint("make it again: openssl pkey -in KEY -pubout"),
            ],
        },
        Item::Request(der) => of_request(der),
        Item::Crl(der) => of_list(der, now),
    }
}

/// RFC 2986.
fn of_request(der: &[u8]) -> Vec<Error> {
    const AGAIN: &str = "./ca request --key KEY --name localhost";
    let Ok((_, request)) = X509CertificationRequest::from_der(der) else {
        return vec![
            Error::new("request-damaged", "the request can't be read: it is damaged")
                .hint(format!("make it again: {AGAIN}; with openssl: req -new -key KEY")),
        ];
    };
    let mut found: Vec<Error> =
        secret::weak(&public_key(&request.certification_request_info.subject_pki), "it is for", "a key").into_iter().collect();
    // A signature by such a key can't be checked here.
    if found.is_empty() && request.verify_signature().is_err() {
        found.push(
            Error::new("request-signature", "its signature does not fit its own key: whoever asks does not prove to have it")
                .hint(format!("make it again with the key that it is for: {AGAIN}; with openssl: req -new -key KEY")),
        );
    }
    let asked = extensions(&request);
    let names = asked.iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    if !names.flatten().any(|name| matches!(name, GeneralName::DNSName(_) | GeneralName::IPAddress(_))) {
        found.push(
            Error::new("no-names", "it asks for no host in subjectAltName; a name in the CN is one that nobody looks at")
                .hint(format!("with openssl, req -new needs -addext subjectAltName=DNS:localhost; here: {AGAIN}")),
        );
    }
    let how = algorithm(&request.signature_algorithm.algorithm);
    if weak_hash(&how) {
        found.push(
            Error::new("weak-signature", format!("it is signed with {how}, which can be forged"))
                .hint(format!("with openssl: -sha256; here: {AGAIN}")),
        );
    }
    found
}

/// RFC 5280 5.
fn of_list(der: &[u8], now: OffsetDateTime) -> Vec<Error> {
    const AGAIN: &str = "sign it again: ./ca crl; with openssl: ca -gencrl -crldays 30";
    let Ok((_, list)) = CertificateRevocationList::from_der(der) else {
        return vec![Error::new("crl-damaged", "the revocation list can't be read: it is damaged").hint(AGAIN)];
    };
    let mut found = Vec::new();
    match list.next_update().map(|next| next.to_datetime()) {
        None => found.push(Error::new("stale-crl", "it does not say when the next one comes, so that it would hold for ever").hint(AGAIN)),
        Some(next) if next < now => found.push(
            Error::new("stale-crl", format!("it was to be replaced by {}, and your clock says {}", date(next), date(now))).hint(AGAIN),
        ),
        Some(_) => {}
    }
    let how = algorithm(&list.signature_algorithm.algorithm);
    if weak_hash(&how) {
        found.push(
            Error::new("weak-signature", format!("it is signed with {how}, which can be forged"))
                .hint(format!("with openssl: -md sha256; {AGAIN}")),
        );
    }
    found
}

fn parsed<'a>(der: &'a [u8]) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}
