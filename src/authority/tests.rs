use super::policy::{LONGEST, typed};
use super::*;
use crate::certificate::{Name, load_chain, summary};
use crate::request::{self, Subject};
use proptest::prelude::*;
use std::fs;
use time::macros::datetime;

fn lab() -> (tempfile::TempDir, Places) {
    let directory = tempfile::tempdir().unwrap();
    let places = Places::new(directory.path().join("certs"));
    found(&places, &Charter::default()).unwrap();
    (directory, places)
}

fn server(names: &[&str]) -> Result<Grant> {
    Grant::server(&names.iter().map(|name| typed(name)).collect::<Vec<_>>())
}

/// Signs `grant` for a new key and gives what the leaf says.
fn signed(places: &Places, grant: &Grant) -> crate::certificate::Summary {
    let key = Key::generate(Kind::P256).unwrap();
    let pem = request::make(&key, &Subject { common_name: "x", ..Subject::default() }, &[Name::Dns("x.test".into())]).unwrap();
    let items = key::pem::parse(pem.as_bytes(), Path::new("x.csr")).unwrap();
    let [key::pem::Item::Request(der)] = &items[..] else { panic!("not a request") };
    let chain = places.dir.join("x.fullchain.pem");
    sign(places, grant, &request::check(der).unwrap().key, &chain, None).unwrap();
    summary(&load_chain(&chain).unwrap()[0]).unwrap()
}

#[test]
fn the_policy_grants_the_labs_names() {
    let granted = "localhost a.localhost test foo.test *.foo.test 127.0.0.1 127.9.9.9 ::1 LOCALHOST 1.test xn--bcher-kva.test";
    for name in granted.split(' ') {
        assert!(server(&[name]).is_ok(), "{name}");
    }
}

#[test]
fn the_policy_grants_no_other_names() {
    let outside = "example.com localhost.example.com nottest latest 10.0.0.1 ::2 0.0.0.0";
    let stars = "*.test *.localhost * *.*.foo.test foo.*.test a*.foo.test";
    let malformed = "-a.test a-.test a_b.test a..test .test test. bücher.test a\0.test";
    let reserved = "alice.users.test users.test *.users.test ticket.services.test x.ticket.services.test";
    for name in [outside, stars, malformed, reserved].iter().flat_map(|names| names.split(' ')).chain(["", "a b.test"]) {
        assert!(server(&[name]).is_err(), "{name:?}");
    }
    assert!(server(&[&format!("{}.test", "a".repeat(64))]).is_err());
    assert!(server(&[]).is_err());
    assert!(server(&vec!["localhost"; 101]).is_err());
    assert!(server(&["localhost", "example.com"]).is_err(), "one bad name spoils all");
}

#[test]
fn a_user_has_one_name_in_lower_case() {
    let grant = Grant::user("alice", Some("DE"), Some("Padlock & Sons")).unwrap();
    assert_eq!(grant.names, [Name::Dns("alice.users.test".into())]);
    assert_eq!(grant.common_name, "alice");
    for name in ["", "Alice", "al ice", "al.ice", "../x", "a/b", "a:b", "a\0", "-a", "a-", "älice", &"a".repeat(41)] {
        assert!(Grant::user(name, None, None).is_err(), "{name:?}");
        assert!(Grant::service(name).is_err(), "{name:?}");
    }
    for country in ["", "D", "de", "DEU", "D1", "ÄÖ"] {
        assert!(Grant::user("alice", Some(country), None).is_err(), "{country:?}");
    }
    for organisation in ["", " x", "x/CN=root", "x\n", &"x".repeat(65)] {
        assert!(Grant::user("alice", None, Some(organisation)).is_err(), "{organisation:?}");
    }
}

#[test]
fn the_names_of_a_request_decide_and_its_common_name_does_not() {
    let request = |names: &[Name]| request::Request {
        common_name: None,
        subject: "CN=bank.example.com".into(),
        country: Some("DE".into()),
        organisation: None,
        names: names.to_vec(),
        others: Vec::new(),
        key: key_of_somebody(),
    };
    let dns = |name: &str| Name::Dns(name.into());
    let granted = Grant::requested(&request(&[dns("foo.test")])).unwrap();
    assert_eq!((granted.role, granted.common_name.as_str(), granted.country), (Role::Server, "foo", None));
    let user = Grant::requested(&request(&[dns("bob.users.test")])).unwrap();
    assert_eq!((user.role, user.common_name.as_str(), user.country.as_deref()), (Role::User, "bob", Some("DE")));
    assert_eq!(Grant::requested(&request(&[dns("chat.services.test")])).unwrap().role, Role::Service);
    assert!(Grant::requested(&request(&[])).is_err(), "a common name alone is no name");
    assert!(Grant::requested(&request(&[dns("bob.users.test"), dns("alice.users.test")])).is_err());
    assert!(Grant::requested(&request(&[dns("bob.users.test"), dns("localhost")])).is_err());
    assert!(Grant::requested(&request(&[dns("x.bob.users.test")])).is_err());
    assert!(Grant::requested(&request(&[Name::Other("URI:https://localhost".into())])).is_err());
}

fn key_of_somebody() -> Public {
    let identity = crate::certificate::Identity::self_signed(&[Name::Dns("x.test".into())]).unwrap();
    Public::new(crate::certificate::parse(&identity.chain[0]).unwrap().public_key()).unwrap()
}

#[test]
fn a_leaf_says_what_the_policy_says() {
    let (_directory, places) = lab();
    let said = signed(&places, &server(&["foo.test", "127.0.0.1"]).unwrap());
    assert_eq!((said.version, said.is_ca, said.subject.as_str()), (3, false, "CN=foo"));
    assert_eq!(said.names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["DNS:foo.test", "IP:127.0.0.1"]);
    assert_eq!((said.key_usage, said.extended_key_usage), (vec!["digitalSignature".to_string()], vec!["serverAuth".to_string()]));
    assert!(said.not_after - said.not_before <= LONGEST);
    assert_eq!(signed(&places, &Grant::user("alice", None, None).unwrap()).extended_key_usage, ["serverAuth", "clientAuth"]);
    assert_eq!(signed(&places, &Grant::service("ticket").unwrap()).extended_key_usage, ["clientAuth"]);
    assert_eq!(signed(&places, &Grant::service("auth").unwrap()).extended_key_usage, ["serverAuth"]);
}

#[test]
fn no_grant_lives_longer_than_ninety_days() {
    let (_directory, places) = lab();
    let grant = Grant { validity: Duration::days(4000), ..server(&["localhost"]).unwrap() };
    let said = signed(&places, &grant);
    assert!(said.not_after - said.not_before <= LONGEST);
}

#[test]
fn two_authorities_never_share_a_name() {
    let ((_one, ours), (_two, theirs)) = (lab(), lab());
    let name = |places: &Places| summary(&load_chain(&places.root_certificate()).unwrap()[0]).unwrap().subject;
    assert_ne!(name(&ours), name(&theirs));
    assert!(!name(&ours).contains('.'));
}

#[test]
fn founding_twice_is_refused_and_changes_nothing() {
    let (_directory, places) = lab();
    let before = fs::read(places.root_certificate()).unwrap();
    assert_eq!(found(&places, &Charter::default()).unwrap_err().code, "authority-exists");
    assert_eq!(fs::read(places.root_certificate()).unwrap(), before);
}

#[test]
fn an_unfinished_founding_is_finished_with_the_keys_that_are_there() {
    let (_directory, places) = lab();
    let root = fs::read(places.root_certificate()).unwrap();
    let key = fs::read(Which::Intermediate.key(&places)).unwrap();
    fs::remove_file(places.intermediate_certificate()).unwrap();
    found(&places, &Charter::default()).unwrap();
    assert_eq!(fs::read(places.root_certificate()).unwrap(), root);
    assert_eq!(fs::read(Which::Intermediate.key(&places)).unwrap(), key);
    signed(&places, &server(&["localhost"]).unwrap());
}

#[test]
fn a_certificate_without_its_key_is_never_replaced() {
    let (_directory, places) = lab();
    fs::remove_file(Which::Root.key(&places)).unwrap();
    fs::remove_file(places.intermediate_certificate()).unwrap();
    assert_eq!(found(&places, &Charter::default()).unwrap_err().code, "authority-incomplete");
}

#[test]
fn whatever_was_signed_is_in_the_ledger_and_can_be_revoked_once() {
    let (_directory, places) = lab();
    let said = signed(&places, &server(&["localhost"]).unwrap());
    assert_eq!(revoke(&places, &said.serial, crl::Reason::KeyCompromise).unwrap(), Which::Intermediate);
    assert_eq!(revoke(&places, &said.serial, crl::Reason::KeyCompromise).unwrap_err().code, "revoked-already");
    assert_eq!(revoke(&places, "00FF", crl::Reason::Unspecified).unwrap_err().code, "unknown-serial");
    let ledger = Ledger::load(&Which::Intermediate.directory(&places)).unwrap();
    assert_eq!(
        ledger.revoked().map(|(entry, _, reason)| (entry.serial.as_str(), reason)).collect::<Vec<_>>(),
        [(said.serial.as_str(), Some("keyCompromise"))]
    );
    assert!(places.crl("intermediate").exists());
}

#[test]
fn a_damaged_ledger_stops_the_authority_and_names_the_line() {
    let (_directory, places) = lab();
    signed(&places, &server(&["localhost"]).unwrap());
    let index = ledger::index(&Which::Intermediate.directory(&places));
    let text = fs::read_to_string(&index).unwrap() + "V\t2702\n";
    fs::write(&index, &text).unwrap();
    let error = sign(&places, &server(&["localhost"]).unwrap(), &key_of_somebody(), &places.dir.join("y.pem"), None).unwrap_err();
    assert_eq!(error.code, "ledger-damaged");
    assert!(error.cause.contains("index.txt, line 2"), "{}", error.cause);
    assert_eq!(fs::read_to_string(&index).unwrap(), text);
    assert!(!places.dir.join("y.pem").exists());
}

#[test]
fn a_line_of_the_ledger_is_what_openssl_writes() {
    let line = "R\t270218095939Z\t261120100012Z,keyCompromise\t21C4\tunknown\t/CN=localhost";
    let ledger = Ledger::parse(line).unwrap();
    assert_eq!(ledger.entries[0].not_after, datetime!(2027-02-18 09:59:39 UTC));
    assert_eq!(ledger.entries[0].status, Status::Revoked { at: datetime!(2026-11-20 10:00:12 UTC), reason: Some("keyCompromise".into()) });
    assert_eq!(ledger.to_string(), format!("{line}\n"));
    let bad = [
        "V\t270218095939Z\t\t21C\tunknown\t/CN=x",
        "X\t270218095939Z\t\t21\tunknown\t/",
        "V\t279918095939Z\t\t21\tunknown\t/",
        "V\t270218095939Z\t21\tunknown\t/",
        "R\t270218095939Z\t\t21\tunknown\t/",
    ];
    for line in bad {
        assert_eq!(Ledger::parse(&format!("\n{line}")).unwrap_err().0, 2, "{line}");
    }
}

prop_compose! {
    fn any_time()(seconds in -631_152_000_i64..250_000_000_000) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }
}

prop_compose! {
    fn any_entry()(
        kind in 0..4, not_after in any_time(), at in any_time(), serial in "([0-9A-F]{2}){1,20}", file in "[a-z.]{1,9}", subject in "(/[A-Z]{1,2}=[ -.0-\\[\\]-~]{0,20}[a-z]){1,3}"
    ) -> Entry {
        let status = match kind {
            0 => Status::Valid,
            1 => Status::Expired,
            2 => Status::Revoked { at, reason: None },
            _ => Status::Revoked { at, reason: Some("superseded".into()) },
        };
        Entry { status, not_after, serial, file, subject }
    }
}

proptest! {
    #[test]
    fn a_ledger_that_was_written_is_read_back_alike(entries in prop::collection::vec(any_entry(), 0..20)) {
        let ledger = Ledger { entries };
        prop_assert_eq!(Ledger::parse(&ledger.to_string()).unwrap(), ledger);
    }

    #[test]
    fn any_text_is_a_ledger_or_an_error(text in any::<String>()) {
        let _either = Ledger::parse(&text);
    }

    #[test]
    fn anything_like_a_ledger_is_read_back_alike(text in "([VRE]\t[0-9]{12,15}Z?\t([0-9]{12}Z(,[a-zA-Z]*)?)?\t[0-9A-F]{0,6}\t[a-z\\\\\t]*\t[/A-Z=\\\\a-z\r]*\n?){0,4}") {
        if let Ok(ledger) = Ledger::parse(&text) {
            prop_assert_eq!(Ledger::parse(&ledger.to_string()).unwrap(), ledger);
        }
    }
}

#[test]
fn an_intermediate_that_the_root_took_back_signs_nothing_more() {
    let (_directory, places) = lab();
    let serial = summary(&load_chain(&places.intermediate_certificate()).unwrap()[0]).unwrap().serial;
    assert_eq!(revoke(&places, &serial, crl::Reason::default()).unwrap(), Which::Root);
    let refused = sign(&places, &server(&["x.test"]).unwrap(), &key_of_somebody(), &places.dir.join("x.pem"), None);
    assert_eq!(refused.unwrap_err().code, "issuer-revoked");
    assert!(!places.dir.join("x.pem").exists());
}

#[test]
fn a_revocation_whose_list_can_not_be_written_says_how_to_tell_it_all_the_same() {
    let (_directory, places) = lab();
    let serial = signed(&places, &server(&["x.test"]).unwrap()).serial;
    let lists = places.dir.join("crl");
    fs::remove_dir_all(&lists).ok();
    fs::write(&lists, "in the way").unwrap();
    let failed = revoke(&places, &serial, crl::Reason::default()).unwrap_err();
    assert!(failed.cause.contains(&serial) && failed.hint.contains("./ca crl"), "{failed:?}");
}
