//! The public half alone, as it comes out of a request.

use crate::error::{Error, Result};
use rcgen::{PublicKeyData, SignatureAlgorithm};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A public key of a kind that the authority signs for.
#[derive(Debug, Clone)]
pub struct Public {
    algorithm: &'static SignatureAlgorithm,
    bits: Vec<u8>,
}

impl Public {
    /// Takes the key out of a parsed SubjectPublicKeyInfo (RFC 5280 4.1.2.7).
    ///
    /// # Errors
    /// An RSA key is shorter than 2048 bits, or the kind is not P-256, P-384, Ed25519 or RSA.
    pub fn new(info: &SubjectPublicKeyInfo<'_>) -> Result<Public> {
        let curve = info.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok()).map(|oid| oid.to_id_string());
        let algorithm = match (info.algorithm.algorithm.to_id_string().as_str(), curve.as_deref()) {
            ("1.2.840.10045.2.1", Some("1.2.840.10045.3.1.7")) => &rcgen::PKCS_ECDSA_P256_SHA256,
            ("1.2.840.10045.2.1", Some("1.3.132.0.34")) => &rcgen::PKCS_ECDSA_P384_SHA384,
            ("1.3.101.112", _) => &rcgen::PKCS_ED25519,
            ("1.2.840.113549.1.1.1", _) => match info.parsed() {
                Ok(PublicKey::RSA(rsa)) => check_rsa(rsa.modulus)?,
                _ => return Err(unknown()),
            },
            _ => return Err(unknown()),
        };
        Ok(Public { algorithm, bits: info.subject_public_key.data.to_vec() })
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn der(&self) -> Vec<u8> {
        self.subject_public_key_info()
    }
}

impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn check_rsa(modulus: &[u8]) -> Result<&'static SignatureAlgorithm> {
    let bits = super::bits(modulus);
    if bits < super::SHORTEST_RSA as usize {
        return Err(Error::new(
            "key-too-short",
            format!("the request's RSA key has {bits} bits, which can be factored; {} is the least", super::SHORTEST_RSA),
        )
        .hint("make a new key and a new request: ./ca key NEW.key"));
    }
    Ok(&rcgen::PKCS_RSA_SHA256)
}

fn unknown() -> Error {
    Error::new("key-kind", "the request's key is of a kind that this authority does not sign for")
        .hint("make a new key of kind p256, p384, ed25519 or rsa:2048: ./ca key NEW.key")
}
