//! Who the server is: its certificate and key, and what is made of them for every handshake.

use crate::options::Options;
use padlock::{
    certificate::{self, Identity, Name},
    error::Result,
    tls::{self, Settings},
    wire,
};
use rustls::ServerConfig;
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

/// Loads the identity that the options name, and makes the server's half of all handshakes of it. Called at start, and again on
/// SIGHUP: connections that are open keep what they began with.
pub fn load(options: &Options) -> Result<Arc<ServerConfig>> {
    let identity = match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => Identity::load(cert, key)?,
        _ if options.self_signed => self_signed()?,
        _ => {
            let (cert, key) = options.places().server("localhost");
            Identity::load(&cert, &key)?
        }
    };
    let settings = Settings { allow_tls12: options.allow_tls12(), alpn: vec![b"http/1.1".to_vec()], key_log: wire::key_log(None)? };
    tls::server(&identity, None, &settings)
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
