use crate::certificate::{Signed, serial};
use crate::error::{Error, Result};
use crate::file::{self, Readers};
use crate::key::{self, Key, Kind, Public, hex};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose};
use std::path::{Path, PathBuf};
use time::{Duration, OffsetDateTime};

pub mod chain;
pub mod crl;
mod database;
mod due;
mod enrol;
pub mod gallery;
mod issuer;
pub mod ledger;
mod lock;
mod places;
pub mod policy;

pub use due::due;
pub use enrol::{Enrolled, Proof, enrol, valid};
pub use issuer::{Issuer, Which};
pub use ledger::{Entry, Ledger, Status};
pub use lock::{Lock, open as open_own};
pub use places::Places;
pub use policy::{Grant, Role};

/// What an authority is called, and how long its root lives.
#[derive(Debug, Clone)]
pub struct Charter {
    name: String,
    validity: Duration,
}

impl Charter {
    /// # Errors
    /// The name would not do as an organisation's, or holds a dot: a common name must not look like a host's.
    pub fn new(name: &str, validity: Duration) -> Result<Charter> {
        let name = policy::check_organisation(name)?;
        if name.contains('.') || name.chars().count() > LONGEST_NAME {
            return Err(Error::new("policy", format!("{name} would not do as an authority's name"))
                .hint(format!("{LONGEST_NAME} characters at most, and no dot")));
        }
        Ok(Charter { name, validity })
    }
}

/// With title and key identifier behind it, the common name stays within the 64 characters of RFC 5280 A.1.
const LONGEST_NAME: usize = 40;

impl Default for Charter {
    /// Ten years: the root is what people import, and making it again means importing it again.
    fn default() -> Charter {
        Charter { name: "Padlock".into(), validity: Duration::days(10 * 365) }
    }
}

/// Founds the authority: a root that signs itself, and an intermediate that the root signs. Both are bound to the
/// lab's names by critical name constraints. What an earlier run left unfinished is finished.
///
/// # Errors
/// There is one already, or the disk says no.
pub fn found(places: &Places, charter: &Charter) -> Result<()> {
    file::directory(places.ca(), Readers::Everyone)?;
    let lock = Lock::take(places.ca())?;
    let complete = |which: Which| which.certificate(places).exists() && which.key(places).exists();
    if complete(Which::Root) && complete(Which::Intermediate) {
        return Err(Error::new("authority-exists", format!("there is an authority already in {}", places.ca().display()))
            .hint("use it; to begin again, and lose all that it has signed: make clean-certs certs"));
    }
    for which in [Which::Root, Which::Intermediate] {
        if which.certificate(places).exists() && !which.key(places).exists() {
            return Err(Error::new(
                "authority-incomplete",
                format!("{} is there, but its key {} is not", which.certificate(places).display(), which.key(places).display()),
            )
            .hint("put the key back; if it is lost, begin again: make clean-certs certs"));
        }
        database::prepare(places, which)?;
    }
    if !complete(Which::Root) {
        found_root(places, charter)?;
    }
    if !complete(Which::Intermediate) {
        found_intermediate(places, charter, &lock)?;
    }
    // The server watches this folder for lists, and there may be none for a long time.
    if let Some(lists) = places.crl("intermediate").parent() {
        file::directory(lists, Readers::Everyone)?;
    }
    [Which::Root, Which::Intermediate].iter().try_for_each(|which| database::configure(places, *which))
}

fn found_root(places: &Places, charter: &Charter) -> Result<()> {
    let key = own_key(places, Which::Root)?;
    let number = serial()?;
    let mut params = signer("Root", &key, charter, 1);
    let directory = Which::Root.directory(places);
    let mut ledger = Ledger::load(&directory)?;
    ledger.entries.push(Entry {
        status: Status::Valid,
        not_after: params.not_after,
        serial: hex(number.as_ref()),
        file: "unknown".into(),
        subject: database::subject(&params.distinguished_name),
    });
    ledger.save(&directory)?;
    params.serial_number = Some(number);
    let root = params.self_signed(key.pair()).map_err(|e| Error::new("sign-failed", format!("can't sign the root: {e}")))?;
    file::write(&places.root_certificate(), root.pem().as_bytes(), Readers::Everyone)
}

fn found_intermediate(places: &Places, charter: &Charter, lock: &Lock) -> Result<()> {
    let root = Issuer::open(places, Which::Root)?;
    let key = own_key(places, Which::Intermediate)?;
    // Half as long, so that it can be replaced without anybody noticing.
    let half = Charter { validity: charter.validity / 2, ..charter.clone() };
    let mut params = signer("Intermediate", &key, &half, 0);
    params.use_authority_key_identifier_extension = true;
    let signed = root.sign(lock, params, key.pair())?;
    file::write(&places.intermediate_certificate(), signed.pem.as_bytes(), Readers::Everyone)
}

/// The key of a signer: the one that an unfinished run has left, or a new one.
fn own_key(places: &Places, which: Which) -> Result<Key> {
    let path = which.key(places);
    if path.exists() {
        return Key::load(&path);
    }
    let key = Key::generate(Kind::P256)?;
    key.save(&path)?;
    Ok(key)
}

/// What makes a certificate an authority's: CA:TRUE with a path length, keyCertSign and cRLSign, the constraints.
fn signer(title: &str, key: &Key, charter: &Charter, path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = OffsetDateTime::now_utc() - policy::CLOCK_SKEW;
    params.not_after = params.not_before + charter.validity;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, charter.name.as_str());
    // Two authorities of one name and different keys are the classic way to "bad signature". So each has its own.
    let short = key::identifier(&key.public()).chars().take(8).collect::<String>();
    params.distinguished_name.push(DnType::CommonName, format!("{} {title} {short}", charter.name));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(policy::constraints());
    params
}

/// Signs what was granted for the key of a request, and writes the leaf alone and the chain that a server sends: leaf,
/// then intermediate.
///
/// # Errors
/// There is no authority, or its ledger can't be written; then nothing was signed.
pub fn sign(places: &Places, grant: &Grant, key: &Public, chain: &Path, leaf: Option<&Path>) -> Result<Signed> {
    let lock = Lock::take(places.ca())?;
    let (signed, whole) = issue(places, &lock, grant, key, OffsetDateTime::now_utc())?;
    for path in [leaf, Some(chain)].into_iter().flatten() {
        if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            file::directory(directory, Readers::Everyone)?;
        }
        file::write(path, if Some(path) == leaf { signed.pem.as_bytes() } else { &whole }, Readers::Everyone)?;
    }
    Ok(signed)
}

/// As [`sign`], but gives the leaf and the chain (PEM) to the caller instead of writing them.
fn issue(places: &Places, lock: &Lock, grant: &Grant, key: &Public, now: OffsetDateTime) -> Result<(Signed, Vec<u8>)> {
    let issuer = Issuer::open(places, Which::Intermediate)?;
    database::prepare(places, Which::Intermediate)?;
    database::configure(places, Which::Intermediate)?;
    check_not_revoked(places)?;
    let intermediate = file::read(&places.intermediate_certificate())?;
    let signed = issuer.sign(lock, grant.certificate(now)?, key)?;
    let chain = [signed.pem.as_bytes(), &intermediate].concat();
    Ok((signed, chain))
}

/// An intermediate that the root has taken back must sign nothing any more: nobody who looks at the root's list would believe it.
fn check_not_revoked(places: &Places) -> Result<()> {
    let intermediate = crate::certificate::load_chain(&places.intermediate_certificate())?;
    let serial = crate::certificate::summary(&intermediate[0])?.serial;
    let mut root = Ledger::load(&Which::Root.directory(places))?;
    match root.find(&serial).map(|entry| &entry.status) {
        Some(Status::Revoked { .. }) => {
            Err(Error::new("issuer-revoked", "the intermediate was revoked by the root: what it signs is worth nothing")
                .hint("found a new authority, and import its root: make clean-certs && make certs"))
        }
        _ => Ok(()),
    }
}

/// Takes a certificate back, and signs the new list of its issuer. Gives the issuer and the serial.
///
/// # Errors
/// Nobody here has signed such a serial, or it was revoked already.
pub fn revoke(places: &Places, serial: &str, reason: crl::Reason) -> Result<Which> {
    let lock = Lock::take(places.ca())?;
    for which in [Which::Intermediate, Which::Root] {
        let issuer = Issuer::open(places, which)?;
        if Ledger::load(&issuer.directory)?.find(serial).is_some() {
            issuer.revoke(&lock, serial, reason)?;
            list(places, &lock, which).map_err(|e| {
                let cause = format!("{serial} is revoked in the ledger, but the list that tells others is not written: {}", e.cause);
                Error { cause, ..e }.hint("mend that, then sign the list: ./ca crl")
            })?;
            return Ok(which);
        }
    }
    Err(unknown(serial))
}

/// Signs the revocation list of one signer and puts it where servers look: `crl/NAME.crl`.
///
/// # Errors
/// There is no authority, its ledger is damaged, or the disk says no.
pub fn list(places: &Places, lock: &Lock, which: Which) -> Result<PathBuf> {
    let path = places.crl(which.name());
    let pem = Issuer::open(places, which)?.list(lock)?;
    if let Some(directory) = path.parent() {
        file::directory(directory, Readers::Everyone)?;
    }
    database::configure(places, which)?;
    file::write(&path, pem.as_bytes(), Readers::Everyone)?;
    Ok(path)
}

/// There is no authority: `what` is not there.
pub fn missing(what: &Path) -> Error {
    Error::new("no-authority", format!("there is no authority here: {} is missing", what.display()))
        .hint("found one: ./ca found (make certs does it, too)")
}

fn unknown(serial: &str) -> Error {
    Error::new("unknown-serial", format!("this authority has signed nothing with the serial {}", serial.escape_default()))
        .hint("./ca list shows all that it has signed")
}

#[cfg(test)]
mod tests;
