use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const KINDS: [Kind; 4] = [Kind::P256, Kind::P384, Kind::Ed25519, Kind::Rsa2048];

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("some.key");
    (directory, file)
}

fn refused(bytes: &[u8]) -> Error {
    let (_directory, file) = scratch();
    fs::write(&file, bytes).unwrap();
    load(&file).unwrap_err()
}

#[test]
fn a_key_of_each_kind_survives_being_saved_and_loaded() {
    for kind in KINDS {
        let (_directory, file) = scratch();
        let key = Key::generate(kind).unwrap();
        key.save(&file).unwrap();
        assert_eq!(Key::load(&file).unwrap().public(), key.public(), "{kind}");
    }
}

#[test]
fn a_saved_key_is_for_its_owner_alone() {
    let (_directory, file) = scratch();
    Key::generate(Kind::P256).unwrap().save(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_key_never_replaces_another() {
    let (_directory, file) = scratch();
    Key::generate(Kind::P256).unwrap().save(&file).unwrap();
    let before = fs::read(&file).unwrap();
    let error = Key::generate(Kind::P256).unwrap().save(&file).unwrap_err();
    assert_eq!(error.code, "file-exists");
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "something was left behind");
}

#[test]
fn a_short_rsa_key_is_refused_with_the_reason() {
    for text in ["rsa:1024", "rsa1024", "rsa:512"] {
        let error = text.parse::<Kind>().unwrap_err();
        assert_eq!((error.code, error.exit), ("key-too-short", exit::USAGE), "{text}");
        assert!(error.cause.contains("too short"), "{}", error.cause);
    }
    assert_eq!("rsa".parse::<Kind>().unwrap(), Kind::Rsa2048);
    assert_eq!("dsa".parse::<Kind>().unwrap_err().code, "key-kind");
}

#[test]
fn every_kind_is_read_back_from_its_own_name() {
    for (kind, name) in Kind::NAMES {
        assert_eq!((name.parse::<Kind>().unwrap(), kind.to_string().as_str()), (kind, name));
    }
}

#[test]
fn a_key_is_never_printed() {
    let key = Key::generate(Kind::P256).unwrap();
    let secret = hex(key.secret().secret_der());
    assert!(!format!("{key:?}").contains(&secret[..16]));
}

#[test]
fn the_error_says_what_a_wrong_file_is_and_how_to_convert_it() {
    let key = Key::generate(Kind::P256).unwrap();
    let pem = key.pair().serialize_pem();
    let public = key.pair().public_key_pem();
    let secret = key.secret().secret_der().to_vec();
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIH=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIH=\n-----END RSA PRIVATE KEY-----\n";
    let cases: [(&[u8], &str, &str); 9] = [
        (b"", "is empty", "make it again"),
        (b" \n\n", "is empty", "make it again"),
        (&[b"\xEF\xBB\xBF", pem.as_bytes()].concat(), "byte order mark", "sed"),
        (&secret, "in DER", "openssl pkey -inform der"),
        (locked.as_bytes(), "passphrase", "openssl pkey -in"),
        (old.as_bytes(), "passphrase", "openssl pkey -in"),
        (public.as_bytes(), "a public key", "./ca show"),
        (b"hello", "neither PEM nor DER", "file "),
        (&pem.as_bytes()[..pem.len() / 2], "damaged", "BEGIN line"),
    ];
    for (bytes, cause, hint) in cases {
        let error = refused(bytes);
        assert!(error.cause.contains(cause), "{} instead of {cause}", error.cause);
        assert!(error.hint.contains(hint), "{} instead of {hint}", error.hint);
        assert_eq!(error.exit, exit::OWN_CERTIFICATE);
    }
}

#[test]
fn windows_line_ends_are_no_obstacle() {
    let (_directory, file) = scratch();
    let key = Key::generate(Kind::P256).unwrap();
    fs::write(&file, key.pair().serialize_pem().replace('\n', "\r\n")).unwrap();
    assert_eq!(Key::load(&file).unwrap().public(), key.public());
}

#[test]
fn two_keys_in_one_file_are_refused() {
    let one = Key::generate(Kind::P256).unwrap().pair().serialize_pem();
    assert_eq!(refused(format!("{one}{one}").as_bytes()).code, "several-keys");
}

#[test]
fn a_directory_and_a_missing_file_are_named() {
    let (directory, file) = scratch();
    assert_eq!(load(&file).unwrap_err().code, "file-missing");
    assert_eq!(load(directory.path()).unwrap_err().code, "is-a-directory");
}
