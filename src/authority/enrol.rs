//! A person's certificate, asked for over the network: at most one that is valid for each name.

use super::issuer::{Issuer, Which};
use super::ledger::{Entry, Ledger, Status};
use super::policy::USERS;
use super::{Grant, Lock, Places, crl, issue, list};
use crate::certificate::{Name, Summary, load_chain, parse, summary};
use crate::error::{Error, Result};
use crate::file;
use crate::request::Request;
use std::path::PathBuf;
use time::{Duration, OffsetDateTime};

/// In the last third of its life a certificate may be exchanged for a new one by whoever holds its key. Earlier there is no
/// need, and every exchange makes the revocation list longer.
const RENEW_IN_LAST: i32 = 3;

/// How somebody has shown that a name is theirs.
#[derive(Debug, Clone)]
pub enum Proof {
    /// By an account: the auth service took a ticket for it.
    Account,
    /// By the certificate that they hold, over mutual TLS: its serial, in upper-case hex.
    Certificate(String),
}

/// What came of it.
#[derive(Debug)]
pub enum Enrolled {
    /// There is a new certificate: `chain` is PEM, leaf first. It took the place of the one with the serial `instead_of`.
    Issued { chain: String, leaf: Box<Summary>, instead_of: Option<String> },
    /// Nothing was signed: this is the chain that was signed before, for the same key. Its first way did not end with whoever asks.
    Again { chain: String, leaf: Box<Summary> },
    /// Nothing was signed: this one is valid, and says the same.
    Exists(Box<Summary>),
    /// Nothing was signed: this one is valid, and is somebody else's, to judge by country or organisation.
    Taken(Box<Summary>),
}

/// Gives `name` a certificate for the key of `request`, unless there is a valid one. Nothing else of the request is granted but
/// country and organisation; what more it asks for is passed over.
///
/// One at a time: of two who ask for the same name at once, the second finds the certificate of the first.
///
/// # Errors
/// The request asks for another person's name, the policy grants it to nobody, or the authority can't sign.
pub fn enrol(places: &Places, name: &str, request: &Request, proof: &Proof, now: OffsetDateTime) -> Result<Enrolled> {
    let grant = Grant::user(name, request.country.as_deref(), request.organisation.as_deref())?;
    check_claim(name, request)?;
    let lock = Lock::take(places.ca())?;
    let held = held(places, name, now)?;
    let instead_of = match &held {
        None => None,
        Some(Held::Damaged(serial)) => Some(serial.clone()),
        Some(Held::Valid(certificate)) if !same_subject(certificate, &grant) => return Ok(Enrolled::Taken(certificate.clone())),
        Some(Held::Valid(certificate)) if may_renew(certificate, proof, now) => Some(certificate.serial.clone()),
        Some(Held::Valid(certificate)) if !shown(certificate, proof) && is_of(places, certificate, request)? => {
            return again(places, certificate.clone());
        }
        Some(Held::Valid(certificate)) => return Ok(Enrolled::Exists(certificate.clone())),
    };
    if let Proof::Certificate(serial) = proof
        && instead_of.as_ref() != Some(serial)
    {
        return Err(Error::new("proof-outdated", "the certificate that was shown is not the one that is valid for this name")
            .hint("prove the name by the account: remove the old chain, then ./client enrol NAME"));
    }
    // The old one goes first: between the two there may be none, but never two.
    if let Some(serial) = &instead_of {
        Issuer::open(places, Which::Intermediate)?.revoke(&lock, serial, crl::Reason::Superseded)?;
        list(places, &lock, Which::Intermediate)?;
    }
    let (signed, chain) = issue(places, &lock, &grant, &request.key, now)?;
    let leaf = Box::new(summary(&signed.der)?);
    Ok(Enrolled::Issued { chain: String::from_utf8_lossy(&chain).into_owned(), leaf, instead_of })
}

/// The certificate of `name` that is valid now, in PEM.
///
/// # Errors
/// The ledger can't be read.
pub fn valid(places: &Places, name: &str, now: OffsetDateTime) -> Result<Option<Vec<u8>>> {
    match held(places, name, now)? {
        Some(Held::Valid(certificate)) => file::read(&issued(places, &certificate.serial)).map(Some),
        _ => Ok(None),
    }
}

/// Whoever names a person in a request must be that person. Other names are not granted, and do no harm.
fn check_claim(name: &str, request: &Request) -> Result<()> {
    let own = format!("{name}.{USERS}");
    let people = request.names.iter().filter_map(|asked| match asked {
        Name::Dns(asked) if asked.ends_with(&format!(".{USERS}")) => Some(asked.to_ascii_lowercase()),
        _ => None,
    });
    let people: Vec<_> = people.collect();
    let claimed = if people.is_empty() { request.common_name.as_deref() == Some(name) } else { people.contains(&own) };
    if claimed {
        return Ok(());
    }
    Err(Error::new("not-yours", format!("the request does not ask for {own}, and that is the one name that was proved"))
        .hint(format!("make it for that name: openssl req -new -key KEY -subj /CN={name} -addext subjectAltName=DNS:{own}")))
}

/// What the ledger has for a name, neither expired nor revoked.
enum Held {
    Valid(Box<Summary>),
    /// It was signed, with this serial, and our copy can't be read.
    Damaged(String),
}

fn held(places: &Places, name: &str, now: OffsetDateTime) -> Result<Option<Held>> {
    let ledger = Ledger::load(&Which::Intermediate.directory(places))?;
    let mut damaged = None;
    for Entry { serial, .. } in ledger.entries.iter().rev().filter(|entry| is_for(entry, name, now)) {
        match load_chain(&issued(places, serial)).and_then(|chain| summary(&chain[0])) {
            Ok(certificate) if certificate.names == [Name::Dns(format!("{name}.{USERS}"))] => {
                return Ok(Some(Held::Valid(Box::new(certificate))));
            }
            Ok(_) => {} // a host that is called like a person
            Err(_) => damaged = Some(Held::Damaged(serial.clone())),
        }
    }
    Ok(damaged)
}

/// Our copy of what was signed.
fn issued(places: &Places, serial: &str) -> PathBuf {
    Which::Intermediate.directory(places).join(format!("issued/{serial}.pem"))
}

fn is_for(entry: &Entry, name: &str, now: OffsetDateTime) -> bool {
    entry.status == Status::Valid && entry.not_after > now && entry.subject.ends_with(&format!("/CN={name}"))
}

/// Country and organisation belong to a name: with others it is somebody else who asks.
fn same_subject(certificate: &Summary, grant: &Grant) -> bool {
    certificate.country == grant.country && certificate.organisation == grant.organisation
}

fn may_renew(certificate: &Summary, proof: &Proof, now: OffsetDateTime) -> bool {
    let life: Duration = certificate.not_after - certificate.not_before;
    shown(certificate, proof) && certificate.not_after - now < life / RENEW_IN_LAST
}

/// Whether whoever asks has it in hand.
fn shown(certificate: &Summary, proof: &Proof) -> bool {
    matches!(proof, Proof::Certificate(serial) if *serial == certificate.serial)
}

/// Whether it is for the key that has signed the request.
fn is_of(places: &Places, certificate: &Summary, request: &Request) -> Result<bool> {
    let chain = load_chain(&issued(places, &certificate.serial))?;
    Ok(parse(&chain[0])?.public_key().raw == request.key.der())
}

fn again(places: &Places, leaf: Box<Summary>) -> Result<Enrolled> {
    let chain = [file::read(&issued(places, &leaf.serial))?, file::read(&places.intermediate_certificate())?].concat();
    Ok(Enrolled::Again { chain: String::from_utf8_lossy(&chain).into_owned(), leaf })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Charter, found};
    use crate::key::{Key, Kind};
    use crate::request::{self, Subject};

    struct Lab {
        _directory: tempfile::TempDir,
        places: Places,
    }

    impl Lab {
        fn new() -> Lab {
            let directory = tempfile::tempdir().unwrap();
            let places = Places::new(directory.path().join("certs"));
            found(&places, &Charter::default()).unwrap();
            Lab { _directory: directory, places }
        }

        fn enrol(&self, name: &str, asked: &Request, proof: &Proof, days: i64) -> Result<Enrolled> {
            enrol(&self.places, name, asked, proof, OffsetDateTime::now_utc() + Duration::days(days))
        }

        fn valid(&self, days: i64) -> usize {
            let ledger = Ledger::load(&Which::Intermediate.directory(&self.places)).unwrap();
            ledger.entries.iter().filter(|entry| is_for(entry, "alice", OffsetDateTime::now_utc() + Duration::days(days))).count()
        }
    }

    fn asks(name: &str, organisation: &str, names: &[&str]) -> Request {
        let names: Vec<_> = names.iter().map(|name| Name::Dns((*name).into())).collect();
        let subject = Subject { common_name: name, country: Some("DE"), organisation: Some(organisation) };
        request::only(request::make(&Key::generate(Kind::P256).unwrap(), &subject, &names).unwrap().as_bytes()).unwrap()
    }

    fn alice() -> Request {
        asks("alice", "Padlock", &["alice.users.test"])
    }

    fn serial(enrolled: Result<Enrolled>) -> String {
        match enrolled.unwrap() {
            Enrolled::Issued { leaf, .. } => leaf.serial,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_has_one_valid_certificate() {
        let lab = Lab::new();
        let first = serial(lab.enrol("alice", &alice(), &Proof::Account, 0));
        let again = lab.enrol("alice", &alice(), &Proof::Account, 1).unwrap();
        assert!(matches!(again, Enrolled::Exists(held) if held.serial == first));
        let other = lab.enrol("alice", &asks("alice", "Elsewhere", &[]), &Proof::Account, 1).unwrap();
        assert!(matches!(other, Enrolled::Taken(held) if held.serial == first));
        assert_eq!(lab.valid(1), 1);
    }

    #[test]
    fn whoever_never_received_a_certificate_gets_it_with_the_key_that_it_is_for() {
        let (lab, asked) = (Lab::new(), alice());
        let first = serial(lab.enrol("alice", &asked, &Proof::Account, 0));
        let again = lab.enrol("alice", &asked, &Proof::Account, 1).unwrap();
        assert!(matches!(&again, Enrolled::Again { leaf, chain } if leaf.serial == first && chain.matches("BEGIN").count() == 2));
        let held = lab.enrol("alice", &asked, &Proof::Certificate(first.clone()), 1).unwrap();
        assert!(matches!(held, Enrolled::Exists(_)), "whoever shows it has it");
        let renewed = serial(lab.enrol("alice", &asked, &Proof::Certificate(first.clone()), 61));
        let again = lab.enrol("alice", &asked, &Proof::Certificate(first), 61).unwrap();
        assert!(matches!(again, Enrolled::Again { leaf, .. } if leaf.serial == renewed), "the new one was lost on its way");
        assert_eq!(lab.valid(61), 1);
    }

    #[test]
    fn what_has_expired_or_was_revoked_or_is_damaged_is_issued_anew() {
        let lab = Lab::new();
        let first = serial(lab.enrol("alice", &alice(), &Proof::Account, -91));
        let second = serial(lab.enrol("alice", &alice(), &Proof::Account, 0));
        crate::authority::revoke(&lab.places, &second, crl::Reason::KeyCompromise).unwrap();
        let third = serial(lab.enrol("alice", &alice(), &Proof::Account, 0));
        let copy = Which::Intermediate.directory(&lab.places).join(format!("issued/{third}.pem"));
        std::fs::write(copy, "damaged").unwrap();
        let fourth = serial(lab.enrol("alice", &alice(), &Proof::Account, 0));
        let all = [first, second, third, fourth];
        assert!((1..4).all(|n| !all[..n].contains(&all[n])), "{all:?}");
        assert_eq!(lab.valid(0), 1);
    }

    #[test]
    fn who_holds_the_certificate_renews_it_near_its_end() {
        let lab = Lab::new();
        let first = serial(lab.enrol("alice", &alice(), &Proof::Account, 0));
        let proof = Proof::Certificate(first.clone());
        assert!(matches!(lab.enrol("alice", &alice(), &proof, 59).unwrap(), Enrolled::Exists(_)));
        let second = lab.enrol("alice", &alice(), &proof, 61).unwrap();
        assert!(matches!(&second, Enrolled::Issued { instead_of: Some(old), .. } if *old == first), "{second:?}");
        assert_eq!(lab.valid(61), 1);
        assert!(
            lab.enrol("alice", &alice(), &proof, 61).is_ok_and(|held| matches!(held, Enrolled::Exists(_))),
            "the old one proves nothing more"
        );
    }

    #[test]
    fn a_request_for_somebody_else_is_refused_and_other_names_are_not_granted() {
        let lab = Lab::new();
        for (cn, names) in [("bob", vec![]), ("alice", vec!["bob.users.test"]), ("", vec![]), ("alice.users.test", vec![])] {
            let refused = lab.enrol("alice", &asks(cn, "Padlock", &names), &Proof::Account, 0).unwrap_err();
            assert_eq!(refused.code, "not-yours", "{cn} {names:?}");
        }
        let greedy = asks("alice", "Padlock", &["alice.users.test", "localhost", "*.test", "ticket.services.test"]);
        match lab.enrol("alice", &greedy, &Proof::Account, 0).unwrap() {
            Enrolled::Issued { leaf, .. } => assert_eq!(leaf.names, [Name::Dns("alice.users.test".into())]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_host_that_is_called_like_a_person_is_another() {
        let lab = Lab::new();
        let host = Grant::server(&[Name::Dns("alice.test".into())]).unwrap();
        let chain = lab.places.dir.join("x.pem");
        crate::authority::sign(&lab.places, &host, &alice().key, &chain, None).unwrap();
        serial(lab.enrol("alice", &alice(), &Proof::Account, 0));
    }
}
