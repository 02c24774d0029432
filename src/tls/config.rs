//! What each side brings along to all its handshakes: who I am, whom I believe, what may be chosen.

use super::exchange;
use crate::{
    certificate::Identity,
    error::{Error, Result, exit},
    trust::{ClientAuth, Presented, Trust},
};
use rustls::{
    ClientConfig, KeyLog, ServerConfig, SupportedProtocolVersion,
    client::danger::ServerCertVerifier,
    crypto::aws_lc_rs,
    server::NoServerSessionStorage,
    version::{TLS12, TLS13},
};
use std::sync::Arc;

/// What both sides may choose. Groups and cipher suites are not among it: the library's defaults are the right ones.
#[derive(Clone, Default)]
pub struct Settings {
    /// Speak TLS 1.2 too. Without it, TLS 1.3 only.
    pub allow_tls12: bool,
    /// Application protocols, best first (ALPN, RFC 7301). Empty: the extension is left out.
    pub alpn: Vec<Vec<u8>>,
    /// Who is told the secrets of each session (`SSLKEYLOGFILE`). See [`wire`](crate::wire).
    pub key_log: Option<Arc<dyn KeyLog>>,
    /// What the key shares agree on may be [overheard](super::overhear). It costs nothing while nobody does.
    pub overheard: bool,
}

/// Makes the server's half of all handshakes to come: who I am, and whom I believe when a client shows a certificate.
///
/// Tickets for resumption (RFC 9846 4.7.1) are sealed with a key that rotates every six hours, so the server keeps no
/// session. Early data (0-RTT) stays off: it can be replayed (RFC 9846 8).
pub fn server(who: &Identity, clients: Option<(&Trust, ClientAuth)>, settings: &Settings) -> Result<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_provider(exchange::provider(settings.overheard))
        .with_protocol_versions(versions(settings))
        .map_err(unusable)?;
    let builder = match clients {
        Some((trust, how)) => builder.with_client_cert_verifier(trust.judge_clients(how)?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(who.chain.clone(), who.key.clone_key()).map_err(unusable)?;
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(unusable)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1; // a session that uses it brings the next; a second one would be sealed for nothing
    config.alpn_protocols = settings.alpn.clone();
    if let Some(log) = &settings.key_log {
        config.key_log = log.clone();
    }
    Ok(Arc::new(config))
}

/// Makes the client's half: whom I believe, and who I am if the server asks. What the server shows is kept in `presented`.
pub fn client(who: Option<&Identity>, trust: &Trust, presented: Presented, settings: &Settings) -> Result<Arc<ClientConfig>> {
    client_with(trust.judge_servers(presented)?, who, settings)
}

/// As [`client`], with this verifier.
pub(super) fn client_with(judge: Arc<dyn ServerCertVerifier>, who: Option<&Identity>, settings: &Settings) -> Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(exchange::provider(settings.overheard))
        .with_protocol_versions(versions(settings))
        .map_err(unusable)?
        .dangerous() // rustls' word for a verifier given by hand: ours comes from `trust`, and judges as the library's does
        .with_custom_certificate_verifier(judge);
    let mut config = match who {
        Some(me) => builder.with_client_auth_cert(me.chain.clone(), me.key.clone_key()).map_err(unusable)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = settings.alpn.clone();
    if let Some(log) = &settings.key_log {
        config.key_log = log.clone();
    }
    Ok(Arc::new(config))
}

fn versions(settings: &Settings) -> &'static [&'static SupportedProtocolVersion] {
    static MODERN: [&SupportedProtocolVersion; 1] = [&TLS13];
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    if settings.allow_tls12 { &BOTH } else { &MODERN }
}

/// What is left after [`Identity::load`] has looked: the library itself can't use the pair.
fn unusable(e: rustls::Error) -> Error {
    Error::new("unusable-identity", format!("TLS can't use this certificate and key: {e}"))
        .hint("look at both with ./ca show, or make new ones: make clean-certs && make certs")
        .exit(exit::OWN_CERTIFICATE)
}
