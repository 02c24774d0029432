//! `ca show`: says what a file holds, every field by the name that its standard gives it (RFC 5280, 2986, 5958).

use crate::options;
use crate::say::{answer, openssl, shell};
use field::{Field, Group};
use padlock::certificate::{load_chain, parse, subject};
use padlock::error::{Error, Result, escape, exit};
use padlock::key::pem::{self, Item};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use std::path::Path;

#[path = "show/certificate.rs"]
mod certificate;
#[path = "show/crl.rs"]
mod crl;
#[path = "show/extension.rs"]
mod extension;
#[path = "show/field.rs"]
mod field;
#[path = "show/key.rs"]
mod key;
#[path = "show/request.rs"]
mod request;

/// So many objects of a file are shown: whether one has signed another is tried for each pair.
const SHOWN: usize = 1000;

/// `ca show FILE…`. With `--issuer` a certificate whose signature was not made by that issuer ends in status 60.
pub fn show(options: &options::Show, json: bool) -> Result<()> {
    let issuers = match &options.issuer {
        Some(file) => load_chain(file)?,
        None => Vec::new(),
    };
    let mut objects = Vec::new();
    for file in &options.files {
        let items = pem::read(file)?;
        openssl(&command(file, &items));
        if items.len() > SHOWN {
            return Err(Error::new("too-many", format!("{} holds {} objects; {SHOWN} at most are shown", file.display(), items.len()))
                .hint("look at a part of it; ./ca doctor FILE says what is wrong with it"));
        }
        for (place, item) in items.iter().enumerate() {
            objects.push((heading(file, place, &items), describe(item, file, &items, &issuers)?));
        }
    }
    if json {
        let objects: Vec<&Group> = objects.iter().map(|(_, object)| object).collect();
        let text = serde_json::to_string_pretty(&Json { version: 1, objects });
        answer(&format!("{}\n", text.map_err(|e| Error::new("json", e.to_string()))?))?;
    } else {
        let text: Vec<String> = objects.iter().map(|(heading, object)| format!("{heading}\n{}", object.text(1))).collect();
        answer(&text.join("\n"))?;
    }
    check(&options.files, &issuers)
}

/// What `--json` gives: the same fields by the same names. The version changes when a name does.
#[derive(Serialize)]
struct Json<'a> {
    version: u8,
    objects: Vec<&'a Group>,
}

/// One object, as a group that has its kind as its only field: `{"Certificate": {…}}`.
fn describe(item: &Item, file: &Path, all: &[Item], issuers: &[CertificateDer<'static>]) -> Result<Group> {
    let mut object = Group::default();
    match item {
        Item::Certificate(der) => {
            let near = all.iter().filter_map(|item| if let Item::Certificate(der) = item { Some(der) } else { None });
            let candidates: Vec<_> = issuers.iter().chain(near).collect();
            object.add("Certificate", certificate::describe(der, &candidates)?);
        }
        Item::Key(_) => object.add("PrivateKeyInfo", key::private(file)?),
        Item::PublicKey(der) => object.add("SubjectPublicKeyInfo", key::public_alone(der)?),
        Item::Request(der) => object.add("CertificationRequest", request::describe(der)?),
        Item::Crl(der) => object.add("CertificateList", crl::describe(der, issuers)?),
    }
    Ok(object)
}

fn heading(file: &Path, place: usize, all: &[Item]) -> String {
    let name = escape(&file.to_string_lossy());
    if all.len() == 1 { format!("{name}:") } else { format!("{name} ({} of {}):", place + 1, all.len()) }
}

fn command(file: &Path, items: &[Item]) -> String {
    let f = shell(file);
    match items {
        [Item::Key(_)] => format!("openssl pkey -in {f} -noout -text_pub"),
        [Item::PublicKey(_)] => format!("openssl pkey -pubin -in {f} -noout -text"),
        [Item::Request(_)] => format!("openssl req -in {f} -noout -text -verify"),
        [Item::Crl(_)] => format!("openssl crl -in {f} -noout -text"),
        [_] => format!("openssl x509 -in {f} -noout -text -fingerprint -sha256"),
        _ => format!("openssl storeutl -noout -text {f}"),
    }
}

/// With `--issuer`: the first certificate of each file must have been signed by one of those.
fn check(files: &[std::path::PathBuf], issuers: &[CertificateDer<'static>]) -> Result<()> {
    if issuers.is_empty() {
        return Ok(());
    }
    for file in files {
        let Ok(chain) = load_chain(file) else { continue };
        let leaf = parse(&chain[0])?;
        let signed =
            issuers.iter().any(|issuer| parse(issuer).is_ok_and(|issuer| leaf.verify_signature(Some(issuer.public_key())).is_ok()));
        if !signed && let Some(why) = issuers.iter().find_map(|issuer| key::too_short(parse(issuer).ok()?.public_key())) {
            return Err(Error::new("weak-key", format!("the signature of {} can't be judged: {why}", file.display()))
                .hint("have it signed by an authority with a longer key (docs/key.md)")
                .exit(exit::VERIFY));
        }
        if !signed {
            let cause = format!("the signature of {} was not made by the key of that issuer", file.display());
            return Err(Error::new("bad-signature", cause)
                .hint(format!("it says that {} signed it; name that certificate", subject(leaf.issuer())))
                .exit(exit::VERIFY));
        }
    }
    Ok(())
}
