//! Certificate, CertificateRequest, CertificateVerify and Finished: who is there, and that nobody changed a byte.

use super::extension::{self, Place};
use super::{Reader, count, number};
use crate::certificate::summary;
use crate::wire::hex;
use crate::wire::message::TLS13;
use crate::wire::registry::signature_scheme;
use rustls::pki_types::CertificateDer;

/// RFC 9846 4.5.1.
pub fn certificate(reader: &mut Reader<'_>, version: u16) -> Option<()> {
    const HERE: &str = "RFC 9846 4.5.1";
    if version == TLS13 {
        reader.vector("certificate_request_context", 1, HERE, "which request this answers; empty in a handshake", count)?;
    }
    reader.group("certificate_list", 3, HERE, "the chain, leaf first; the root is left out", |list| {
        list.each(|list| {
            let means = "a name tied to a public key, signed by the next one's key";
            list.vector("cert_data", 3, "RFC 5280 4.1", means, |der| {
                let subject = summary(&CertificateDer::from(der)).map_or_else(|_| "one that can't be read".into(), |leaf| leaf.subject);
                format!("{subject}, {} bytes of DER", der.len())
            })?;
            if version == TLS13 { extension::list(list, Place::Certificate) } else { Some(()) }
        })
    })
}

/// RFC 9846 4.4.2.
pub fn certificate_request(reader: &mut Reader<'_>) -> Option<()> {
    reader.vector("certificate_request_context", 1, "RFC 9846 4.4.2", "empty in a handshake", count)?;
    extension::list(reader, Place::CertificateRequest)
}

/// RFC 9846 4.5.2.
pub fn certificate_verify(reader: &mut Reader<'_>) -> Option<()> {
    const HERE: &str = "RFC 9846 4.5.2";
    reader.bytes("algorithm", 2, "RFC 9846 4.3.3", "how it is signed", |code| signature_scheme(number(code) as u16))?;
    let means = "over the hash of all messages so far: only the owner of the certificate's key can make it, and only for this session";
    reader.vector("signature", 2, HERE, means, count)?;
    Some(())
}

/// RFC 9846 4.5.3.
pub fn finished(reader: &mut Reader<'_>) -> Option<()> {
    let means = "a checksum over all messages so far, made with a secret: nobody on the way changed any of them";
    reader.all("verify_data", "RFC 9846 4.5.3", means, hex)?;
    Some(())
}
