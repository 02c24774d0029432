//! A chain that does not lead to anybody we believe. The library has one word for several causes; here the chain is
//! walked again, from the leaf up, and they are told apart.

use crate::certificate::{self, colons};
use crate::error::Error;
use crate::trust::Trust;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// rustls: `UnknownIssuer`. Four causes: self-signed, the root sent along, an intermediate left out, an authority that we
/// don't trust.
pub(super) fn unknown_issuer(presented: &[CertificateDer<'_>], trust: &Trust) -> Error {
    let chain = parse(presented);
    let path = walk(&chain);
    let (Some(leaf), Some(top)) = (path.first(), path.last()) else { return untrusted("an unknown authority", trust) };
    let issuer = certificate::subject(top.issuer());
    if signs_itself(top) {
        return if path.len() == 1 { self_signed(leaf) } else { root_sent(top, trust) };
    }
    let missing = trust.intermediates().iter().any(|der| der_subject(der) == Some(top.issuer().as_raw().to_vec()));
    if missing {
        return Error::new("missing-intermediate", format!("the server did not send {issuer}, which links {} to what you trust", name(top)))
            .hint("the server's file must hold the leaf, then the intermediates: cat leaf.crt intermediate.crt > fullchain.pem (docs/certificate.md)");
    }
    if path.len() == 1 && names_issuers_address(leaf) {
        return Error::new("missing-intermediate", format!("the server sent {} alone, without {issuer}, who signed it", name(leaf))).hint(
            "the server must send its intermediates too (fullchain.pem); or, if that one is your authority: --cacert FILE (docs/trust.md)",
        );
    }
    untrusted(&issuer, trust)
}

/// rustls: `BadSignature`. Causes: an authority that was made again under the same name, a weak key, a changed
/// certificate, and a server that does not hold the certificate's key.
pub(super) fn bad_signature(presented: &[CertificateDer<'_>], trust: &Trust) -> Error {
    let chain = parse(presented);
    let believed = parse(trust.authorities());
    let path = walk(&chain);
    for (below, child) in path.iter().enumerate() {
        let sent = path.get(below + 1).copied();
        let known = believed.iter().find(|root| root.subject().as_raw() == child.issuer().as_raw());
        // What we believe goes first: that is whom the library asked.
        let Some(parent) = known.or(sent) else { continue };
        if child.verify_signature(Some(parent.public_key())).is_ok() {
            continue;
        }
        if too_weak(parent) {
            return weak_key(parent);
        }
        return match (authority_key(child), own_key(parent)) {
            (Some(wanted), Some(have)) if wanted != have => same_name(child, parent, &chain, (&wanted, &have)),
            (Some(_), Some(_)) => tampered(child, parent),
            _ => does_not_fit(child, parent),
        };
    }
    match path.first() {
        Some(leaf) if too_weak(leaf) => weak_key(leaf),
        Some(leaf) if trust.authorities().is_empty() => somewhere(leaf),
        _ => not_its_key(),
    }
}

/// Who signed the leaf, by name.
pub(super) fn issuer_of_leaf(presented: &[CertificateDer<'_>]) -> String {
    parse(presented).first().map_or_else(|| "an unnamed one".into(), |leaf| certificate::subject(leaf.issuer()))
}

fn self_signed(leaf: &X509Certificate<'_>) -> Error {
    let name = name(leaf);
    Error::new(
        "self-signed",
        format!(
            "self-signed: {name} vouches for itself, and nobody whom you trust does (SHA-256 {})",
            certificate::fingerprint(leaf.as_raw())
        ),
    )
    .hint("if it is yours and the fingerprint is right, trust exactly it: --cacert FILE; else ./ca sign server NAME (docs/trust.md)")
}

fn root_sent(top: &X509Certificate<'_>, trust: &Trust) -> Error {
    let root = name(top);
    Error::new(
        "root-sent",
        format!(
            "the server sends its own root along, {root}, but a root counts only when you have it already; you trust {}",
            trust.described()
        ),
    )
    .hint("get it from whom you know and compare the fingerprint, then: --cacert FILE (docs/trust.md)")
}

fn untrusted(issuer: &str, trust: &Trust) -> Error {
    Error::new("untrusted-issuer", format!("signed by {issuer}, whom you don't trust; you trust {}", trust.described()))
        .hint("trust the root above it: --cacert FILE, here certs/ca/root.crt; or the server left out an intermediate (docs/trust.md)")
}

fn same_name(child: &X509Certificate<'_>, parent: &X509Certificate<'_>, sent: &[X509Certificate<'_>], keys: (&str, &str)) -> Error {
    let authority = name(parent);
    let theirs = sent.iter().find(|other| other.subject() == parent.subject() && other.as_raw() != parent.as_raw());
    let (theirs, ours) = match theirs {
        Some(other) => (
            format!("SHA-256 {}", certificate::fingerprint(other.as_raw())),
            format!("SHA-256 {}", certificate::fingerprint(parent.as_raw())),
        ),
        None => (format!("key {}", keys.0), format!("key {}, SHA-256 {}", keys.1, certificate::fingerprint(parent.as_raw()))),
    };
    let child = name(child);
    Error::new("same-name-authority", format!("{child} was signed by another {authority} than the one you trust: theirs has {theirs}, yours {ours}"))
        .hint("the authority was made again under the same name: get the new one, remove the old; here: make certs, and restart the server (docs/authority.md)")
}

fn tampered(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> Error {
    let (child, parent) = (name(child), name(parent));
    Error::new("tampered", format!("the signature of {parent} does not fit {child}: it was changed after it was signed"))
        .hint("whoever runs the server must use the certificate as it was signed, or have a new one signed (docs/certificate.md)")
}

/// Without key identifiers nobody can tell which it is.
fn does_not_fit(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> Error {
    let (child, parent, root) = (name(child), name(parent), certificate::fingerprint(parent.as_raw()));
    Error::new("bad-signature", format!("the signature of {parent} does not fit {child}: changed, or signed by another of that name (yours has SHA-256 {root})"))
        .hint("compare that fingerprint with the authority's; whoever runs the server must look too: ./ca verify --cacert ROOT CHAIN (docs/trust.md)")
}

fn somewhere(leaf: &X509Certificate<'_>) -> Error {
    Error::new("bad-signature", format!("a signature in the chain of {} does not fit: changed, or an authority made again", name(leaf)))
        .hint("whoever runs the server must look: ./ca verify --cacert ROOT CHAIN (docs/certificate.md)")
}

fn weak_key(weak: &X509Certificate<'_>) -> Error {
    Error::new("weak-key", format!("the key of {} is RSA with less than {} bits", name(weak), WEAKEST))
        .hint("make a new key and have it signed: ./ca key FILE (docs/key.md)")
}

fn not_its_key() -> Error {
    Error::new("not-its-key", "the server could not prove that it holds the certificate's key")
        .hint("whoever runs the server must pair the certificate with its own key; or somebody stands in between (docs/tls.md)")
}

/// The shortest RSA key that is still believed.
const WEAKEST: usize = 2048;

fn too_weak(certificate: &X509Certificate<'_>) -> bool {
    matches!(certificate.public_key().parsed(), Ok(PublicKey::RSA(key)) if key.key_size() < WEAKEST)
}

fn parse<'a>(presented: &'a [CertificateDer<'_>]) -> Vec<X509Certificate<'a>> {
    presented.iter().filter_map(|der| X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)).collect()
}

/// From the leaf up, as far as the presented certificates name each other. Each is taken once, so it ends.
fn walk<'a, 'b>(chain: &'b [X509Certificate<'a>]) -> Vec<&'b X509Certificate<'a>> {
    let mut path: Vec<&X509Certificate<'a>> = chain.first().into_iter().collect();
    while let Some(last) = path.last()
        && let Some(next) = chain
            .iter()
            .find(|next| next.subject().as_raw() == last.issuer().as_raw() && !path.iter().any(|taken| taken.as_raw() == next.as_raw()))
    {
        path.push(next);
    }
    path
}

fn signs_itself(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// Whether it says where its issuer's certificate can be had (authorityInfoAccess): then that one is an intermediate.
fn names_issuers_address(leaf: &X509Certificate<'_>) -> bool {
    use x509_parser::extensions::ParsedExtension;
    leaf.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => {
            access.accessdescs.iter().any(|at| at.access_method == x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS)
        }
        _ => false,
    })
}

/// The key that should have signed it (authorityKeyIdentifier).
fn authority_key(certificate: &X509Certificate<'_>) -> Option<String> {
    use x509_parser::extensions::ParsedExtension;
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|key| colons(key.0)),
        _ => None,
    })
}

/// The name of its own key (subjectKeyIdentifier).
fn own_key(certificate: &X509Certificate<'_>) -> Option<String> {
    use x509_parser::extensions::ParsedExtension;
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(colons(id.0)),
        _ => None,
    })
}

fn name(certificate: &X509Certificate<'_>) -> String {
    certificate::subject(certificate.subject())
}

fn der_subject(der: &CertificateDer<'_>) -> Option<Vec<u8>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate.subject().as_raw().to_vec())
}
