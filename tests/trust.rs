//! Whom our client and our server believe, shown by real handshakes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::pki::{self, Authority, Ends, handshake, self_signed, with_chain};
use padlock::certificate::Identity;
use padlock::refusal;
use padlock::tls::{self, Settings};
use padlock::trust::{ClientAuth, Presented, Trust};
use rcgen::{ExtendedKeyUsagePurpose, IsCa};
use rustls::pki_types::ServerName;
use std::io::Read;
use std::os::unix::net::UnixStream;
use time::macros::datetime;
use x509_parser::prelude::{FromDer, X509Certificate};

fn pinned(who: &Identity) -> Trust {
    Trust::certificates("exactly that one", &who.chain[..1]).unwrap()
}

fn pem(folder: &std::path::Path, name: &str, certificates: &[&[u8]]) -> std::path::PathBuf {
    let text: String = certificates.iter().map(|der| pki::pem(der)).collect();
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// What RFC 9525 section 6 says of names, against what the handshake does.
#[test]
fn a_name_is_matched_as_the_rfc_says() {
    let root = Authority::root("root");
    let trust = root.trusted();
    let table: [(&[&str], &str, bool); 24] = [
        (&["localhost"], "localhost", true),
        (&["localhost"], "LOCALHOST", true),
        (&["LocalHost"], "localhost", true),
        (&["localhost"], "localhost.", true),
        (&["localhost"], "wrong.test", false),
        (&["localhost"], "a.localhost", false),
        (&["a.localhost"], "localhost", false),
        (&["a.test", "b.test"], "b.test", true),
        (&["*.example.test"], "a.example.test", true),
        (&["*.example.test"], "A.EXAMPLE.TEST", true),
        (&["*.example.test"], "example.test", false),
        (&["*.example.test"], "a.b.example.test", false),
        (&["*.example.test"], "aexample.test", false),
        (&["a*.example.test"], "ab.example.test", false),
        (&["*.*.example.test"], "a.b.example.test", false),
        (&["*"], "localhost", false),
        (&["127.0.0.1"], "127.0.0.1", true),
        (&["127.0.0.1"], "127.0.0.2", false),
        (&["::1"], "::1", true),
        (&["::1"], "127.0.0.1", false),
        (&["127.0.0.1"], "localhost", false),
        (&["localhost"], "127.0.0.1", false),
        (&["xn--mnchen-3ya.test"], "xn--mnchen-3ya.test", true),
        (&[], "localhost", false),
    ];
    for (names, asked, good) in table {
        let ends = handshake(&root.leaf(names), &trust, asked);
        assert_eq!(ends.client.is_ok(), good, "{names:?} asked as {asked}: {:?}", ends.client);
    }
}

#[test]
fn a_chain_is_believed_up_to_the_root_and_only_when_whole() {
    let root = Authority::root("root");
    let intermediate = root.below("intermediate");
    let leaf = intermediate.leaf(&["localhost"]);
    assert!(handshake(&leaf, &root.trusted(), "localhost").client.is_err());
    let whole = with_chain(leaf, &[&intermediate]);
    assert!(handshake(&whole, &root.trusted(), "localhost").client.is_ok());
    assert!(handshake(&whole, &Authority::root("root").trusted(), "localhost").client.is_err());
    assert!(handshake(&whole, &Trust::web(), "localhost").client.is_err());
}

#[test]
fn a_pinned_certificate_is_believed_about_itself_under_its_name() {
    let (one, third) = (self_signed(&["localhost"], |_| {}), self_signed(&["localhost"], |_| {}));
    assert!(handshake(&one, &pinned(&one), "localhost").client.is_ok());
    assert!(handshake(&third, &pinned(&one), "localhost").client.is_err());
    assert!(handshake(&one, &pinned(&one), "other.test").client.is_err(), "a pin does not replace the name check");
}

/// The trap that `Trust` is there to close: any root may sign for others, a pinned certificate may not.
#[test]
fn a_pinned_certificate_vouches_for_nobody_else() {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = pki::leaf_params(&["localhost"]);
    let one = pki::identity(vec![params.self_signed(&key).unwrap().der().clone()], &key);
    let forger = Authority { certificate: one.chain[0].clone(), issuer: rcgen::Issuer::new(params, key) };
    let forged = forger.leaf(&["victim.test"]);
    assert!(handshake(&forged, &pinned(&one), "victim.test").client.is_err());
}

#[test]
fn what_a_server_showed_is_remembered_even_when_it_was_refused() {
    let root = Authority::root("root");
    let intermediate = root.below("intermediate");
    let shown = with_chain(intermediate.leaf(&["localhost"]), &[&intermediate]);
    for trust in [root.trusted(), Trust::web()] {
        let Ends { presented, .. } = handshake(&shown, &trust, "localhost");
        assert_eq!(*presented.lock().unwrap(), shown.chain);
    }
}

#[test]
fn both_kinds_of_trust_add_up() {
    let (root, one) = (Authority::root("root"), self_signed(&["localhost"], |_| {}));
    let both = root.trusted().and(pinned(&one));
    assert_eq!(both.described(), "the test's authority and exactly that one");
    assert!(handshake(&one, &both, "localhost").client.is_ok());
    assert!(handshake(&root.leaf(&["localhost"]), &both, "localhost").client.is_ok());
}

#[test]
fn a_file_of_roots_or_a_pinned_certificate_is_read() {
    let folder = common::scratch();
    let (root, other) = (Authority::root("root"), Authority::root("other"));
    let roots = Trust::file(&pem(folder.path(), "roots.crt", &[&other.certificate, &root.certificate])).unwrap();
    assert!(handshake(&root.leaf(&["localhost"]), &roots, "localhost").client.is_ok());
    let one = self_signed(&["localhost"], |_| {});
    let pinned = Trust::file(&pem(folder.path(), "one.crt", &[&one.chain[0]])).unwrap();
    assert!(handshake(&one, &pinned, "localhost").client.is_ok());
}

#[test]
fn a_file_that_names_nobody_to_believe_is_refused_with_77() {
    let folder = common::scratch();
    let root = Authority::root("root");
    let leaf = pem(folder.path(), "leaf.crt", &[&root.leaf(&["localhost"]).chain[0]]);
    let error = Trust::file(&leaf).err().unwrap();
    assert_eq!((error.code, error.exit), ("not-an-authority", 77), "{error}");
    assert!(error.cause.starts_with(&leaf.display().to_string()) && error.cause.contains("leaf"), "{error}");
    for file in [folder.path().join("missing.crt"), pem(folder.path(), "empty.crt", &[])] {
        assert_eq!(Trust::file(&file).err().unwrap().exit, 77, "{}", file.display());
    }
    let nobody = Trust::certificates("an empty list", &[]).unwrap();
    assert_eq!(nobody.judge_servers(Presented::default()).err().unwrap().code, "nobody-trusted");
}

/// Both ends of a handshake in which the client may show a certificate. The client's end includes its first read: in
/// TLS 1.3 that is where the server's refusal arrives.
fn mutual(client: Option<&Identity>, believed: &Trust, how: ClientAuth) -> (bool, bool) {
    let root = Authority::root("the server's root");
    let server = tls::server(&root.leaf(&["localhost"]), Some((believed, how)), &Settings::default()).unwrap();
    let config = tls::client(client, &root.trusted(), Presented::default(), &Settings::default()).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let serving = std::thread::spawn(move || match tls::accept(theirs, &server) {
        Ok(mut session) => session.close().is_ok(),
        Err(_) => false,
    });
    let mut session = tls::connect(ours, ServerName::try_from("localhost").unwrap(), &config).map_err(|_| ()).unwrap();
    let read = session.read(&mut [0]).is_ok();
    (read, serving.join().unwrap())
}

fn client_of(root: &Authority) -> Identity {
    root.leaf_with(&["alice.users.test"], |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
}

#[test]
fn a_client_certificate_is_not_asked_asked_or_required() {
    let root = Authority::root("clients");
    let (alice, stranger) = (client_of(&root), client_of(&Authority::root("strangers")));
    let serveronly = root.leaf(&["alice.users.test"]);
    let trust = root.trusted();
    let table = [
        (ClientAuth::None, None, true),
        (ClientAuth::None, Some(&stranger), true), // not asked, not shown
        (ClientAuth::Request, None, true),
        (ClientAuth::Request, Some(&alice), true),
        (ClientAuth::Request, Some(&stranger), false),
        (ClientAuth::Require, None, false),
        (ClientAuth::Require, Some(&alice), true),
        (ClientAuth::Require, Some(&stranger), false),
        (ClientAuth::Require, Some(&serveronly), false),
    ];
    for (how, shown, good) in table {
        assert_eq!(mutual(shown, &trust, how), (good, good), "{how:?}, shown: {}", shown.is_some());
    }
}

#[test]
fn a_server_can_pin_its_clients_too() {
    let client = |params: &mut rcgen::CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.is_ca = IsCa::ExplicitNoCa;
    };
    let (one, third) = (self_signed(&["a.users.test"], client), self_signed(&["a.users.test"], client));
    assert_eq!(mutual(Some(&one), &pinned(&one), ClientAuth::Require), (true, true));
    assert_eq!(mutual(Some(&third), &pinned(&one), ClientAuth::Require), (false, false));
}

/// A list of `authority` that takes back these certificates, by the reason that their key was stolen.
fn list(authority: &Authority, revoked: &[&Identity], next_update: time::OffsetDateTime) -> Vec<u8> {
    let taken_back = |who: &&Identity| rcgen::RevokedCertParams {
        serial_number: rcgen::SerialNumber::from_slice(X509Certificate::from_der(&who.chain[0]).unwrap().1.raw_serial()),
        revocation_time: datetime!(2026-01-02 03:04:05 UTC),
        reason_code: Some(rcgen::RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let list = rcgen::CertificateRevocationListParams {
        this_update: pki::days(-2),
        next_update,
        crl_number: rcgen::SerialNumber::from(vec![1]),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(taken_back).collect(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    list.signed_by(&authority.issuer).unwrap().der().to_vec()
}

/// The code of the refusal of `who`, and its cause.
fn judged(who: &Identity, trust: &Trust) -> Result<(), padlock::error::Error> {
    let Ends { client, presented, .. } = handshake(who, trust, "localhost");
    client.map_err(|failure| refusal::client_side(&failure, &ServerName::try_from("localhost").unwrap(), &presented, trust))
}

#[test]
fn what_its_issuers_list_takes_back_is_refused_with_serial_date_and_reason() {
    let root = Authority::root("root");
    let middle = root.below("middle");
    let (bad, good) = (with_chain(middle.leaf(&["localhost"]), &[&middle]), with_chain(middle.leaf(&["localhost"]), &[&middle]));
    let folder = common::scratch();
    let file = folder.path().join("some.crl");
    std::fs::write(&file, list(&middle, &[&bad], pki::days(1))).unwrap();
    let trust = root.trusted().and_revoked_by(&file).unwrap();
    assert!(judged(&good, &trust).is_ok(), "nobody asks for the list of who signed the intermediate");
    let error = judged(&bad, &trust).unwrap_err();
    assert_eq!((error.code, error.exit), ("revoked", 60), "{error}");
    let serial = padlock::certificate::summary(&bad.chain[0]).unwrap().serial;
    for part in ["2026-01-02 03:04:05 UTC", "keyCompromise", "some.crl", &serial] {
        assert!(error.cause.contains(part), "{error} does not say {part}");
    }
}

#[test]
fn a_list_that_is_stale_or_not_the_issuers_is_never_passed_over() {
    let (root, other, namesake) = (Authority::root("root"), Authority::root("other"), Authority::root("root"));
    let who = root.leaf(&["localhost"]);
    for (list, code) in [
        (list(&other, &[], pki::days(1)), "no-crl"),
        (list(&namesake, &[], pki::days(1)), "foreign-crl"),
        (list(&root, &[], pki::days(-1)), "stale-crl"),
    ] {
        let error = judged(&who, &root.trusted().and_revoked(&list, "a list").unwrap()).unwrap_err();
        assert_eq!((error.code, error.exit), (code, 60), "{error}");
        assert!(!error.hint.is_empty() && error.cause.starts_with("certificate refused: "), "{error:?}");
    }
    let both = root.trusted().and_revoked(&list(&other, &[], pki::days(1)), "one").unwrap();
    assert!(judged(&who, &both.and_revoked(&list(&root, &[], pki::days(1)), "two").unwrap()).is_ok());
}

#[test]
fn a_client_that_was_taken_back_is_refused_too() {
    let root = Authority::root("clients");
    let (alice, bob) = (client_of(&root), client_of(&root));
    let trust = root.trusted().and_revoked(&list(&root, &[&alice], pki::days(1)), "a list").unwrap();
    assert_eq!(mutual(Some(&alice), &trust, ClientAuth::Require), (false, false));
    assert_eq!(mutual(Some(&bob), &trust, ClientAuth::Require), (true, true));
}

#[test]
fn what_is_no_revocation_list_is_refused_with_82() {
    let root = Authority::root("root");
    for (bytes, code) in [(pki::pem(&root.certificate).into_bytes(), "not-a-crl"), (b"hello".to_vec(), "not-pem"), (Vec::new(), "not-pem")]
    {
        let error = root.trusted().and_revoked(&bytes, "a file").err().unwrap();
        assert_eq!((error.code, error.exit), (code, 82), "{error}");
    }
}
