use crate::error::{Error, Result, exit};
use crate::file::{self, Readers};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::Ed25519KeyPair;
use rcgen::{KeyPair, PublicKeyData, RsaKeySize};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

pub mod pem;
mod public;
pub mod secret;
mod what;
pub use public::Public;
pub use what::{MARK, What, what};

/// RSA below this can be factored with months of computing; aws-lc, OpenSSL and browsers refuse it (RFC 9325 4.5).
const SHORTEST_RSA: u32 = 2048;

/// A secret and its public half.
///
/// Whoever holds the secret half can sign; whoever holds the public half can check. A certificate carries the public
/// half, and the handshake proves that the other side has the secret one.
pub struct Key {
    pair: KeyPair,
}

impl Key {
    /// Makes a new key out of the operating system's randomness.
    ///
    /// # Errors
    /// The library could not make one.
    pub fn generate(kind: Kind) -> Result<Key> {
        let pair = match kind {
            Kind::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Kind::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Kind::Ed25519 => ed25519(),
            Kind::Rsa2048 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
            Kind::Rsa3072 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_3072),
            Kind::Rsa4096 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_4096),
        };
        let pair = pair.map_err(|e| Error::new("key-failed", format!("can't make a {kind} key: {e}")))?;
        Ok(Key { pair })
    }

    /// Reads a private key: PKCS#8, PKCS#1 or SEC1, in PEM.
    ///
    /// # Errors
    /// As [`load`], and when the key is of a kind that nothing here can sign with.
    pub fn load(file: &Path) -> Result<Key> {
        let der = load(file)?;
        Key::try_from(&der).map_err(|()| secret::unusable(file, &der))
    }

    /// Writes the secret half as PKCS#8 in PEM: mode 0600 from the first byte, never over another key.
    ///
    /// # Errors
    /// The file is there already, or can't be written; see [`file::create`].
    pub fn save(&self, file: &Path) -> Result<()> {
        file::create(file, self.pair.serialize_pem().as_bytes(), Readers::Owner)
    }

    /// The public half as certificates carry it: SubjectPublicKeyInfo (RFC 5280 4.1.2.7), DER.
    pub fn public(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    /// The secret half as TLS wants it.
    pub fn secret(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pair.serialize_der()).into()
    }

    /// What signs certificates and requests.
    pub(crate) fn pair(&self) -> &KeyPair {
        &self.pair
    }

    /// As [`pair`](Key::pair), for whoever keeps it.
    pub(crate) fn into_pair(self) -> KeyPair {
        self.pair
    }
}

impl TryFrom<&PrivateKeyDer<'_>> for Key {
    type Error = ();

    /// Fails when it is damaged, too short, or of a kind that nothing here can sign with.
    fn try_from(der: &PrivateKeyDer<'_>) -> Result<Key, ()> {
        Ok(Key { pair: KeyPair::try_from(der).map_err(|_| ())? })
    }
}

/// As PKCS#8 version 1, without the public half: OpenSSL 3.0 can't read the version 2 that rcgen would write.
fn ed25519() -> Result<KeyPair, rcgen::Error> {
    let made = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(|_| rcgen::Error::RingUnspecified)?;
    KeyPair::try_from(made.as_ref())
}

// A key is never printed: what ends up in a log is no secret any more.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", identifier(&self.public()))
    }
}

/// A private key as TLS wants it: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 A.1.2) or SEC1 (RFC 5915), in PEM.
///
/// Warns when others may read the file.
///
/// # Errors
/// The file is missing or unreadable, or holds something else: the error says what, and how to convert it.
pub fn load(file: &Path) -> Result<PrivateKeyDer<'static>> {
    let own = |e: Error| e.exit(exit::OWN_CERTIFICATE).in_file(file);
    let items = pem::read(file).map_err(own)?;
    warn_if_exposed(file);
    let found = pem::names(&items);
    let mut keys = items.into_iter().filter_map(pem::Item::into_key);
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(own(Error::new("several-keys", format!("{} holds more than one private key", file.display()))
            .hint("keep one key to a file, so that it is clear which one is meant"))),
        (None, _) => Err(own(Error::new("not-a-key", format!("{} holds {found}, not a private key", file.display()))
            .hint(format!("name the .key file; to see what this one is: ./ca show {}", file.display())))),
    }
}

/// Others must not read a private key: whoever can is whoever it names.
fn warn_if_exposed(file: &Path) {
    const GROUP_AND_OTHERS_READ: u32 = 0o044;
    if let Ok(meta) = std::fs::metadata(file)
        && meta.mode() & GROUP_AND_OTHERS_READ != 0
    {
        log::warn!(target: "key", "{0} can be read by other users; chmod 600 {0}", file.display());
    }
}

/// The key's identifier: the first 20 bytes of SHA-256 over its public half, upper-case hex (RFC 7093 2, method 1
/// over the whole SubjectPublicKeyInfo). Certificates carry it as SKI and AKI.
pub fn identifier(public: &[u8]) -> String {
    const LENGTH: usize = 20;
    hex(&digest(&SHA256, public).as_ref()[..LENGTH])
}

/// Upper-case hex, as OpenSSL writes serials and fingerprints.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

/// The length of an RSA modulus in bits. DER puts a zero byte before it, as a sign, which does not count.
pub(crate) fn bits(modulus: &[u8]) -> usize {
    let start = modulus.iter().position(|b| *b != 0).unwrap_or(modulus.len());
    let digits = &modulus[start..];
    digits.len() * 8 - digits.first().map_or(0, |b| b.leading_zeros() as usize)
}

/// Which kind of key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// What the web uses most: short, fast, known to every browser.
    #[default]
    P256,
    P384,
    /// The cleanest of them, but browsers do not take it in certificates.
    Ed25519,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl Kind {
    const NAMES: [(Kind, &'static str); 6] = [
        (Kind::P256, "p256"),
        (Kind::P384, "p384"),
        (Kind::Ed25519, "ed25519"),
        (Kind::Rsa2048, "rsa:2048"),
        (Kind::Rsa3072, "rsa:3072"),
        (Kind::Rsa4096, "rsa:4096"),
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Kind::NAMES.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Kind {
    type Err = Error;

    /// Reads `p256`, `p384`, `ed25519`, `rsa` or `rsa:BITS`.
    fn from_str(text: &str) -> Result<Kind> {
        let all = "choose one of p256, p384, ed25519, rsa:2048, rsa:3072, rsa:4096";
        let asked = if text == "rsa" { "rsa:2048" } else { text };
        if let Some((kind, _)) = Kind::NAMES.iter().find(|(_, name)| *name == asked) {
            return Ok(*kind);
        }
        let bits = asked.strip_prefix("rsa").and_then(|b| b.trim_start_matches(':').parse::<u32>().ok());
        let error = match bits {
            Some(bits) if bits < SHORTEST_RSA => Error::new(
                "key-too-short",
                format!("an RSA key of {bits} bits is too short: it can be factored, and TLS libraries refuse it"),
            )
            .hint(format!("use {SHORTEST_RSA} bits at least, or p256, which is stronger and shorter: {all}")),
            Some(bits) => Error::new("key-kind", format!("an RSA key of {bits} bits is not one that this lab makes")).hint(all),
            None => Error::new("key-kind", format!("there is no kind of key called {}", text.escape_default())).hint(all),
        };
        Err(error.exit(exit::USAGE))
    }
}

#[cfg(test)]
mod tests;
