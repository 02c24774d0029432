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
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The server's side of every handshake of one service: who we are, and whom we believe.
pub struct Side {
    options: Arc<Options>,
    clients: ClientAuth,
    alpn: &'static [&'static str],
    /// Whose identity it is, when it is a service's own.
    service: Option<&'static str>,
    rules: Mutex<Rules>,
}

/// What is true of a side until the files change.
struct Rules {
    config: Arc<ServerConfig>,
    /// Whom we believe about clients, if they are asked at all.
    trust: Option<Arc<Trust>>,
}

impl Side {
    /// `clients`: what is asked of them unless `--client-auth` says otherwise.
    pub fn new(options: &Arc<Options>, who: &Identity, clients: ClientAuth, alpn: &'static [&'static str]) -> Result<Side> {
        Side::fixed(options, who, options.client_auth.unwrap_or(clients), alpn)
    }

    /// As [`Side::new`], where `--client-auth` has no say.
    pub fn fixed(options: &Arc<Options>, who: &Identity, clients: ClientAuth, alpn: &'static [&'static str]) -> Result<Side> {
        let rules = Mutex::new(make(options, who, clients, alpn, trust)?);
        Ok(Side { options: options.clone(), clients, alpn, service: None, rules })
    }

    /// Where services call: we are `NAME.services.test`, and they have to prove who they are. The lab's authority alone says so,
    /// whoever vouches for other clients.
    pub fn of_service(options: &Arc<Options>, name: &'static str, alpn: &'static [&'static str]) -> Result<Side> {
        let rules = Mutex::new(make(options, &service(options, name)?, ClientAuth::Require, alpn, lab)?);
        Ok(Side { options: options.clone(), clients: ClientAuth::Require, alpn, service: Some(name), rules })
    }

    pub fn config(&self) -> Arc<ServerConfig> {
        self.rules().config.clone()
    }

    /// Why `name`, whose certificate was good at the handshake, has to go by now, if so.
    pub fn taken_back(&self, name: &str, leaf: &CertificateDer<'_>) -> Option<String> {
        let trust = self.rules().trust.clone()?; // a list takes a while to search, and handshakes need these rules
        taken_back(&trust, name, leaf)
    }

    /// Whether clients are asked for a certificate.
    pub fn asks(&self) -> bool {
        self.clients != ClientAuth::None
    }

    /// From now on we are `who`, and believe what the files say now. Connections that are open keep what they began with.
    pub fn change(&self, who: &Identity) -> Result<()> {
        let rules = match self.service {
            Some(name) => make(&self.options, &service(&self.options, name)?, self.clients, self.alpn, lab)?,
            None => make(&self.options, who, self.clients, self.alpn, trust)?,
        };
        *self.rules() = rules;
        Ok(())
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `believed`: what gives whom we believe about clients, if they are asked.
fn make(options: &Options, who: &Identity, clients: ClientAuth, alpn: &[&str], believed: fn(&Options) -> Result<Trust>) -> Result<Rules> {
    let alpn = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let settings =
        Settings { allow_tls12: options.allow_tls12(), alpn, key_log: options.record.key_log()?, overheard: options.illustrates() };
    let trust = (clients != ClientAuth::None).then(|| believed(options)).transpose()?;
    let config = tls::server(who, trust.as_ref().map(|trust| (trust, clients)), &settings)?;
    Ok(Rules { config, trust: trust.map(Arc::new) })
}

/// Whom we believe about clients, and what was taken back of it.
pub fn trust(options: &Options) -> Result<Trust> {
    options.cacert.as_ref().map_or_else(|| lab(options), |file| Trust::file(file))
}

/// Whom the lab's services believe about each other: the lab's authority, less what it took back.
pub fn lab(options: &Options) -> Result<Trust> {
    if options.no_crl { Trust::lab(&options.places()) } else { Trust::lab_less_revoked(&options.places()) }
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
