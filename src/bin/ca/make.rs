//! `key`, `request`, `self-sign`: what anybody can make without an authority.

use crate::options;
use crate::say::{answer, fact, openssl};
use padlock::authority::policy::typed;
use padlock::certificate::{Name, self_sign as sign};
use padlock::error::Result;
use padlock::file::{self, Readers};
use padlock::key::{Key, Kind};
use padlock::request::{self, Subject};
use std::path::Path;
use time::Duration;

/// `ca key FILE`: makes a private key.
pub fn key(options: &options::Key) -> Result<()> {
    let file = &options.file;
    openssl(&format!("(umask 077; openssl genpkey {} -out {})", algorithm(options.kind), file.display()));
    make_key(file, options.kind)?;
    fact(&format!("made a {} key: {}", options.kind, file.display()));
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
    let common_name = options.cn.clone().unwrap_or_else(|| label(&names));
    let asking = Subject { common_name: &common_name, country: options.country.as_deref(), organisation: options.organisation.as_deref() };
    let to = options.out.as_ref().map(|out| format!(" -out {}", out.display())).unwrap_or_default();
    openssl(&format!(
        "openssl req -new -key {} -subj {} -addext subjectAltName={}{to}",
        options.key.display(),
        subject(&asking),
        join(&names)
    ));
    let pem = request::make(&Key::load(&options.key)?, &asking, &names)?;
    put(options.out.as_deref(), &pem, &format!("asked for {}", join(&names)))
}

/// `ca self-sign`: a certificate that nobody vouches for but its own key.
pub fn self_sign(options: &options::SelfSign) -> Result<()> {
    let names = match &options.request {
        Some(file) => request::load(file)?.names,
        None => options.names.iter().map(|name| typed(name)).collect(),
    };
    let common_name = label(&names);
    let to = options.out.as_ref().map(|out| format!(" -out {}", out.display())).unwrap_or_default();
    openssl(&format!(
        "openssl req -x509 -key {} -subj /CN={common_name} -days {} -addext subjectAltName={} -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature{to}",
        options.key.display(),
        options.days,
        join(&names)
    ));
    let signed = sign(&Key::load(&options.key)?, &common_name, &names, Duration::days(options.days.into()))?;
    put(options.out.as_deref(), &signed.pem, &format!("self-signed {} for {} days", join(&names), options.days))
}

/// Names as OpenSSL writes them: `DNS:localhost,IP:127.0.0.1`.
pub fn join(names: &[Name]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The subject as `openssl req -subj` takes it.
pub fn subject(asking: &Subject<'_>) -> String {
    let parts = [("C", asking.country), ("O", asking.organisation), ("CN", Some(asking.common_name))];
    let text: String = parts.iter().filter_map(|(part, value)| value.map(|value| format!("/{part}={value}"))).collect();
    if text.contains(|c: char| c.is_whitespace() || "'\"$&;|<>()".contains(c)) {
        format!("'{}'", text.replace('\'', "'\\''"))
    } else {
        text
    }
}

/// What stands in the common name when nothing was said. It holds no dot, so that nobody takes it for a host name.
pub fn label(names: &[Name]) -> String {
    let first = names.iter().find_map(|name| if let Name::Dns(text) = name { Some(text.as_str()) } else { None });
    first.and_then(|text| text.trim_start_matches("*.").split('.').next()).unwrap_or("loopback").to_string()
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
