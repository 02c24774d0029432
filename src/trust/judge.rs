//! The verifiers: the only place where one is built. rustls asks them, webpki answers.
//!
//! They add two things to webpki's judgement. A pinned certificate is believed about itself alone, although webpki would
//! take any root as somebody who may sign for others. And what the peer showed is remembered.

use super::{ClientAuth, Presented, Trust, Verdict};
use crate::error::{Error, Result, exit};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use std::cell::RefCell;
use std::sync::{Arc, PoisonError};

type Judged<T> = std::result::Result<T, rustls::Error>;
type Lists = Vec<CertificateRevocationListDer<'static>>;

pub fn of_servers(trust: &Trust, presented: Presented) -> Result<Arc<dyn ServerCertVerifier>> {
    let judges = Judges::new(trust, |roots, lists| {
        let judge = WebPkiServerVerifier::builder(roots.into()).with_crls(lists);
        judge.only_check_end_entity_revocation().enforce_revocation_expiration().build().map(|judge| judge as _)
    })?;
    Ok(Arc::new(OfServers { judges, presented }))
}

pub fn observer(trust: &Trust, presented: Presented, verdict: Verdict) -> Result<Arc<dyn ServerCertVerifier>> {
    Ok(Arc::new(Observer { judge: of_servers(trust, presented)?, verdict }))
}

pub fn of_clients(trust: &Trust, how: ClientAuth) -> Result<Arc<dyn ClientCertVerifier>> {
    if how == ClientAuth::None {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let judges = Judges::new(trust, |roots, lists| {
        let judge = WebPkiClientVerifier::builder(roots.into()).with_crls(lists);
        judge.only_check_end_entity_revocation().enforce_revocation_expiration().build()
    })?;
    let hints = judges.all().flat_map(|judge| judge.root_hint_subjects().to_vec()).collect();
    let trust = Arc::new(trust.clone());
    Ok(Arc::new(OfClients { judges, trust, hints, required: how == ClientAuth::Require }))
}

/// One judge for all authorities together, and one for each pinned certificate, who knows that certificate only.
#[derive(Debug)]
struct Judges<J: ?Sized> {
    authorities: Option<Arc<J>>,
    pinned: Vec<(CertificateDer<'static>, Arc<J>)>,
    schemes: Vec<SignatureScheme>,
}

impl<J: ?Sized> Judges<J> {
    fn new<E>(trust: &Trust, judge: impl Fn(RootCertStore, Lists) -> std::result::Result<Arc<J>, E>) -> Result<Judges<J>> {
        let unusable = |_| nobody_trusted(trust);
        let lists = trust.lists.iter().map(|list| list.der.clone()).collect();
        let authorities = if trust.roots.is_empty() { None } else { Some(judge(trust.roots.clone(), lists).map_err(unusable)?) };
        let mut pinned = Vec::new();
        for certificate in &trust.pinned {
            let mut itself = RootCertStore::empty();
            itself.add(certificate.clone()).map_err(|_| nobody_trusted(trust))?;
            pinned.push((certificate.clone(), judge(itself, Lists::new()).map_err(|_| nobody_trusted(trust))?));
        }
        if authorities.is_none() && pinned.is_empty() {
            return Err(nobody_trusted(trust));
        }
        let schemes = algorithms().supported_schemes();
        Ok(Judges { authorities, pinned, schemes })
    }

    /// Who judges this certificate.
    fn of(&self, leaf: &CertificateDer<'_>) -> Judged<&J> {
        let itself = self.pinned.iter().find(|(pinned, _)| pinned == leaf).map(|(_, judge)| judge);
        itself.or(self.authorities.as_ref()).map(Arc::as_ref).ok_or_else(|| CertificateError::UnknownIssuer.into())
    }

    fn all(&self) -> impl Iterator<Item = &Arc<J>> {
        self.authorities.iter().chain(self.pinned.iter().map(|(_, judge)| judge))
    }
}

#[derive(Debug)]
struct OfServers {
    judges: Judges<dyn ServerCertVerifier>,
    presented: Presented,
}

impl ServerCertVerifier for OfServers {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Judged<ServerCertVerified> {
        let chain = std::iter::once(leaf).chain(others).map(|certificate| certificate.clone().into_owned()).collect();
        *self.presented.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        self.judges.of(leaf)?.verify_server_cert(leaf, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Judged<HandshakeSignatureValid> {
        self.judges.of(leaf)?.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Judged<HandshakeSignatureValid> {
        self.judges.of(leaf)?.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judges.schemes.clone()
    }
}

/// Keeps the verdict, and lets the handshake go on.
#[derive(Debug)]
struct Observer {
    judge: Arc<dyn ServerCertVerifier>,
    verdict: Verdict,
}

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Judged<ServerCertVerified> {
        let judged = self.judge.verify_server_cert(leaf, others, name, ocsp, now);
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = judged.err();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Judged<HandshakeSignatureValid> {
        verify_tls12_signature(message, leaf, signature, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Judged<HandshakeSignatureValid> {
        verify_tls13_signature(message, leaf, signature, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms
}

#[derive(Debug)]
struct OfClients {
    judges: Judges<dyn ClientCertVerifier>,
    trust: Arc<Trust>,
    hints: Vec<DistinguishedName>,
    required: bool,
}

thread_local! {
    /// One thread serves one connection at a time, and the judge is asked on that thread: so what was refused last here was
    /// shown by the peer of whoever asks.
    static REFUSED: RefCell<Option<(Chain, Arc<Trust>)>> = const { RefCell::new(None) };
}

type Chain = Vec<CertificateDer<'static>>;

/// The chain that a client has just shown and this thread has refused, and whom we believe. It is told once.
pub fn refused_client() -> (Vec<CertificateDer<'static>>, Arc<Trust>) {
    REFUSED.take().unwrap_or_else(|| (Vec::new(), Arc::new(Trust::nobody("somebody else"))))
}

impl OfClients {
    fn remember<T>(&self, judged: Judged<T>, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Judged<T> {
        if judged.is_err() {
            let chain = std::iter::once(leaf).chain(others).map(|certificate| certificate.clone().into_owned()).collect();
            REFUSED.set(Some((chain, self.trust.clone())));
        }
        judged
    }
}

impl ClientCertVerifier for OfClients {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    /// Sent along with the question, so that a browser offers only certificates that have a chance.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Judged<ClientCertVerified> {
        let judged = self.judges.of(leaf).and_then(|judge| judge.verify_client_cert(leaf, others, now));
        self.remember(judged, leaf, others)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Judged<HandshakeSignatureValid> {
        self.remember(self.judges.of(leaf).and_then(|judge| judge.verify_tls12_signature(message, leaf, signature)), leaf, &[])
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Judged<HandshakeSignatureValid> {
        self.remember(self.judges.of(leaf).and_then(|judge| judge.verify_tls13_signature(message, leaf, signature)), leaf, &[])
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judges.schemes.clone()
    }
}

fn nobody_trusted(trust: &Trust) -> Error {
    Error::new("nobody-trusted", format!("{}: no authority and no certificate to believe", trust.described))
        .hint("name a file that has one: --cacert certs/ca/root.crt (docs/trust.md)")
        .exit(exit::CA_FILE)
}
