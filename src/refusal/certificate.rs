//! A certificate that was refused: which one, why, and who must change what.

use super::{Side, chain, name, revoked, told};
use crate::certificate::{Summary, date, summary};
use crate::error::{Error, exit};
use crate::trust::Trust;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use webpki::Error as Path;

/// Between the judgement and its explanation: longer than any handshake.
const CLOCK_SLACK: Duration = Duration::minutes(1);

/// So many authorities below the root webpki follows: each costs a signature to check, and a stranger chooses how many come.
const DEEPEST: usize = 6;

/// How to sign one that will be taken.
pub(super) const SIGN: &str = "sign a new one: ./ca sign server NAME";

/// A certificate that was refused, and all that is known of it. The chain is read again, since the library says less than it
/// knows.
pub(super) struct Case<'a> {
    /// Who refused it.
    pub side: Side,
    /// What was shown, leaf first.
    pub chain: &'a [CertificateDer<'a>],
    /// The name that it should have had. A client's may be any.
    pub asked: Option<&'a ServerName<'a>>,
    pub trust: &'a Trust,
}

impl Case<'_> {
    pub fn refused(&self, error: &CertificateError) -> Error {
        let why = self.why(error);
        let why = match why.facts.iter().any(|(name, _)| *name == "certificate") {
            true => why,
            false => why.fact("certificate", self.chain.first().map_or(Value::Null, told::certificate)),
        };
        match self.side {
            Side::Client => Error { cause: format!("certificate refused: {}", why.cause), exit: exit::VERIFY, ..why },
            Side::Server => {
                let cause = format!("we refused the client's certificate: {}", why.cause);
                Error { cause, hint: clients_cure(why.code), exit: exit::VERIFY, ..why }
            }
        }
    }

    fn why(&self, error: &CertificateError) -> Error {
        let (chain, trust) = (self.chain, self.trust);
        match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => name::wrong(chain, self.asked),
            CertificateError::UnknownIssuer => chain::unknown_issuer(self),
            CertificateError::BadSignature => chain::bad_signature(self),
            CertificateError::Expired => expired(chain, OffsetDateTime::now_utc()),
            CertificateError::ExpiredContext { time, .. } => expired(chain, at(*time)),
            CertificateError::NotValidYet => not_yet_valid(chain, OffsetDateTime::now_utc()),
            CertificateError::NotValidYetContext { time, .. } => not_yet_valid(chain, at(*time)),
            CertificateError::Revoked => revoked::revoked(chain, trust),
            CertificateError::UnknownRevocationStatus => revoked::unknown(chain),
            CertificateError::ExpiredRevocationList => revoked::stale(chain, trust, OffsetDateTime::now_utc()),
            CertificateError::ExpiredRevocationListContext { time, .. } => revoked::stale(chain, trust, at(*time)),
            other => about_fields(other, chain),
        }
    }

    /// `you trust the lab's authority`, as who refused it would say.
    pub fn believed(&self) -> String {
        format!("{} trust {}", self.we(), self.trust.described())
    }

    /// Whoever refused it.
    pub fn we(&self) -> &'static str {
        if self.side == Side::Client { "you" } else { "we" }
    }
}

/// What a client can do about it, told by a server.
fn clients_cure(code: &str) -> String {
    let cure = match code {
        "untrusted-issuer" | "self-signed" | "root-sent" => {
            "the client must show one that somebody whom we trust has signed: --cert FILE --key FILE; or let us believe theirs: ./server --cacert FILE"
        }
        "missing-intermediate" => "the client must show leaf and intermediates: --cert fullchain.pem --key FILE",
        "expired" => "the client must have its certificate renewed, or a clock is wrong: compare date -u on both sides",
        "not-yet-valid" => "most often a clock is wrong: compare date -u on both sides",
        "same-name-authority" => {
            "the authority was made again: have the client's certificate signed again, or restart us with the new root"
        }
        "weak-key" => "the client must make a longer key and have it signed: ./ca key FILE",
        "wrong-usage" => "the client must show one that was signed for clientAuth: ./ca sign user NAME",
        "not-its-key" => "the client must pair its certificate with its own key",
        "no-crl" | "stale-crl" => "our revocation lists must be brought up to date: ./ca crl",
        _ => "the client must show another: --cert FILE --key FILE",
    };
    format!("{cure} (docs/mutual.md)")
}

fn expired(chain: &[CertificateDer<'_>], now: OffsetDateTime) -> Error {
    let (which, whose, end) = outside(chain, |said| (said.not_after < now).then_some(said.not_after));
    Error::new("expired", format!("{whose} expired on {end}, {}", clock(now)))
        .hint("whoever runs the server must renew it, here: make certs; if your clock is wrong, set it (docs/certificate.md)")
        .fact("certificate", which)
        .fact("clock", date(now))
}

fn not_yet_valid(chain: &[CertificateDer<'_>], now: OffsetDateTime) -> Error {
    let (which, whose, start) = outside(chain, |said| (said.not_before > now).then_some(said.not_before));
    Error::new("not-yet-valid", format!("{whose} is not valid before {start}, {}", clock(now)))
        .hint(
            "most often a clock is wrong: compare yours with the server's; else wait, or make a new one: make certs (docs/certificate.md)",
        )
        .fact("certificate", which)
        .fact("clock", date(now))
}

/// The time that was judged by: the local clock's, unless somebody asked for another (`./ca verify --time`).
pub(super) fn clock(now: OffsetDateTime) -> String {
    let is_now = (OffsetDateTime::now_utc() - now).abs() < CLOCK_SLACK;
    format!("{} {}", if is_now { "your clock says" } else { "and was judged as of" }, date(now))
}

fn at(time: UnixTime) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)))
}

/// The certificate of the chain that is out of its time, its subject, and the date that it passed.
fn outside(chain: &[CertificateDer<'_>], passed: impl Fn(&Summary) -> Option<OffsetDateTime>) -> (Value, String, String) {
    let found = chain.iter().find_map(|der| {
        let said = summary(der).ok()?;
        passed(&said).map(|when| (told::certificate(der), said.subject, date(when)))
    });
    found.unwrap_or_else(|| (Value::Null, "it".into(), "an unreadable date".into()))
}

/// What a certificate says about itself is not what a server's must say (RFC 5280 4.2).
fn about_fields(error: &CertificateError, chain: &[CertificateDer<'_>]) -> Error {
    let leaf = chain.first().and_then(|der| summary(der).ok());
    let subject = leaf.as_ref().map_or("it", |said| said.subject.as_str());
    if let Some(path) = path_error(error) {
        return about_path(path, subject, chain);
    }
    match error {
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            let usage = leaf.as_ref().map(|said| said.extended_key_usage.join(", ")).unwrap_or_default();
            let usage = if usage.is_empty() { "another use".into() } else { usage };
            Error::new("wrong-usage", format!("{subject} was signed for {usage}, not for this (extendedKeyUsage)"))
                .hint(format!("a server needs serverAuth, a client clientAuth: {SIGN} (docs/certificate.md)"))
        }
        CertificateError::BadEncoding => Error::new("malformed", "it is no certificate that can be read (DER)")
            .hint(format!("whoever runs the server must look at its file: ./ca show FILE; or {SIGN} (docs/certificate.md)")),
        CertificateError::UnhandledCriticalExtension => unknown_critical(subject),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            let how = leaf.as_ref().map_or("a signature", |said| said.signature.as_str());
            Error::new("unsupported-signature", format!("{subject} is signed with {how}, which is too weak or unknown here"))
                .hint(format!("{SIGN}; it signs with SHA-256 (docs/certificate.md)"))
        }
        other => Error::new("certificate", format!("{subject}: {}", super::in_words(other)))
            .hint("look at it: ./ca show FILE (docs/certificate.md)"),
    }
}

/// Faults that webpki names and rustls hands on unnamed.
fn path_error(error: &CertificateError) -> Option<&Path> {
    match error {
        CertificateError::Other(other) => other.0.downcast_ref(),
        _ => None,
    }
}

fn about_path(error: &Path, subject: &str, chain: &[CertificateDer<'_>]) -> Error {
    match error {
        Path::CaUsedAsEndEntity => Error::new("ca-as-leaf", format!("{subject} is an authority's certificate (CA:TRUE), shown as a server's own"))
            .hint("make one that is no authority: ./ca self-sign --key FILE --name NAME; with openssl: -addext basicConstraints=critical,CA:FALSE (docs/certificate.md)"),
        Path::UnsupportedCertVersion => Error::new("v1", format!("{subject} is an X.509 version 1 certificate: it can carry no names"))
            .hint("./ca sign server NAME; with openssl: x509 -req needs -extfile with subjectAltName (docs/certificate.md)"),
        Path::EndEntityUsedAsCa => Error::new("leaf-as-ca", format!("{} signed {subject}, but is no authority itself (CA:FALSE)", chain::issuer_of_leaf(chain)))
            .hint(format!("an authority must sign it: {SIGN} (docs/authority.md)")),
        Path::PathLenConstraintViolated => Error::new("path-length", "an authority in its chain has more authorities below it than it was allowed (pathLenConstraint)")
            .hint("sign with an authority further up, or make the one above anew with a longer path (docs/authority.md)"),
        Path::MaximumPathDepthExceeded => Error::new("too-deep", format!("between {subject} and a root stand more authorities than we follow: {DEEPEST} at most"))
            .hint("have it signed by an authority further up (docs/authority.md)"),
        Path::NameConstraintViolation => Error::new("name-constraint", format!("its authority may not speak for {}", name::list(chain)))
            .hint("the lab's authority signs localhost, what ends in .localhost or .test, and loopback addresses only (docs/authority.md)"),
        Path::UnsupportedCriticalExtension => unknown_critical(subject),
        Path::MalformedDnsIdentifier => Error::new("malformed", format!("{subject} holds a name that is none (a wildcard needs two labels behind it)"))
            .hint(format!("{SIGN} (docs/certificate.md)")),
        other => Error::new("certificate", format!("{subject}: {}", super::in_words(other))).hint("look at it: ./ca show FILE (docs/certificate.md)"),
    }
}

fn unknown_critical(subject: &str) -> Error {
    Error::new("unknown-critical", format!("{subject} has a critical extension that we don't know, so we may not ignore it"))
        .hint(format!("{SIGN} without it (docs/certificate.md)"))
}
