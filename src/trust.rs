// CONTRACT (helper C implements)
use crate::error::Result;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

/// Whom I believe.
#[derive(Clone)]
pub struct Trust;
impl Trust {
    /// The web's authorities, as Mozilla lists them (webpki-roots).
    pub fn web() -> Trust {
        todo!()
    }
    /// Every certificate of a PEM file is a root, or exactly this certificate when it is self-signed.
    pub fn file(_pem: &Path) -> Result<Trust> {
        todo!()
    }
    /// For a client: judges servers. What was presented is remembered in `Presented`, so that a refusal can be explained.
    pub fn judge_servers(&self, _presented: Presented) -> Result<Arc<dyn ServerCertVerifier>> {
        todo!()
    }
    /// For a server: judges clients.
    pub fn judge_clients(&self, _how: ClientAuth) -> Result<Arc<dyn ClientCertVerifier>> {
        todo!()
    }
}
/// The chain that a peer presented, accepted or not.
pub type Presented = Arc<Mutex<Vec<CertificateDer<'static>>>>;
/// Node's requestCert / rejectUnauthorized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    None,
    Request,
    Require,
}
