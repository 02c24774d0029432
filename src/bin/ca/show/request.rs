//! Certificate requests (RFC 2986 4).

use super::{Group, extension, key};
use padlock::certificate::{algorithm, colons, subject};
use padlock::error::{Error, Result};
use padlock::request::extensions;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

/// Every field, and whether whoever asks holds the secret key.
pub fn describe(der: &[u8]) -> Result<Group> {
    let damaged = |_| {
        Error::new("request-damaged", "a request can't be read: it is damaged").hint("make it again: ./ca request --key KEY --name NAME")
    };
    let (_, request) = X509CertificationRequest::from_der(der).map_err(damaged)?;
    let info = &request.certification_request_info;
    let mut inner = Group::default();
    inner.add("version", format!("v{} ({})", info.version.0 + 1, info.version.0));
    inner.add("subject", subject(&info.subject));
    inner.add("subjectPKInfo", key::public_half(&info.subject_pki));
    let mut attributes = Group::default();
    let asked = extensions(&request);
    if !asked.is_empty() {
        attributes.add("extensionRequest", extension::describe(asked));
    }
    inner.add("attributes", attributes);
    let mut group = Group::default();
    group.add("certificationRequestInfo", inner);
    group.add("signatureAlgorithm", algorithm(&request.signature_algorithm.algorithm));
    group.add("signature", colons(&request.signature_value.data));
    let fits = match (request.verify_signature(), key::too_short(&info.subject_pki)) {
        (Ok(()), _) => "fits its own public key".into(),
        (Err(_), Some(why)) => format!("not judged: {why}"),
        (Err(_), None) => "does NOT fit its own public key".into(),
    };
    group.add("proofOfPossession", fits);
    Ok(group)
}
