// CONTRACT (helper A implements; others rely on these names)
use crate::error::Result;
use rustls::pki_types::PrivateKeyDer;
use std::path::Path;

/// Which kind of key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    P256,
    P384,
    Ed25519,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

/// A secret and its public half.
pub struct Key;
impl Key {
    pub fn generate(_kind: Kind) -> Result<Key> {
        todo!()
    }
    pub fn load(_file: &Path) -> Result<Key> {
        todo!()
    }
    /// 0600 from the first byte, never overwrites.
    pub fn save(&self, _file: &Path) -> Result<()> {
        todo!()
    }
}
/// A private key as TLS wants it: PKCS#8, PKCS#1 or SEC1.
pub fn load(_file: &Path) -> Result<PrivateKeyDer<'static>> {
    todo!()
}
