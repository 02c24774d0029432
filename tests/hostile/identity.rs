//! Certificates and keys that can't be used, and a port that is taken: two clear lines, and a status that says whose fault it is.

use super::common::{
    PORTS, Server, any_ports, bin, certs,
    pki::{Authority, days, pem, with_chain},
    program, run, scratch, text,
};
use padlock::certificate::Identity;
use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

/// The server's own certificate or key: the status that curl has for it.
const OWN_CERTIFICATE: i32 = 58;

/// The two lines that a server says which does not start: what is wrong, and the cure.
fn refused(command: &mut Command, status: i32) -> (String, String) {
    let out = run(command.args(any_ports()));
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(status), "{command:?}: {said}");
    assert_eq!(text(&out.stdout), "", "{command:?}");
    let lines: Vec<_> = said.lines().collect();
    let [cause, hint] = lines[..] else { panic!("{command:?} says {said}") };
    (cause.strip_prefix("server: ").unwrap().to_owned(), hint.strip_prefix("server: hint: ").unwrap().to_owned())
}

fn with(cert: &Path, key: &Path) -> Command {
    let mut command = program("server", certs());
    command.arg("--cert").arg(cert).arg("--key").arg(key);
    command
}

#[test]
fn each_file_that_can_not_be_used_is_named_with_its_cure() {
    let folder = scratch();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap(); // else there is a line about that too
        path
    };
    let (good, key) = (certs().join("server/localhost.fullchain.pem"), certs().join("private/localhost.key"));
    let other = certs().join("users/guest/guest.key");
    let chain = fs::read_to_string(&good).unwrap();
    let (leaf, intermediate) = chain.split_at(chain[1..].find("-----BEGIN").unwrap() + 1);
    let leaf_alone = file("leaf.pem", leaf.as_bytes());
    let reversed = file("reversed.pem", [intermediate, leaf].concat().as_bytes());
    let foreign = Authority::root("somebody else");
    let stranger = file("stranger.pem", [leaf, &pem(&foreign.certificate)].concat().as_bytes());
    let der = file("der.pem", &padlock::certificate::load_chain(&good).unwrap()[0]);
    let encrypted = file("encrypted.key", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let (empty, torn) = (file("empty.pem", b""), file("torn.pem", &leaf.as_bytes()[..leaf.len() / 2]));
    let (absent, directory) = (folder.path().join("absent.pem"), folder.path().to_owned());
    let cases: [(&Path, &Path, &[&str]); 15] = [
        (&absent, &key, &["absent.pem"]),
        (&good, &absent, &["absent.pem"]),
        (&directory, &key, &["directory"]),
        (&good, &directory, &["directory"]),
        (&empty, &key, &["empty.pem"]),
        (&good, &empty, &["empty.pem"]),
        (&torn, &key, &["torn.pem"]),
        (&key, &key, &["localhost.key", "a private key"]),
        (&good, &torn, &["torn.pem"]),
        (&good, &leaf_alone, &["leaf.pem", "a certificate"]),
        (&der, &key, &["der.pem", "DER"]),
        (&good, &encrypted, &["encrypted.key", "encrypted"]),
        (&good, &other, &["guest.key is not the key of"]),
        (&reversed, &key, &["reversed.pem is out of order", "leaf must come first"]),
        (&stranger, &key, &["stranger.pem is out of order"]),
    ];
    for (cert, key, expected) in cases {
        let (cause, hint) = refused(&mut with(cert, key), OWN_CERTIFICATE);
        assert!(expected.iter().all(|part| cause.contains(part)), "{cause:?} does not say {expected:?}");
        assert!(!hint.is_empty() && !cause.contains("os error") && cause.starts_with(|c: char| !c.is_uppercase()), "{cause} / {hint}");
    }
}

#[test]
fn a_certificate_outside_of_its_dates_is_not_shown() {
    let folder = scratch();
    let authority = Authority::root("dates");
    for (from, to, expected) in [(-30, -1, "has expired"), (1, 30, "is not valid yet")] {
        let leaf = authority.leaf_with(&["localhost"], |params| (params.not_before, params.not_after) = (days(from), days(to)));
        let (cert, key) = written(folder.path(), &leaf);
        let (cause, hint) = refused(&mut with(&cert, &key), OWN_CERTIFICATE);
        assert!(cause.contains(expected) && cause.contains("your clock says") && hint.contains("clock"), "{cause} / {hint}");
    }
    // Its issuer's dates hold as well.
    let old = authority.below_with("an old intermediate", |params| params.not_after = days(-1));
    let (cert, key) = written(folder.path(), &with_chain(old.leaf(&["localhost"]), &[&old]));
    assert!(refused(&mut with(&cert, &key), OWN_CERTIFICATE).0.contains("an old intermediate was valid until"));
}

/// An identity as files.
fn written(folder: &Path, who: &Identity) -> (PathBuf, PathBuf) {
    let (cert, key) = (folder.join("chain.pem"), folder.join("leaf.key"));
    fs::write(&cert, who.chain.iter().map(|der| pem(der)).collect::<String>()).unwrap();
    fs::write(&key, pem(who.key.secret_der()).replace("CERTIFICATE", "PRIVATE KEY")).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    (cert, key)
}

#[test]
fn a_server_without_certificates_says_how_to_make_them() {
    let folder = scratch();
    let (cause, hint) = refused(&mut program("server", folder.path()), OWN_CERTIFICATE);
    assert!(cause.contains("localhost.fullchain.pem") && hint.contains("make certs"), "{cause} / {hint}");
}

#[test]
fn a_key_that_may_not_be_read_is_named_and_so_is_the_cure() {
    // As somebody else: nothing stops root.
    let folder = scratch();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (server, (cert, key)) = (folder.path().join("server"), written(folder.path(), &Authority::root("private").leaf(&["localhost"])));
    fs::copy(bin().join("server"), &server).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = Command::new(&server);
    command.current_dir(folder.path());
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let (cause, hint) = refused(command.arg("--cert").arg(&cert).arg("--key").arg(&key), OWN_CERTIFICATE);
    assert!(cause.contains("leaf.key") && cause.contains("may not") && !hint.is_empty(), "{cause} / {hint}");
}

#[test]
fn a_port_that_is_taken_is_named_in_one_line_with_the_cure_in_the_next() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for option in PORTS {
        let mut command = program("server", certs());
        for each in PORTS {
            command.args([each, if each == option { &port } else { "0" }]);
        }
        let out = run(&mut command);
        let said = text(&out.stderr);
        let lines: Vec<_> = said.lines().collect();
        assert_eq!((out.status.code(), lines.len()), (Some(1), 2), "{said}");
        assert_eq!(lines[0], format!("server: port {port} on 127.0.0.1 is taken by another program"));
        assert!(lines[1].starts_with("server: hint: ") && lines[1].contains(&format!("ss -ltnp 'sport = :{port}'")), "{said}");
    }
    // Two servers that don't know of each other.
    let first = Server::start(&[]);
    let out = run(program("server", certs()).args(any_ports().skip(2)).args(["--port", &first.port("web").to_string()]));
    assert_eq!(out.status.code(), Some(1));
}
