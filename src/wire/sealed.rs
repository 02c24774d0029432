//! Opens sealed records of TLS 1.3 with the secrets of the session (RFC 9846 5.2, 7.3): what Wireshark does with a key log.

use super::records::{APPLICATION_DATA, Record};
use super::schedule::{Keys, NONCE, Suite};
use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce, UnboundKey};
use std::sync::Arc;

/// What opens the records of one direction, one after the other.
pub struct Opener {
    suite: Suite,
    secret: Arc<Vec<u8>>,
    keys: Arc<Keys>,
    key: LessSafeKey,
    /// Records are counted, not numbered: each is opened with the number of those before it.
    opened: u64,
}

/// How a record was opened, and what was in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The true content type.
    pub kind: u8,
    pub contents: Vec<u8>,
    /// Zeros behind the true type, which hide how long the contents are (RFC 9846 5.4).
    pub padding: usize,
    /// Records of this direction that were sealed with the same keys before.
    pub number: u64,
    pub nonce: [u8; NONCE],
    /// The traffic secret, and the keys that were made of it.
    pub secret: Arc<Vec<u8>>,
    pub keys: Arc<Keys>,
}

impl Opener {
    /// `None` for a suite that is none of TLS 1.3.
    pub fn new(suite: u16, secret: &[u8]) -> Option<Opener> {
        Opener::with(Suite::of(suite)?, secret.to_vec())
    }

    fn with(suite: Suite, secret: Vec<u8>) -> Option<Opener> {
        let keys = suite.keys(&secret)?;
        let key = LessSafeKey::new(UnboundKey::new(suite.aead, &keys.key).ok()?);
        Some(Opener { suite, secret: Arc::new(secret), keys: Arc::new(keys), key, opened: 0 })
    }

    /// The opener for what follows a KeyUpdate (RFC 9846 7.2).
    pub fn next(&self) -> Option<Opener> {
        Opener::with(self.suite, self.suite.expand_label(&self.secret, "traffic upd", &[], self.secret.len())?)
    }

    /// The contents and their true type. `None` when the record does not open.
    pub fn open(&mut self, record: &Record) -> Option<Opened> {
        let (number, nonce) = (self.opened, self.keys.nonce(self.opened));
        let mut body = record.body.clone();
        let additional = Aad::from(record.header);
        let plain = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), additional, &mut body).ok()?;
        self.opened += 1;
        // The true type stands behind the contents; zeros behind it are padding.
        let at = plain.iter().rposition(|byte| *byte != 0)?;
        let (kind, padding, contents) = (plain[at], plain.len() - at - 1, plain[..at].to_vec());
        Some(Opened { kind, contents, padding, number, nonce, secret: self.secret.clone(), keys: self.keys.clone() })
    }
}

/// Whether this record is sealed as TLS 1.3 does it.
pub fn is_sealed(record: &Record) -> bool {
    record.kind() == APPLICATION_DATA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_does_not_open() {
        let mut opener = Opener::new(0x1301, &[7; 32]).unwrap();
        assert!(opener.open(&Record { header: [23, 3, 3, 0, 20], body: vec![0; 20] }).is_none());
        assert!(opener.open(&Record { header: [23, 3, 3, 0, 0], body: vec![] }).is_none());
        assert!(Opener::new(0xc02f, &[7; 32]).is_none());
        assert!(Opener::new(0x1301, &[7; 1_000]).is_none(), "a key log may say anything");
    }
}
