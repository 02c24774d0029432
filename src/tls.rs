// CONTRACT (in work by the lead)
use crate::{
    certificate::Identity,
    error::Result,
    trust::{ClientAuth, Presented, Trust},
};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ServerConfig};
use std::io::{self, Read, Write};
use std::sync::Arc;

/// What both sides may choose; everything else is the library's default.
#[derive(Clone)]
pub struct Settings {
    /// Also TLS 1.2 (`--min-tls 1.2`); by default 1.3 only.
    pub allow_tls12: bool,
    /// ALPN protocols, `http/1.1` for HTTPS and wss; empty: none offered, none asked.
    pub alpn: Vec<Vec<u8>>,
    /// Where the session's secrets go (`SSLKEYLOGFILE`), see `wire`.
    pub key_log: Option<Arc<dyn rustls::KeyLog>>,
}

/// The server's half, made once for many connections.
pub fn server(_who: &Identity, _clients: Option<(&Trust, ClientAuth)>, _settings: &Settings) -> Result<Arc<ServerConfig>> {
    todo!()
}
/// The client's half.
pub fn client(_who: Option<&Identity>, _trust: &Trust, _presented: Presented, _settings: &Settings) -> Result<Arc<ClientConfig>> {
    todo!()
}

/// A TLS session on a stream: reads and writes plaintext.
pub struct Tls<S> {
    pub session: rustls::Connection,
    pub stream: S,
}

/// Why a handshake or session ended badly; `refusal` explains it.
#[derive(Debug)]
pub enum Failure {
    /// The peer's bytes, or ours, broke TLS or its rules.
    Tls(rustls::Error),
    /// The TCP stream failed, timed out, or ended.
    Io(io::Error),
}
pub fn accept<S: Read + Write>(_stream: S, _config: &Arc<ServerConfig>) -> std::result::Result<Tls<S>, Failure> {
    todo!()
}
pub fn connect<S: Read + Write>(
    _stream: S,
    _name: ServerName<'static>,
    _config: &Arc<ClientConfig>,
) -> std::result::Result<Tls<S>, Failure> {
    todo!()
}

/// What the handshake agreed on.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Facts {
    pub version: String,       // "TLSv1.3"
    pub suite: String,         // "TLS_AES_256_GCM_SHA384"
    pub group: Option<String>, // "X25519MLKEM768"
    pub sni: Option<String>,
    pub alpn: Option<String>,
    pub resumed: bool,
    #[serde(skip)]
    pub peer_chain: Vec<CertificateDer<'static>>,
}
impl<S> Tls<S> {
    pub fn facts(&self) -> Facts {
        todo!()
    }
    /// Says close_notify. The end of every healthy session (RFC 9846 6.1).
    pub fn close(&mut self) -> io::Result<()>
    where
        S: Write,
    {
        todo!()
    }
}
impl<S: Read + Write> Read for Tls<S> {
    fn read(&mut self, _b: &mut [u8]) -> io::Result<usize> {
        todo!()
    }
}
impl<S: Read + Write> Write for Tls<S> {
    fn write(&mut self, _b: &[u8]) -> io::Result<usize> {
        todo!()
    }
    fn flush(&mut self) -> io::Result<()> {
        todo!()
    }
}
