use crate::certificate::{Name, algorithm, first, name, san, subject, weak_hash};
use crate::error::{Error, Result};
use crate::key::{Key, Public, pem};
use rcgen::{CertificateParams, DistinguishedName, DnType};
use rustls::pki_types::CertificateSigningRequestDer;
use std::path::Path;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::prelude::{FromDer, X509CertificationRequest};

/// What somebody asks an authority for. They hold the secret half of `key`: the request is signed with it.
#[derive(Debug, Clone)]
pub struct Request {
    /// `CN=localhost`. Asked for, not believed.
    pub subject: String,
    pub common_name: Option<String>,
    pub country: Option<String>,
    pub organisation: Option<String>,
    /// The subjectAltName of the extensionRequest attribute (RFC 2985 5.4.2).
    pub names: Vec<Name>,
    /// Other extensions that it asks for; an authority sets its own.
    pub others: Vec<String>,
    pub key: Public,
}

/// The subject that a request is made with.
#[derive(Debug, Clone, Default)]
pub struct Subject<'a> {
    pub common_name: &'a str,
    pub country: Option<&'a str>,
    pub organisation: Option<&'a str>,
}

/// Makes a certificate signing request (PKCS#10, RFC 2986) for `names`, in PEM. Only this leaves the machine that made
/// the key; the key stays.
///
/// # Errors
/// A name is neither a host name nor an address.
pub fn make(key: &Key, asking: &Subject<'_>, names: &[Name]) -> Result<String> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.iter().map(san).collect::<Result<_>>()?;
    params.distinguished_name = DistinguishedName::new();
    let parts = [
        (DnType::CountryName, asking.country),
        (DnType::OrganizationName, asking.organisation),
        (DnType::CommonName, Some(asking.common_name)),
    ];
    for (part, value) in parts {
        if let Some(value) = value {
            params.distinguished_name.push(part, value);
        }
    }
    let failed = |e: rcgen::Error| Error::new("request-failed", format!("can't make a request: {e}"));
    params.serialize_request(key.pair()).and_then(|request| request.pem()).map_err(failed)
}

/// Reads a request from a PEM file and checks it as [`check`] does.
///
/// # Errors
/// The file can't be read or holds something else, or the request is refused.
pub fn load(file: &Path) -> Result<Request> {
    let items = pem::read(file)?;
    let found = pem::names(&items);
    let request = items.into_iter().find_map(|item| if let pem::Item::Request(der) = item { Some(der) } else { None });
    let request = request.ok_or_else(|| {
        Error::new("not-a-request", format!("{} holds {found}, not a certificate request", file.display()))
            .hint(format!("make one with the key: ./ca request --key KEY --name localhost --out {}", file.display()))
            .in_file(file)
    })?;
    check(&request).map_err(|e| Error { cause: format!("{}: {}", file.display(), e.cause), ..e }.in_file(file))
}

/// Reads one request, and nothing else, from PEM that somebody sent, and checks it as [`check`] does.
///
/// # Errors
/// There is more, or less, or something else in it; or the request is refused.
pub fn only(text: &[u8]) -> Result<Request> {
    let items = pem::parse(text, Path::new("what was sent"))?;
    match &items[..] {
        [pem::Item::Request(der)] => check(der),
        _ => Err(Error::new("not-a-request", format!("what was sent holds {}, not one certificate request", pem::names(&items)))
            .hint("send the request alone, in PEM: BEGIN CERTIFICATE REQUEST")),
    }
}

/// Checks the proof of possession: whoever asks signs the request with the secret half of the very key that it carries
/// (RFC 2986 3). Without this anybody could have another's public key certified under a name of their own.
///
/// # Errors
/// It can't be read, its signature does not fit its key or is one that can be forged, or the key is too short or of an unknown kind.
pub fn check(der: &CertificateSigningRequestDer<'_>) -> Result<Request> {
    let damaged = || {
        Error::new("request-damaged", "the request can't be read: it is damaged")
            .hint("make it again; openssl req -in FILE -noout -text shows what is left of it")
    };
    let ([], request) = X509CertificationRequest::from_der(der).map_err(|_| damaged())? else { return Err(damaged()) };
    let info = &request.certification_request_info;
    let key = Public::new(&info.subject_pki)?;
    let how = algorithm(&request.signature_algorithm.algorithm);
    if weak_hash(&how) {
        return Err(Error::new("weak-signature", format!("the request is signed with {how}, which can be forged"))
            .hint("sign it with SHA-256: ./ca request --key KEY; with openssl: req -new -sha256"));
    }
    request.verify_signature().map_err(|_| {
        Error::new("no-possession", "the request's signature does not fit its own key: whoever sent it has not shown that they hold the secret half, or it was changed on the way")
            .hint("make it again with the right key: ./ca request --key KEY")
    })?;
    let asked = extensions(&request);
    Ok(Request {
        subject: subject(&info.subject),
        common_name: first(info.subject.iter_common_name()),
        country: first(info.subject.iter_country()),
        organisation: first(info.subject.iter_organization()),
        names: asked.iter().flat_map(|extension| names(extension)).collect(),
        others: asked.iter().filter(|e| !is_names(e)).map(|e| crate::certificate::extension_name(&e.oid)).collect(),
        key,
    })
}

/// What the extensionRequest attribute asks for.
pub fn extensions<'a>(request: &'a X509CertificationRequest<'_>) -> Vec<&'a X509Extension<'a>> {
    let attributes = request.certification_request_info.iter_attributes();
    let asked = attributes.filter_map(|attribute| match attribute.parsed_attribute() {
        ParsedCriAttribute::ExtensionRequest(asked) => Some(asked.extensions.iter()),
        _ => None,
    });
    asked.flatten().collect()
}

fn is_names(extension: &X509Extension<'_>) -> bool {
    matches!(extension.parsed_extension(), ParsedExtension::SubjectAlternativeName(_))
}

fn names(extension: &X509Extension<'_>) -> Vec<Name> {
    let ParsedExtension::SubjectAlternativeName(san) = extension.parsed_extension() else { return Vec::new() };
    san.general_names.iter().map(name).collect()
}

#[cfg(test)]
mod tests;
