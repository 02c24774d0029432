//! A chain that does not lead to anybody we believe. The library has one word for several causes; here the chain is
//! walked again, from the leaf up, and they are told apart.

use super::certificate::Case;
use super::{peer, told};
use crate::certificate::{self, colons};
use crate::error::Error;
use crate::trust::Trust;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// rustls: `UnknownIssuer`. Four causes: self-signed, the root sent along, an intermediate left out, an authority that we
/// don't trust.
pub(super) fn unknown_issuer(case: &Case<'_>) -> Error {
    let chain = parse(case.chain);
    let path = walk(&chain);
    let (Some(leaf), Some(top)) = (path.first(), path.last()) else {
        return Error::new("untrusted-issuer", format!("signed by an unknown authority; {}", case.believed())).hint(ROOT_ABOVE);
    };
    if signs_itself(top) {
        return if path.len() == 1 { self_signed(leaf, case) } else { root_sent(top, case) };
    }
    let (issuer, whom) = (certificate::subject(top.issuer()), peer(case.side));
    if is_between(top, case.trust) {
        let links = format!("which links {} to what {} trust", name(top), case.we());
        return Error::new("missing-intermediate", format!("the {whom} did not send {issuer}, {links}"))
            .hint("the server's file must hold the leaf, then the intermediates: cat leaf.crt intermediate.crt > fullchain.pem (docs/certificate.md)")
            .fact("certificate", facts(top))
            .fact("missing", issuer);
    }
    if path.len() == 1 && names_issuers_address(leaf) {
        return Error::new("missing-intermediate", format!("the {whom} sent {} alone, without {issuer}, who signed it", name(leaf)))
            .hint("the server must send its intermediates too (fullchain.pem); or, if that one is your authority: --cacert FILE (docs/trust.md)")
            .fact("missing", issuer);
    }
    untrusted(top, case)
}

/// Whether we know who signed it, and believe who signed that one: then all is there but what the peer has left out.
fn is_between(top: &X509Certificate<'_>, trust: &Trust) -> bool {
    let at_hand: Vec<_> = trust.intermediates().iter().chain(trust.known().iter().map(|(der, _)| der)).cloned().collect();
    let roots = parse(trust.authorities());
    let leads_up = |one: &X509Certificate<'_>| roots.iter().any(|root| one.verify_signature(Some(root.public_key())).is_ok());
    parse(&at_hand).iter().any(|one| one.subject() == top.issuer() && !signs_itself(one) && leads_up(one))
}

/// rustls: `BadSignature`. Causes: an authority that was made again under the same name, a weak key, a changed
/// certificate, and a server that does not hold the certificate's key.
pub(super) fn bad_signature(case: &Case<'_>) -> Error {
    let chain = parse(case.chain);
    let believed = parse(case.trust.authorities());
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
            (Some(wanted), Some(have)) if wanted != have => same_name(child, parent, case, (&wanted, &have)),
            (Some(_), Some(_)) => tampered(child, parent),
            _ => does_not_fit(child, parent),
        };
    }
    match path.first() {
        Some(leaf) if too_weak(leaf) => weak_key(leaf),
        Some(leaf) if case.trust.authorities().is_empty() => somewhere(leaf),
        _ => not_its_key(case),
    }
}

/// Who signed the leaf, by name.
pub(super) fn issuer_of_leaf(presented: &[CertificateDer<'_>]) -> String {
    parse(presented).first().map_or_else(|| "an unnamed one".into(), |leaf| certificate::subject(leaf.issuer()))
}

fn self_signed(leaf: &X509Certificate<'_>, case: &Case<'_>) -> Error {
    let (name, fingerprint) = (name(leaf), certificate::fingerprint(leaf.as_raw()));
    Error::new(
        "self-signed",
        format!("self-signed: {name} vouches for itself, and nobody whom {} trust does (SHA-256 {fingerprint})", case.we()),
    )
    .hint("if it is yours and the fingerprint is right, trust exactly it: --cacert FILE; else ./ca sign server NAME (docs/trust.md)")
}

fn root_sent(top: &X509Certificate<'_>, case: &Case<'_>) -> Error {
    let (root, whom, we) = (name(top), peer(case.side), case.we());
    let error = Error::new(
        "root-sent",
        format!("the {whom} sends its own root along, {root}, but a root counts only when {we} have it already; {}", case.believed()),
    );
    let known = case.trust.known().iter().find(|(der, _)| der.as_ref() == top.as_raw());
    let hint = match known {
        Some((_, file)) => format!("it is the one in {0}, fingerprint and all: --cacert {0} (docs/trust.md)", file.display()),
        None => "get it from whom you know and compare the fingerprint, then: --cacert FILE (docs/trust.md)".into(),
    };
    error.hint(hint).fact("certificate", facts(top))
}

const ROOT_ABOVE: &str = "trust the root above it: --cacert FILE; or the server left out an intermediate (docs/trust.md)";

/// Nobody knows who signed the top of the chain. But if we have seen that one somewhere, without believing it, we can say where.
fn untrusted(top: &X509Certificate<'_>, case: &Case<'_>) -> Error {
    let issuer = certificate::subject(top.issuer());
    let signed = |der: &CertificateDer<'_>| {
        let known = X509Certificate::from_der(der).ok().map(|(_, known)| known);
        known.is_some_and(|known| known.subject() == top.issuer() && top.verify_signature(Some(known.public_key())).is_ok())
    };
    let known = case.trust.known().iter().find(|(der, _)| signed(der));
    let hint = match known {
        Some((_, file)) => format!("its root is in {0}; if you mean to believe that one: --cacert {0} (docs/trust.md)", file.display()),
        None => ROOT_ABOVE.into(),
    };
    Error::new("untrusted-issuer", format!("signed by {issuer}, whom {} don't trust; {}", case.we(), case.believed()))
        .hint(hint)
        .fact("certificate", facts(top))
        .fact("issuer", issuer)
}

fn same_name(child: &X509Certificate<'_>, parent: &X509Certificate<'_>, case: &Case<'_>, keys: (&str, &str)) -> Error {
    let authority = name(parent);
    let sent = parse(case.chain);
    let theirs = sent.iter().find(|other| other.subject() == parent.subject() && other.as_raw() != parent.as_raw());
    let fingerprint = |certificate: &X509Certificate<'_>| format!("SHA-256 {}", certificate::fingerprint(certificate.as_raw()));
    let (theirs, ours) = match theirs {
        Some(other) => (fingerprint(other), fingerprint(parent)),
        None => (format!("key {}", keys.0), format!("key {}, {}", keys.1, fingerprint(parent))),
    };
    let (we, ours_is) = (case.we(), if case.we() == "you" { "yours" } else { "ours" });
    let signed = name(child);
    Error::new("same-name-authority", format!("{signed} was signed by another {authority} than the one {we} trust: theirs has {theirs}, {ours_is} {ours}"))
        .hint("the authority was made again under the same name: get the new one, remove the old; here: make certs, and restart the server (docs/authority.md)")
        .fact("certificate", facts(child))
        .fact("theirs", theirs)
        .fact("ours", ours)
}

fn tampered(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> Error {
    Error::new("tampered", format!("the signature of {} does not fit {}: it was changed after it was signed", name(parent), name(child)))
        .hint("whoever runs the server must use the certificate as it was signed, or have a new one signed (docs/certificate.md)")
        .fact("certificate", facts(child))
}

/// Without key identifiers nobody can tell which it is.
fn does_not_fit(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> Error {
    let (signed, by, root) = (name(child), name(parent), certificate::fingerprint(parent.as_raw()));
    Error::new("bad-signature", format!("the signature of {by} does not fit {signed}: changed, or signed by another of that name (yours has SHA-256 {root})"))
        .hint("compare that fingerprint with the authority's; whoever runs the server must look too: ./ca verify --cacert ROOT CHAIN (docs/trust.md)")
        .fact("certificate", facts(child))
        .fact("ours", format!("SHA-256 {root}"))
}

fn somewhere(leaf: &X509Certificate<'_>) -> Error {
    Error::new("bad-signature", format!("a signature in the chain of {} does not fit: changed, or an authority made again", name(leaf)))
        .hint("whoever runs the server must look: ./ca verify --cacert ROOT CHAIN (docs/certificate.md)")
}

fn weak_key(weak: &X509Certificate<'_>) -> Error {
    let key = certificate::public_key(weak.public_key());
    Error::new("weak-key", format!("the key of {} is {key}, and less than {WEAKEST} bits are not believed", name(weak)))
        .hint("make a new key and have it signed: ./ca key FILE (docs/key.md)")
        .fact("certificate", facts(weak))
}

fn not_its_key(case: &Case<'_>) -> Error {
    let whom = peer(case.side);
    Error::new("not-its-key", format!("the {whom} could not prove that it holds the certificate's key"))
        .hint("whoever runs the server must pair the certificate with its own key; or somebody stands in between (docs/tls.md)")
}

fn facts(certificate: &X509Certificate<'_>) -> serde_json::Value {
    told::certificate(&CertificateDer::from(certificate.as_raw()))
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
