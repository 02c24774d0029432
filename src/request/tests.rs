use super::*;
use crate::key::Kind;
use rustls::pki_types::CertificateSigningRequestDer as Der;

fn asked(names: &[Name]) -> (Key, Vec<u8>) {
    let key = Key::generate(Kind::P256).unwrap();
    let subject = Subject { common_name: "localhost", country: Some("DE"), organisation: Some("Padlock") };
    let made = make(&key, &subject, names).unwrap();
    let items = pem::parse(made.as_bytes(), Path::new("some.csr")).unwrap();
    let [pem::Item::Request(der)] = &items[..] else { panic!("not a request: {made}") };
    (key, der.to_vec())
}

#[test]
fn a_request_carries_the_key_the_names_and_nothing_secret() {
    let names = [Name::Dns("localhost".into()), Name::Ip("127.0.0.1".parse().unwrap())];
    let (key, der) = asked(&names);
    let request = check(&Der::from(der.clone())).unwrap();
    assert_eq!(request.names, names);
    assert_eq!(request.key.der(), key.public());
    assert_eq!((request.country.as_deref(), request.organisation.as_deref()), (Some("DE"), Some("Padlock")));
    // The PKCS#8 of a P-256 key holds the 32 secret bytes from the 36th on.
    let secret = key.secret().secret_der()[36..68].to_vec();
    assert!(!der.windows(32).any(|window| window == secret));
}

#[test]
fn a_request_that_was_changed_on_the_way_proves_nothing() {
    let (_, der) = asked(&[Name::Dns("localhost".into())]);
    let place = der.windows(9).rposition(|window| window == b"localhost").unwrap();
    let mut changed = der;
    changed[place] = b'x';
    assert_eq!(check(&Der::from(changed)).unwrap_err().code, "no-possession");
}

#[test]
fn a_request_for_somebody_elses_key_is_refused() {
    let (ours, mut der) = asked(&[Name::Dns("localhost".into())]);
    let theirs = Key::generate(Kind::P256).unwrap().public();
    let place = der.windows(ours.public().len()).position(|window| window == ours.public()).unwrap();
    der[place..place + theirs.len()].copy_from_slice(&theirs);
    assert_eq!(check(&Der::from(der)).unwrap_err().code, "no-possession");
}

#[test]
fn no_cut_and_no_flipped_byte_changes_what_is_asked_for() {
    let (key, der) = asked(&[Name::Dns("localhost".into())]);
    for end in 0..der.len() {
        assert!(check(&Der::from(&der[..end])).is_err(), "cut at {end}");
    }
    for place in 0..der.len() {
        let mut changed = der.clone();
        changed[place] ^= 0x41;
        // A byte that nobody reads may change; what was asked for may not.
        let unchanged = |r: Request| r.names == [Name::Dns("localhost".into())] && r.key.der() == key.public();
        assert!(check(&Der::from(changed)).map_or(true, unchanged), "flipped at {place}");
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let (_, mut der) = asked(&[Name::Dns("localhost".into())]);
    der.push(0);
    assert_eq!(check(&Der::from(der)).unwrap_err().code, "request-damaged");
}
