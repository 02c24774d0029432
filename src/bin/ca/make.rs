//! `key`, `request`, `self-sign`: what anybody can make without an authority.

use crate::options;
use crate::say::{answer, fact, openssl, quote, shell};
use padlock::authority::policy::{common_name, typed};
use padlock::certificate::{Name, self_sign as sign};
use padlock::error::{Error, Result};
use padlock::file::{self, Readers};
use padlock::key::{Key, Kind};
use padlock::request::{self, Subject};
use std::path::Path;
use time::Duration;

/// `ca key FILE`: makes a private key.
pub fn key(options: &options::Key) -> Result<()> {
    let (file, kind) = (&options.file, options.kind.parse()?);
    make_key(file, kind)?;
    openssl(&format!("(umask 077; openssl genpkey {} -out {})", algorithm(kind), shell(file)));
    fact(&format!("made a {kind} key: {}", file.display()));
    Ok(())
}

/// Makes a key and the private directory that it lies in.
pub fn make_key(file: &Path, kind: Kind) -> Result<Key> {
    let key = Key::generate(kind)?;
    if let Some(directory) = file.parent().filter(|d| !d.as_os_str().is_empty()) {
        file::directory(directory, Readers::Owner)?;
    }
    key.save(file)?;
    Ok(key)
}

/// `ca request`: asks for a certificate for a key.
pub fn request(options: &options::Request) -> Result<()> {
    let names: Vec<Name> = options.names.iter().map(|name| typed(name)).collect();
    let common_name = options.cn.clone().unwrap_or_else(|| common_name(&names));
    let asking = Subject { common_name: &common_name, country: options.country.as_deref(), organisation: options.organisation.as_deref() };
    let to = options.out.as_ref().map(|out| format!(" -out {}", shell(out))).unwrap_or_default();
    let pem = request::make(&Key::load(&options.key)?, &asking, &names)?;
    openssl(&format!(
        "openssl req -new -key {} {} -addext {}{to}",
        shell(&options.key),
        subject(&asking),
        quote(&format!("subjectAltName={}", join(&names)))
    ));
    put(options.out.as_deref(), &pem, &format!("asked for {}", join(&names)))
}

/// `ca self-sign`: a certificate that nobody vouches for but its own key.
pub fn self_sign(options: &options::SelfSign) -> Result<()> {
    let key = Key::load(&options.key)?;
    let names: Vec<Name> = match &options.request {
        Some(file) => requested(file, &key)?,
        None => options.names.iter().map(|name| typed(name)).collect(),
    };
    let common_name = common_name(&names);
    let to = options.out.as_ref().map(|out| format!(" -out {}", shell(out))).unwrap_or_default();
    let signed = sign(&key, &common_name, &names, Duration::days(options.days.into()))?;
    openssl(&format!(
        "openssl req -x509 -key {} {} -days {} -addext {} -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth,clientAuth{to}",
        shell(&options.key),
        subject(&Subject { common_name: &common_name, ..Subject::default() }),
        options.days,
        quote(&format!("subjectAltName={}", join(&names)))
    ));
    put(options.out.as_deref(), &signed.pem, &format!("self-signed {} for {} days", join(&names), options.days))
}

/// The names of a request that this key has signed.
fn requested(file: &Path, key: &Key) -> Result<Vec<Name>> {
    let request = request::load(file)?;
    if request.key.der() != key.public() {
        return Err(
            Error::new("key-mismatch", format!("{} was made with another key", file.display())).hint("name the key that it was made with")
        );
    }
    if request.names.is_empty() {
        return Err(Error::new(
            "no-names",
            format!("{} asks for no name in subjectAltName, and a certificate without one is good for nobody", file.display()),
        )
        .hint("make it again: ./ca request --key KEY --name localhost"));
    }
    Ok(request.names)
}

/// Names as OpenSSL writes them: `DNS:localhost,IP:127.0.0.1`.
pub fn join(names: &[Name]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The subject as `openssl req` and `openssl ca` take it.
pub fn subject(asking: &Subject<'_>) -> String {
    let parts = [("C", asking.country), ("O", asking.organisation), ("CN", Some(asking.common_name))];
    let text: String = parts.iter().filter_map(|(part, value)| value.map(|value| format!("/{part}={value}"))).collect();
    format!("{}-subj {}", if text.is_ascii() { "" } else { "-utf8 " }, quote(&text))
}

fn put(out: Option<&Path>, pem: &str, what: &str) -> Result<()> {
    let Some(out) = out else { return answer(pem) };
    if let Some(directory) = out.parent().filter(|d| !d.as_os_str().is_empty()) {
        file::directory(directory, Readers::Everyone)?;
    }
    file::write(out, pem.as_bytes(), Readers::Everyone)?;
    fact(&format!("{what}: {}", out.display()));
    Ok(())
}

fn algorithm(kind: Kind) -> &'static str {
    match kind {
        Kind::P256 => "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        Kind::P384 => "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        Kind::Ed25519 => "-algorithm ED25519",
        Kind::Rsa2048 => "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        Kind::Rsa3072 => "-algorithm RSA -pkeyopt rsa_keygen_bits:3072",
        Kind::Rsa4096 => "-algorithm RSA -pkeyopt rsa_keygen_bits:4096",
    }
}
