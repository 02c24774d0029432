//! Opens sealed records of TLS 1.3 with the secrets of the session (RFC 9846 5.2, 7.3): what Wireshark does with a key log.

use super::records::{APPLICATION_DATA, Record};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{self, HKDF_SHA256, HKDF_SHA384, KeyType, Prk};

/// All suites of TLS 1.3 have a nonce of this length.
const NONCE: usize = 12;

/// What opens the records of one direction, one after the other.
pub struct Opener {
    suite: Suite,
    secret: Vec<u8>,
    key: LessSafeKey,
    iv: [u8; NONCE],
    /// Records are counted, not numbered: each is opened with the number of those before it.
    opened: u64,
}

#[derive(Clone, Copy)]
struct Suite {
    aead: &'static Algorithm,
    hash: hkdf::Algorithm,
}

impl Opener {
    /// `None` for a suite that is none of TLS 1.3.
    pub fn new(suite: u16, secret: &[u8]) -> Option<Opener> {
        let (aead, hash) = match suite {
            0x1301 => (&AES_128_GCM, HKDF_SHA256),
            0x1302 => (&AES_256_GCM, HKDF_SHA384),
            0x1303 => (&CHACHA20_POLY1305, HKDF_SHA256),
            _ => return None,
        };
        Opener::with(Suite { aead, hash }, secret)
    }

    fn with(suite: Suite, secret: &[u8]) -> Option<Opener> {
        let key = expand_label(suite.hash, secret, "key", suite.aead.key_len())?;
        let iv = expand_label(suite.hash, secret, "iv", NONCE)?.try_into().ok()?;
        let key = LessSafeKey::new(UnboundKey::new(suite.aead, &key).ok()?);
        Some(Opener { suite, secret: secret.to_vec(), key, iv, opened: 0 })
    }

    /// The opener for what follows a KeyUpdate (RFC 9846 7.2).
    pub fn next(&self) -> Option<Opener> {
        let length = self.secret.len();
        Opener::with(self.suite, &expand_label(self.suite.hash, &self.secret, "traffic upd", length)?)
    }

    /// The contents and their true type. `None` when the record does not open.
    pub fn open(&mut self, record: &Record) -> Option<(u8, Vec<u8>)> {
        let mut nonce = self.iv;
        nonce[NONCE - 8..].iter_mut().zip(self.opened.to_be_bytes()).for_each(|(byte, count)| *byte ^= count);
        let mut body = record.body.clone();
        let (nonce, header) = (Nonce::assume_unique_for_key(nonce), Aad::from(record.header));
        let plain = self.key.open_in_place(nonce, header, &mut body).ok()?;
        self.opened += 1;
        // The true type stands behind the contents; zeros behind it are padding (RFC 9846 5.4).
        let kind = plain.iter().rposition(|byte| *byte != 0)?;
        Some((plain[kind], plain[..kind].to_vec()))
    }
}

/// Whether this record is sealed as TLS 1.3 does it.
pub fn is_sealed(record: &Record) -> bool {
    record.kind() == APPLICATION_DATA
}

/// HKDF-Expand-Label (RFC 9846 7.1), with an empty context.
fn expand_label(hash: hkdf::Algorithm, secret: &[u8], label: &str, length: usize) -> Option<Vec<u8>> {
    let label = format!("tls13 {label}");
    let (output, name) = (u16::try_from(length).ok()?.to_be_bytes(), [u8::try_from(label.len()).ok()?]);
    let mut expanded = vec![0; length];
    Prk::new_less_safe(hash, secret).expand(&[&output, &name, label.as_bytes(), &[0]], Length(length)).ok()?.fill(&mut expanded).ok()?;
    Some(expanded)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// The server's handshake keys of the worked example in RFC 8448 section 3.
    #[test]
    fn keys_are_derived_as_in_the_worked_example() {
        let secret = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        assert_eq!(expand_label(HKDF_SHA256, &secret, "key", 16).unwrap(), hex("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(expand_label(HKDF_SHA256, &secret, "iv", 12).unwrap(), hex("5d313eb2671276ee13000b30"));
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let mut opener = Opener::new(0x1301, &[7; 32]).unwrap();
        assert!(opener.open(&Record { header: [23, 3, 3, 0, 20], body: vec![0; 20] }).is_none());
        assert!(opener.open(&Record { header: [23, 3, 3, 0, 0], body: vec![] }).is_none());
        assert!(Opener::new(0xc02f, &[7; 32]).is_none());
    }
}
