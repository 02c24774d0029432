//! The gallery: names below localhost, each with a certificate that is wrong in its own way. Which one a client sees is decided
//! by the name that it asks for (SNI, RFC 6066 3).

use crate::options::Options;
use padlock::{
    authority::gallery::{Entry, Manner, OTHER_PROTOCOL},
    certificate,
    error::{Error, Result, exit},
    key,
    trust::{ClientAuth, Trust},
};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// What the gallery shows. Each entry is loaded when somebody asks for it first, so it costs nothing before.
pub struct Gallery {
    options: Arc<Options>,
    shown: Mutex<HashMap<&'static str, Arc<ServerConfig>>>,
}

impl Gallery {
    pub fn new(options: &Arc<Options>) -> Gallery {
        Gallery { options: options.clone(), shown: Mutex::default() }
    }

    /// Who answers to this name, if it is one of the gallery's. A name below localhost that nobody has is told to the log.
    pub fn answers(&self, name: &str, remote: SocketAddr) -> Option<Arc<ServerConfig>> {
        if name.ends_with('.') {
            let rule = "a name is sent without a dot at its end (RFC 6066 3)";
            log::info!(target: "tls", "{remote} asked for {name}, but {rule}: it is shown the certificate that all others are");
            return None;
        }
        if !name.ends_with(".localhost") {
            return None;
        }
        let Some(entry) = Entry::of_host(name) else {
            log::info!(target: "tls", "{remote} asked for {name}, which is nobody here: it is shown the certificate that all others are");
            return None;
        };
        if let Some(config) = self.shown.lock().unwrap_or_else(PoisonError::into_inner).get(entry.name) {
            return Some(config.clone());
        }
        match self.make(entry) {
            Ok(config) => {
                self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.name, config.clone());
                Some(config)
            }
            Err(e) => {
                log::warn!(target: "tls", "{remote} asked for {name} of the gallery, which can't be shown: {e} (make certs)");
                None
            }
        }
    }

    /// What was loaded is loaded anew: `make certs` may have made it again.
    pub fn forget(&self) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Unlike [`tls::server`](padlock::tls::server), which looks at a certificate before it shows it.
    fn make(&self, entry: &Entry) -> Result<Arc<ServerConfig>> {
        let places = self.options.places();
        let (chain, key) = entry.files(&places);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let shown = Shown(Arc::new(unchecked(&provider, &chain, &key)?));
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions(entry.manner)).map_err(unusable)?;
        let how = match entry.manner {
            Manner::Asks => ClientAuth::Request,
            Manner::Requires => ClientAuth::Require,
            _ => ClientAuth::None,
        };
        let clients = Trust::lab(&places)?.judge_clients(how)?;
        let mut config = builder.with_client_cert_verifier(clients).with_cert_resolver(Arc::new(shown));
        // Each visit is to see the certificate, so none is shortened by a ticket.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let protocol = if entry.manner == Manner::OtherProtocol { OTHER_PROTOCOL } else { "http/1.1" };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        if let Some(log) = self.options.record.key_log()? {
            config.key_log = log;
        }
        Ok(Arc::new(config))
    }
}

/// Shows one chain, whatever is asked for and whatever is wrong with it.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Nowhere else is a certificate shown without a look at it.
fn unchecked(provider: &rustls::crypto::CryptoProvider, chain: &Path, key: &Path) -> Result<CertifiedKey> {
    let key = provider.key_provider.load_private_key(key::load(key)?).map_err(unusable)?;
    Ok(CertifiedKey::new(certificate::load_chain(chain)?, key))
}

fn versions(manner: Manner) -> &'static [&'static SupportedProtocolVersion] {
    static USUAL: [&SupportedProtocolVersion; 1] = [&TLS13];
    static OLD: [&SupportedProtocolVersion; 1] = [&TLS12];
    if manner == Manner::Tls12 { &OLD } else { &USUAL }
}

fn unusable(e: rustls::Error) -> Error {
    Error::new("unusable-identity", format!("TLS can't use this certificate and key: {e}")).hint("make certs").exit(exit::OWN_CERTIFICATE)
}
