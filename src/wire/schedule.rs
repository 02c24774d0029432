//! The key schedule of TLS 1.3 (RFC 9846 7.1): how one shared secret becomes every key of a session.

use super::transcript::Transcript;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Algorithm, CHACHA20_POLY1305};
use aws_lc_rs::hkdf::{HKDF_SHA256, HKDF_SHA384, KeyType, Prk};
use aws_lc_rs::{digest, hkdf, hmac};

/// All suites of TLS 1.3 have a nonce of this length.
pub const NONCE: usize = 12;

/// A cipher suite of TLS 1.3: what seals the records, and the hash of the key schedule.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    pub aead: &'static Algorithm,
    hkdf: hkdf::Algorithm,
    hmac: hmac::Algorithm,
    digest: &'static digest::Algorithm,
}

impl Suite {
    /// `None` for a suite that is none of TLS 1.3 (RFC 9846 B.4).
    pub fn of(code: u16) -> Option<Suite> {
        let small = |aead| Suite { aead, hkdf: HKDF_SHA256, hmac: hmac::HMAC_SHA256, digest: &digest::SHA256 };
        match code {
            0x1301 => Some(small(&AES_128_GCM)),
            0x1302 => Some(Suite { aead: &AES_256_GCM, hkdf: HKDF_SHA384, hmac: hmac::HMAC_SHA384, digest: &digest::SHA384 }),
            0x1303 => Some(small(&CHACHA20_POLY1305)),
            _ => None,
        }
    }

    pub fn hash_length(&self) -> usize {
        self.digest.output_len()
    }

    pub fn hash(&self, bytes: &[u8]) -> Vec<u8> {
        digest::digest(self.digest, bytes).as_ref().to_vec()
    }

    /// HKDF-Extract (RFC 5869 2.2): mixes `secret` into what `salt` stands for. It is an HMAC, and nothing else.
    pub fn extract(&self, salt: &[u8], secret: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(self.hmac, salt), secret).as_ref().to_vec()
    }

    /// HKDF-Expand-Label (RFC 9846 7.1): as many bytes as wanted, for one purpose and one context. `None`: too many, or `secret` is
    /// longer than any that this hash makes. A key log may say anything, and the library panics at that.
    pub fn expand_label(&self, secret: &[u8], label: &str, context: &[u8], length: usize) -> Option<Vec<u8>> {
        if secret.len() > self.hash_length() {
            return None;
        }
        let label = format!("tls13 {label}");
        let (output, name) = (u16::try_from(length).ok()?.to_be_bytes(), [u8::try_from(label.len()).ok()?]);
        let size = [u8::try_from(context.len()).ok()?];
        let info = [&output[..], &name, label.as_bytes(), &size, context];
        let mut expanded = vec![0; length];
        Prk::new_less_safe(self.hkdf, secret).expand(&info, Length(length)).ok()?.fill(&mut expanded).ok()?;
        Some(expanded)
    }

    /// Derive-Secret: a secret of its own for what was said up to here, `hash` being the transcript's.
    pub fn derive(&self, secret: &[u8], label: &str, hash: &[u8]) -> Option<Vec<u8>> {
        self.expand_label(secret, label, hash, self.hash_length())
    }

    /// What a Finished says (RFC 9846 4.5.3): an HMAC over the transcript, with a key made of the sender's secret.
    pub fn verify_data(&self, secret: &[u8], hash: &[u8]) -> Option<Vec<u8>> {
        let key = self.expand_label(secret, "finished", &[], self.hash_length())?;
        Some(self.extract(&key, hash)) // HMAC again
    }

    /// The PSK that a ticket stands for (RFC 9846 4.7.1).
    pub fn ticket_psk(&self, resumption: &[u8], nonce: &[u8]) -> Option<Vec<u8>> {
        self.expand_label(resumption, "resumption", nonce, self.hash_length())
    }

    /// The traffic keys of one direction (RFC 9846 7.3).
    pub fn keys(&self, secret: &[u8]) -> Option<Keys> {
        let key = self.expand_label(secret, "key", &[], self.aead.key_len())?;
        let iv = self.expand_label(secret, "iv", &[], NONCE)?.try_into().ok()?;
        Some(Keys { key, iv })
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// What seals the records of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    pub key: Vec<u8>,
    pub iv: [u8; NONCE],
}

impl Keys {
    /// The nonce of the record before which `number` others were sealed with this key (RFC 9846 5.3).
    pub fn nonce(&self, number: u64) -> [u8; NONCE] {
        let mut nonce = self.iv;
        nonce[NONCE - 8..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, count)| *byte ^= count);
        nonce
    }
}

/// What is known about a session from elsewhere than the wire. Without `shared` the schedule begins with what the key log says.
#[derive(Default, Clone)]
pub struct Known {
    /// What the two key shares agree on, (EC)DHE in the RFC.
    pub shared: Option<Vec<u8>>,
    /// What the ticket stands for, if this session was resumed.
    pub psk: Option<Vec<u8>>,
    /// Label of the key log (RFC 9850) and secret.
    pub logged: Vec<(String, Vec<u8>)>,
}

/// The schedule with the values of a session.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub suite: Suite,
    /// The session was resumed: the first input is a ticket's PSK, not zeros.
    pub resumed: bool,
    pub psk: Option<Vec<u8>>,
    pub shared: Option<Vec<u8>>,
    pub early: Option<Vec<u8>>,
    pub handshake: Option<Vec<u8>>,
    pub main: Option<Vec<u8>>,
    pub secrets: Vec<Secret>,
}

/// A secret that keys are made of, or what a later handshake begins with.
#[derive(Debug, Clone)]
pub struct Secret {
    /// `c hs traffic`
    pub label: &'static str,
    /// Which messages it depends on.
    pub context: &'static str,
    /// Its name in the key log; empty when it has none.
    pub logged_as: &'static str,
    pub derived: Option<Vec<u8>>,
    pub logged: Option<Vec<u8>>,
}

impl Secret {
    pub fn value(&self) -> Option<&[u8]> {
        self.derived.as_deref().or(self.logged.as_deref())
    }

    /// Whether what we derive is what the key log says. `None`: one of them is missing.
    pub fn agrees(&self) -> Option<bool> {
        self.derived.as_ref().zip(self.logged.as_ref()).map(|(derived, logged)| derived == logged)
    }
}

/// Label, name in the key log, and the messages in its context, from ClientHello to this one.
const SECRETS: [(&str, &str, &str); 6] = [
    ("c hs traffic", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "ClientHello…ServerHello"),
    ("s hs traffic", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "ClientHello…ServerHello"),
    ("c ap traffic", "CLIENT_TRAFFIC_SECRET_0", "ClientHello…server Finished"),
    ("s ap traffic", "SERVER_TRAFFIC_SECRET_0", "ClientHello…server Finished"),
    ("exp master", "EXPORTER_SECRET", "ClientHello…server Finished"),
    ("res master", "", "ClientHello…client Finished"),
];

impl Schedule {
    /// Computes what can be computed.
    pub fn of(suite: Suite, resumed: bool, known: &Known, transcript: &Transcript) -> Schedule {
        let zeros = vec![0; suite.hash_length()];
        let derived = |secret: &[u8]| suite.derive(secret, "derived", &suite.hash(&[]));
        let psk = if resumed { known.psk.clone() } else { None };
        let early = if resumed { psk.as_ref() } else { Some(&zeros) }.map(|input| suite.extract(&[0], input));
        let handshake = early.as_deref().and_then(derived).zip(known.shared.as_ref()).map(|(salt, input)| suite.extract(&salt, input));
        let main = handshake.as_deref().and_then(derived).map(|salt| suite.extract(&salt, &zeros));
        let secrets = SECRETS.map(|(label, logged_as, context)| {
            let (from, hash) = match context {
                "ClientHello…ServerHello" => (&handshake, &transcript.hellos),
                "ClientHello…server Finished" => (&main, &transcript.server_finished),
                _ => (&main, &transcript.client_finished),
            };
            let derived = from.as_ref().zip(hash.as_ref()).and_then(|(secret, hash)| suite.derive(secret, label, hash));
            let logged = known.logged.iter().find(|(name, _)| name == logged_as).map(|(_, secret)| secret.clone());
            Secret { label, context, logged_as, derived, logged }
        });
        Schedule { suite, resumed, psk, shared: known.shared.clone(), early, handshake, main, secrets: secrets.into() }
    }

    pub fn secret(&self, label: &str) -> Option<&[u8]> {
        self.secrets.iter().find(|secret| secret.label == label).and_then(Secret::value)
    }
}
