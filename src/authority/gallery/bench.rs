//! Where the gallery is made: its authority, its keys, and what makes one entry.

use super::{ENTRIES, authority, identifier, key_file, list};
use crate::authority::chain::{self, Authority};
use crate::authority::{Charter, Entry as Line, Grant, Issuer, Ledger, Lock, Places, Status, Which, crl, database, policy, signer};
use crate::certificate::{Name, Signed, serial, summary};
use crate::error::{Error, Result};
use crate::file::{self, Readers};
use crate::key::{self, Key, Kind};
use rcgen::{CertificateParams, PublicKeyData};
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use time::OffsetDateTime;

/// Makes the whole gallery anew; keys that are there stay.
///
/// # Errors
/// There is no authority, or the disk says no.
pub fn make(places: &Places) -> Result<()> {
    let bench = Bench::new(places)?;
    file::write(&authority(places), bench.own.signed.pem.as_bytes(), Readers::Everyone)?;
    let mut revoked = Ledger::default();
    for entry in &ENTRIES {
        let order = Order { host: entry.host(), key: bench.key(entry.key)? };
        let chain = (entry.make)(&bench, &order)?;
        if entry.name == "revoked" {
            revoked.entries.push(taken_back(&chain[0])?);
        }
        file::write(&entry.files(places).0, pem(&chain).as_bytes(), Readers::Everyone)?;
    }
    let taken_back = crl::sign(&revoked, serial()?, &bench.own.issuer, &identifier(&bench.own.signed.der)?)?;
    file::write(&list(places), taken_back.as_bytes(), Readers::Everyone)
}

/// What an entry is made for.
pub struct Order<'a> {
    pub host: String,
    /// The key that the server will use.
    pub key: &'a Key,
}

/// A chain as it is shown, leaf first.
pub type Chain = Vec<CertificateDer<'static>>;

pub struct Bench {
    pub now: OffsetDateTime,
    /// The lab's root: it vouches for the gallery's authorities, and for nothing else here.
    root: Issuer,
    lock: Lock,
    /// Signs most entries.
    pub own: Authority,
    keys: HashMap<String, Key>,
}

impl Bench {
    fn new(places: &Places) -> Result<Bench> {
        let (lock, root) = (Lock::take(places.ca())?, Issuer::open(places, Which::Root)?);
        database::prepare(places, Which::Root)?;
        file::directory(&places.gallery(), Readers::Everyone)?;
        file::directory(&places.gallery().join("keys"), Readers::Owner)?;
        let now = OffsetDateTime::now_utc();
        let own = below_root(&root, &lock, "Gallery", |_| {})?;
        let mut keys = HashMap::new();
        for kind in ENTRIES.iter().map(|entry| entry.key) {
            let file = key_file(places, kind);
            if keys.contains_key(&kind.to_string()) {
                continue;
            }
            let key = if file.exists() { Key::load(&file)? } else { Key::generate(kind)? };
            if !file.exists() {
                key.save(&file)?;
            }
            keys.insert(kind.to_string(), key);
        }
        Ok(Bench { now, root, lock, own, keys })
    }

    pub fn key(&self, kind: Kind) -> Result<&Key> {
        self.keys.get(&kind.to_string()).ok_or_else(|| Error::new("gallery", format!("the gallery has no {kind} key")))
    }

    /// Another authority below the root, changed in some way. Its key is gone when this is.
    pub fn authority(&self, title: &str, change: impl FnOnce(&mut CertificateParams)) -> Result<Authority> {
        below_root(&self.root, &self.lock, title, change)
    }

    /// As [`Bench::authority`], for a public half that is given: nobody here holds the secret one.
    pub fn authority_for(&self, params: CertificateParams, key: &impl PublicKeyData) -> Result<Signed> {
        self.root.sign(&self.lock, params, key)
    }

    /// What one of the lab's own servers would get, but for what `change` does to it.
    pub fn params(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Result<CertificateParams> {
        let mut params = Grant::server(&[Name::Dns(host.into())])?.certificate(self.now)?;
        change(&mut params);
        Ok(params)
    }

    /// A leaf by the gallery's authority, and that authority: a chain that is good, but for what `change` does to the leaf.
    pub fn chain(&self, order: &Order<'_>, change: impl FnOnce(&mut CertificateParams)) -> Result<Chain> {
        self.chain_below(&self.own, order, change)
    }

    pub fn chain_below(&self, above: &Authority, order: &Order<'_>, change: impl FnOnce(&mut CertificateParams)) -> Result<Chain> {
        let (_, leaf) = chain::sign(self.params(&order.host, change)?, order.key, Some(above))?;
        Ok(vec![leaf.der, above.signed.der.clone()])
    }

    /// The lab's root, as strangers see it.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root.certificate
    }
}

/// An authority that the root signs. As everything that it signs, it has its line in the ledger.
fn below_root(root: &Issuer, lock: &Lock, title: &str, change: impl FnOnce(&mut CertificateParams)) -> Result<Authority> {
    // As long as a leaf: without the key, it can't be used any longer.
    let (key, charter) = (Key::generate(Kind::P256)?, Charter::new("Padlock", policy::LONGEST)?);
    let mut params = signer(title, &key, &charter, 0);
    params.use_authority_key_identifier_extension = true;
    change(&mut params);
    let signed = root.sign(lock, params.clone(), key.pair())?;
    Ok(Authority { signed, until: params.not_after, issuer: rcgen::Issuer::new(params, key.into_pair()) })
}

/// The line that a ledger would have of a certificate that was taken back.
fn taken_back(leaf: &CertificateDer<'_>) -> Result<Line> {
    let said = summary(leaf)?;
    Ok(Line {
        status: Status::Revoked { at: OffsetDateTime::now_utc(), reason: crl::Reason::KeyCompromise.spelling().map(str::to_string) },
        not_after: said.not_after,
        serial: said.serial,
        file: "unknown".into(),
        subject: said.subject,
    })
}

fn pem(chain: &Chain) -> String {
    chain.iter().map(|der| key::pem::certificate(der)).collect()
}
