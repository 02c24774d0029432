//! Who the server is: its certificate and key, and what is made of them for every handshake.

use crate::options::Options;
use padlock::{
    certificate::Identity,
    error::Result,
    tls::{self, Settings},
    wire,
};
use rustls::ServerConfig;
use std::sync::Arc;

/// Loads the identity that the options name, and makes the server's half of all handshakes of it. Called at start, and again on
/// SIGHUP: connections that are open keep what they began with.
pub fn load(options: &Options) -> Result<Arc<ServerConfig>> {
    let identity = match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => Identity::load(cert, key)?,
        _ => {
            let (cert, key) = options.places().server("localhost");
            Identity::load(&cert, &key)?
        }
    };
    let settings = Settings { allow_tls12: options.allow_tls12(), alpn: vec![b"http/1.1".to_vec()], key_log: wire::key_log(None)? };
    tls::server(&identity, None, &settings)
}
