//! Who the server is: its certificate and key, and what is made of them for every handshake.

use crate::options::Options;
use padlock::{
    certificate::{self, Identity, Name},
    error::Result,
    tls::{self, Settings},
    trust::{ClientAuth, Trust},
};
use rustls::{ServerConfig, pki_types::CertificateDer};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// The server's side of every handshake of one service: who we are, and whom we believe.
pub struct Side {
    options: Arc<Options>,
    clients: ClientAuth,
    alpn: &'static [&'static str],
    /// Whose identity it is, when it is a service's own.
    service: Option<&'static str>,
    config: Mutex<Arc<ServerConfig>>,
}

impl Side {
    /// `clients`: what is asked of them unless `--client-auth` says otherwise.
    pub fn new(options: &Arc<Options>, who: &Identity, clients: ClientAuth, alpn: &'static [&'static str]) -> Result<Side> {
        Side::fixed(options, who, options.client_auth.unwrap_or(clients), alpn)
    }

    /// As [`Side::new`], where `--client-auth` has no say.
    pub fn fixed(options: &Arc<Options>, who: &Identity, clients: ClientAuth, alpn: &'static [&'static str]) -> Result<Side> {
        let config = Mutex::new(make(options, who, clients, alpn)?);
        Ok(Side { options: options.clone(), clients, alpn, service: None, config })
    }

    /// Where services call: we are `NAME.services.test`, and they have to prove who they are.
    pub fn of_service(options: &Arc<Options>, name: &'static str, alpn: &'static [&'static str]) -> Result<Side> {
        let side = Side::fixed(options, &service(options, name)?, ClientAuth::Require, alpn)?;
        Ok(Side { service: Some(name), ..side })
    }

    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on we are `who`, and believe what the files say now. Connections that are open keep what they began with.
    pub fn change(&self, who: &Identity) -> Result<()> {
        let own = self.service.map(|name| service(&self.options, name)).transpose()?;
        let config = make(&self.options, own.as_ref().unwrap_or(who), self.clients, self.alpn)?;
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }
}

fn make(options: &Options, who: &Identity, clients: ClientAuth, alpn: &[&str]) -> Result<Arc<ServerConfig>> {
    let alpn = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let settings =
        Settings { allow_tls12: options.allow_tls12(), alpn, key_log: options.record.key_log()?, overheard: options.illustrates() };
    if clients == ClientAuth::None {
        return tls::server(who, None, &settings);
    }
    tls::server(who, Some((&trust(options)?, clients)), &settings)
}

/// Whom we believe about clients, and what was taken back of it.
pub fn trust(options: &Options) -> Result<Trust> {
    if let Some(file) = &options.cacert {
        return Trust::file(file);
    }
    let lab = Trust::lab(&options.places())?;
    let list = options.places().crl("intermediate");
    if options.no_crl || !list.exists() { Ok(lab) } else { lab.and_revoked_by(&list) }
}

/// Has `look` look at people again, with whom we believe now. If the files are no good, the log says that nobody can.
pub fn look(options: &Options, look: impl FnOnce(&Trust)) {
    match trust(options) {
        Ok(trust) => look(&trust),
        Err(e) => log::error!(target: "trust", "nobody can tell who was revoked: {e} ({})", e.hint),
    }
}

/// Why `name`, whose certificate this is, has to go, if so.
pub fn taken_back(trust: &Trust, name: &str, leaf: &CertificateDer<'_>) -> Option<String> {
    let revoked = trust.revoked(leaf)?;
    Some(format!("{name}'s certificate {} was revoked on {}", revoked.serial, certificate::date(revoked.at)))
}

/// Loads who we are, as the options name it.
pub fn load(options: &Options) -> Result<Identity> {
    match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => Identity::load(cert, key),
        _ if options.self_signed => self_signed(),
        _ => {
            let (cert, key) = options.places().server("localhost");
            Identity::load(&cert, &key)
        }
    }
}

/// Who we are when we call another service, or are called by one.
pub fn service(options: &Options, name: &str) -> Result<Identity> {
    let (cert, key) = options.places().service(name);
    Identity::load(&cert, &key)
}

/// A certificate that nobody vouches for. Whoever makes an exception for it in a browser trusts this one key, and has to compare
/// the fingerprint to know that it is ours; so it is printed.
fn self_signed() -> Result<Identity> {
    let names = [Name::Dns("localhost".into()), Name::Ip(Ipv4Addr::LOCALHOST.into()), Name::Ip(Ipv6Addr::LOCALHOST.into())];
    let identity = Identity::self_signed(&names)?;
    for der in &identity.chain {
        log::warn!(target: "certificate", "self-signed, SHA-256 {}", certificate::fingerprint(der));
    }
    Ok(identity)
}
