use super::*;
use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, IsCa};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use time::macros::datetime;

/// A chain of `length` certificates, leaf first, with the leaf's key.
struct Chain {
    directory: tempfile::TempDir,
    pems: Vec<String>,
    key: Key,
}

impl Chain {
    fn new(length: usize, change: impl Fn(&mut CertificateParams)) -> Chain {
        let mut above: Option<rcgen::Issuer<'static, rcgen::KeyPair>> = None;
        let mut pems = Vec::new();
        let mut last = None;
        for place in (0..length).rev() {
            let key = Key::generate(Kind::P256).unwrap();
            let mut params = CertificateParams::new(vec!["localhost".to_string()]).unwrap();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, format!("number {place}"));
            params.not_before = OffsetDateTime::now_utc() - Duration::DAY;
            params.not_after = params.not_before + Duration::days(60);
            params.is_ca = if place == 0 { IsCa::ExplicitNoCa } else { IsCa::Ca(rcgen::BasicConstraints::Unconstrained) };
            if place == 0 {
                change(&mut params);
            }
            let signed = match &above {
                Some(issuer) => params.signed_by(key.pair(), issuer).unwrap(),
                None => params.self_signed(key.pair()).unwrap(),
            };
            pems.insert(0, signed.pem());
            let again = Key::try_from(&key.secret()).unwrap();
            above = Some(rcgen::Issuer::new(params, key.into_pair()));
            last = Some(again);
        }
        Chain { directory: tempfile::tempdir().unwrap(), pems, key: last.unwrap() }
    }

    fn load(&self, order: &[usize]) -> Result<Identity> {
        self.load_with(order, &self.key)
    }

    fn load_with(&self, order: &[usize], key: &Key) -> Result<Identity> {
        let (chain, file) = (self.path("chain.pem"), self.path("some.key"));
        fs::write(&chain, order.iter().map(|place| self.pems[*place].as_str()).collect::<String>()).unwrap();
        let _absent = fs::remove_file(&file);
        key.save(&file).unwrap();
        Identity::load(&chain, &file)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn code(result: Result<Identity>) -> (&'static str, u8) {
    let error = result.unwrap_err();
    assert!(!error.hint.is_empty(), "no cure for {}", error.cause);
    assert_eq!(error.lines("server").lines().count(), 2);
    (error.code, error.exit)
}

#[test]
fn an_identity_is_a_chain_with_the_key_of_its_leaf() {
    let chain = Chain::new(3, |_| ());
    assert_eq!(chain.load(&[0, 1]).unwrap().chain.len(), 2);
    assert_eq!(chain.load(&[0]).unwrap().chain.len(), 1);
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let chain = Chain::new(2, |_| ());
    assert_eq!(code(chain.load_with(&[0, 1], &Key::generate(Kind::P256).unwrap())), ("key-mismatch", exit::OWN_CERTIFICATE));
}

#[test]
fn a_reversed_chain_is_told_from_a_wrong_key() {
    assert_eq!(code(Chain::new(2, |_| ()).load(&[1, 0])), ("chain-reversed", exit::OWN_CERTIFICATE));
}

#[test]
fn a_certificate_of_version_1_is_refused_before_anybody_sees_it() {
    let (v3, v1) = ("AwIBAgI", "AwIBAAI"); // in base64: the version, an INTEGER, and the tag of the next one
    let mut chain = Chain::new(1, |_| ());
    assert!(chain.pems[0].contains(v3));
    chain.pems[0] = chain.pems[0].replacen(v3, v1, 1);
    assert_eq!(code(chain.load(&[0])), ("v1", exit::OWN_CERTIFICATE));
}

#[test]
fn a_chain_with_a_gap_is_refused() {
    assert_eq!(code(Chain::new(3, |_| ()).load(&[0, 2])), ("chain-order", exit::OWN_CERTIFICATE));
}

#[test]
fn an_intermediate_of_the_right_name_and_another_key_is_refused() {
    let (ours, theirs) = (Chain::new(2, |_| ()), Chain::new(2, |_| ()));
    let mixed = Chain { pems: vec![ours.pems[0].clone(), theirs.pems[1].clone()], ..ours };
    assert_eq!(code(mixed.load(&[0, 1])), ("chain-signature", exit::OWN_CERTIFICATE));
}

#[test]
fn an_expired_certificate_is_refused_with_its_dates() {
    let chain = Chain::new(1, |params| {
        params.not_before = datetime!(2020-01-01 0:00 UTC);
        params.not_after = datetime!(2020-02-01 0:00 UTC);
    });
    let error = chain.load(&[0]).unwrap_err();
    assert_eq!((error.code, error.exit), ("certificate-expired", exit::OWN_CERTIFICATE));
    assert!(error.cause.contains("2020-02-01 00:00:00 UTC"), "{}", error.cause);
}

#[test]
fn a_certificate_from_the_future_is_refused() {
    let chain = Chain::new(1, |params| {
        params.not_before = OffsetDateTime::now_utc() + Duration::days(2);
        params.not_after = params.not_before + Duration::DAY;
    });
    assert_eq!(code(chain.load(&[0])), ("certificate-not-yet", exit::OWN_CERTIFICATE));
}

#[test]
fn a_key_where_a_certificate_belongs_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("some.key");
    Key::generate(Kind::P256).unwrap().save(&file).unwrap();
    let error = load_chain(&file).unwrap_err();
    assert!(error.cause.contains("holds a private key, not a certificate"), "{}", error.cause);
}

#[test]
fn a_self_signed_certificate_is_no_authority_and_names_what_was_asked() {
    let identity = Identity::self_signed(&[Name::Dns("localhost".into()), Name::Ip("::1".parse().unwrap())]).unwrap();
    let said = summary(&identity.chain[0]).unwrap();
    assert!(!said.is_ca);
    assert_eq!(said.version, 3);
    assert_eq!(said.names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["DNS:localhost", "IP:::1"]);
}

#[test]
fn serials_are_long_positive_and_never_alike() {
    let serials: std::collections::HashSet<Vec<u8>> = (0..1000).map(|_| serial().unwrap().as_ref().to_vec()).collect();
    assert_eq!(serials.len(), 1000);
    assert!(serials.iter().all(|serial| serial.len() == 16 && serial[0] & 0x80 == 0 && serial[0] != 0));
}

#[test]
fn names_with_control_characters_are_escaped() {
    let chain = Chain::new(1, |params| {
        params.distinguished_name.push(DnType::CommonName, "evil\x1b[2Jname\u{202e}, O=Bank\n");
    });
    let said = summary(&chain.load(&[0]).unwrap().chain[0]).unwrap();
    assert_eq!(said.subject, "CN=evil\\\\u{1b}[2Jname\\\\u{202e}\\, O=Bank\\\\n");
    assert!(!said.common_name.unwrap().contains('\x1b'));
}

#[test]
fn what_is_no_certificate_is_an_error_and_not_a_panic() {
    for bytes in [&b""[..], b"0", &[0x30, 0x80], &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], &[0xFF; 64]] {
        assert!(summary(&CertificateDer::from(bytes)).is_err());
    }
}

/// What a hostile file may hold: the DER of something real, with bytes changed, cut out, or repeated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    static REAL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let key = Key::generate(Kind::P256).unwrap();
        let names = [Name::Dns("localhost".into()), Name::Ip([127, 0, 0, 1].into())];
        let certificate = self_sign(&key, "localhost", &names, Duration::DAY).unwrap().der.to_vec();
        let bundle = [&[0x30, 0x0A, 2, 1, 3, 0x30, 5][..], &[6, 3, 42, 3, 4]].concat();
        vec![certificate, key.secret().secret_der().to_vec(), key.public(), bundle]
    });
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    (0..REAL.len(), prop::collection::vec(change, 0..6)).prop_map(|(which, changes)| {
        let mut bytes = REAL[which].clone();
        for (place, value, how) in &changes {
            let place = place.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match how {
                0 => bytes.truncate(place + 1),
                1 if !bytes.is_empty() => drop(bytes.remove(place)),
                2 => bytes.insert(place, *value),
                _ if !bytes.is_empty() => bytes[place] = *value,
                _ => {}
            }
        }
        bytes
    })
}

fn readable(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

proptest! {
    #[test]
    fn whatever_a_file_holds_is_told_in_words_that_a_terminal_can_show(bytes in mutated()) {
        let found = key::what(&bytes);
        readable(&found.is());
        if let key::What::Der(pem::Item::Key(key)) = &found {
            readable(&secret::kind(key).unwrap_or_default());
        }
        let der = CertificateDer::from(bytes);
        for fault in faults(&der, OffsetDateTime::UNIX_EPOCH).unwrap_or_else(|error| vec![error]) {
            readable(&fault.cause);
            readable(&fault.hint);
        }
        drop(outside(&der, &der));
    }
}
