//! Each verb as it is typed, what it prints and where, and how it refuses.

use crate::cases;
use crate::common::{good, program, run, text};
use crate::lab::Lab;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

cases! {
    [] each_verb_says_which_openssl_command_does_the_same,
    [] a_server_is_signed_in_one_command,
    [] a_request_from_elsewhere_is_answered_beside_it,
    [] a_refusal_leaves_the_ledger_as_it_was,
    [] usage_errors_end_in_two,
    [] a_name_that_matches_nothing_is_not_signed,
    [] verify_ends_in_nought_or_sixty,
    [] show_names_every_field_as_the_standard_does,
    [] show_gives_the_same_as_json,
    [] show_never_prints_a_secret,
    [] show_tells_what_holds_too_much,
    [] show_checks_a_signature,
    [] revoke_takes_a_name_a_file_or_a_serial,
    [] list_tells_what_is_valid_and_what_is_not,
    [] a_reader_that_has_seen_enough_is_no_error,
    [] caroot_moves_the_authority,
    [] an_authority_may_have_its_own_name_and_days,
    [] a_key_that_others_can_read_is_warned_about,
}

fn each_verb_says_which_openssl_command_does_the_same() {
    let lab = Lab::empty();
    let verbs = [
        "key a.key",
        "request --key a.key --name a.test --out a.csr",
        "self-sign --key a.key --name a.test --out a.crt",
        "chain --out long",
        "found",
        "sign a.csr",
        "sign user alice",
        "show a.crt",
        "verify --cacert certs/ca/root.crt --name a.test a.fullchain.pem",
        "revoke alice",
        "crl",
        "list",
    ];
    for verb in verbs {
        let out = run(&mut lab.command(&verb.split(' ').collect::<Vec<_>>()));
        let said = text(&out.stderr);
        assert!(out.status.success(), "{verb}: {said}");
        assert!(said.lines().any(|line| line.starts_with("openssl: ")), "{verb}: {said}");
        assert!(!text(&out.stdout).contains("openssl: "), "{verb}: the command is not what was asked for");
    }
    let quiet = run(&mut lab.command(&["--quiet", "crl"]));
    assert_eq!((text(&quiet.stdout), text(&quiet.stderr)), (String::new(), String::new()));
}

fn a_server_is_signed_in_one_command() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "foo.test", "*.foo.test", "127.0.0.5"]);
    padlock::certificate::Identity::load(&lab.path("certs/server/foo.test.fullchain.pem"), &lab.path("certs/private/foo.test.key"))
        .unwrap();
    let key = fs::read(lab.path("certs/private/foo.test.key")).unwrap();
    lab.ca(&["sign", "server", "foo.test"]);
    assert_eq!(fs::read(lab.path("certs/private/foo.test.key")).unwrap(), key, "signing again keeps the key");
    assert_eq!(lab.ledger().len(), 2);
}

fn a_request_from_elsewhere_is_answered_beside_it() {
    let lab = Lab::founded();
    lab.ca(&["key", "mine.key", "--kind", "ed25519"]);
    lab.ca(&["request", "--key", "mine.key", "--name", "localhost", "--out", "mine.csr"]);
    lab.ca(&["sign", "mine.csr"]);
    padlock::certificate::Identity::load(&lab.path("mine.fullchain.pem"), &lab.path("mine.key")).unwrap();
    assert!(!lab.path("certs/server").exists(), "it must never replace the lab's own identity");
}

fn a_name_that_matches_nothing_is_not_signed() {
    let lab = Lab::empty();
    lab.ca(&["key", "k.key"]);
    for name in ["a b.test", "", "a..test", "a*.test", "*.*.test", "https://a.test", "a.test:443", "a.test.", "-subj", "\u{1b}[31m.test"] {
        let name = format!("--name={name}");
        for verb in ["request", "self-sign"] {
            lab.refused(2, &[verb, "--key", "k.key", &name, "--out", "made"]);
            assert!(!lab.path("made").exists(), "{verb} {name}");
        }
    }
    let said = text(&run(&mut lab.command(&["self-sign", "--key", "k.key", "--name", "a.test"])).stderr);
    assert!(said.contains(" -subj /CN=a "), "{said}");
}

fn a_refusal_leaves_the_ledger_as_it_was() {
    let lab = Lab::founded();
    lab.ca(&["key", "k.key"]);
    lab.ca(&["request", "--key", "k.key", "--name", "example.com", "--cn", "localhost", "--out", "k.csr"]);
    let before = lab.read("certs/ca/intermediate/index.txt");
    assert!(lab.refused(1, &["sign", "k.csr"]).contains("example.com is outside"));
    lab.refused(1, &["sign", "server", "example.com"]);
    lab.refused(1, &["sign", "user", "Alice"]);
    lab.refused(1, &["sign", "k.key"]);
    lab.refused(1, &["sign", "absent.csr"]);
    lab.refused(1, &["revoke", "nobody"]);
    assert_eq!(lab.read("certs/ca/intermediate/index.txt"), before);
    assert!(!lab.path("k.fullchain.pem").exists());
    assert!(!lab.path("certs/private").exists(), "a refused name gets no key");
}

fn usage_errors_end_in_two() {
    let lab = Lab::founded();
    assert!(lab.refused(2, &["key", "x.key", "--kind", "rsa:1024"]).contains("too short"));
    lab.refused(2, &["key", "x.key", "--kind", "dsa"]);
    lab.refused(2, &["sign", "user", "a", "b"]);
    lab.refused(2, &["sign", "server", "localhost", "--country", "DE"]);
    lab.refused(2, &["revoke", "alice", "--reason", "boredom"]);
    for wrong in [&["sign", "server", "a.test", "--days", "91"][..], &["sign"], &["verify", "x.pem"], &["fly"], &[]] {
        assert_eq!(run(&mut lab.command(wrong)).status.code(), Some(2), "{wrong:?}");
    }
    assert!(!lab.path("x.key").exists());
}

fn verify_ends_in_nought_or_sixty() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost", "127.0.0.1"]);
    lab.ca(&["sign", "service", "ticket"]);
    let (server, service) = ("certs/server/localhost.fullchain.pem", "certs/services/ticket/fullchain.pem");
    let root = ["verify", "--cacert", "certs/ca/root.crt"];
    let with = |more: &[&'static str]| [&root[..], more].concat();
    assert_eq!(lab.ca(&with(&["--name", "localhost", server])), format!("{server}: good for localhost\n"));
    lab.ca(&with(&["--name", "127.0.0.1", server]));
    lab.ca(&with(&["--purpose", "client", service]));
    lab.ca(&with(&["--purpose", "client", "--name", "ticket.services.test", service]));
    assert!(lab.refused(60, &with(&["--name", "wrong.test", server])).contains("wrong.test"));
    lab.refused(60, &with(&["--name", "127.0.0.2", server]));
    lab.refused(60, &with(&["--name", "ticket.services.test", service]));
    lab.refused(60, &with(&["--purpose", "client", server]));
    lab.refused(60, &with(&["--purpose", "client", "--name", "other.services.test", service]));
    lab.refused(60, &with(&["--name", "localhost", "--time", "2010-01-01", server]));
    lab.refused(60, &with(&["--name", "localhost", "--time", "2060-01-01T00:00:00Z", server]));
    lab.refused(60, &with(&["--name", "localhost", "certs/server/localhost.crt"]));
    lab.refused(77, &["verify", "--cacert", "absent.crt", "--name", "localhost", server]);
    lab.refused(2, &with(&["--name", "not a name", server]));
    let stranger = Lab::founded();
    lab.refused(60, &["verify", "--cacert", stranger.path("certs/ca/root.crt").to_str().unwrap(), "--name", "localhost", server]);
}

/// What `./ca show` must say of a chain, a request, a list and a key, with `|` between.
const FIELDS: [(&str, &str); 4] = [
    (
        "certs/server/localhost.fullchain.pem",
        "tbsCertificate:|version: v3 (2)|serialNumber: |signature: ecdsa-with-SHA256|issuer: O=Padlock, CN=Padlock Intermediate |notBefore: |notAfter: |\
         subject: CN=localhost|subjectPublicKeyInfo:|algorithm: ECDSA P-256|subjectPublicKey: 04:|authorityKeyIdentifier:|extnID: 2.5.29.35|\
         DNS:localhost|extKeyUsage:|serverAuth|basicConstraints:|cA: FALSE|signatureAlgorithm: |signatureValue: 30:|(2 of 2)|nameConstraints:|\
         critical: TRUE|permittedSubtrees:|IP:127.0.0.0/8|IP:::1/128|pathLenConstraint: 0|tbsCertificateHash: |fits the public key of O=Padlock",
    ),
    (
        "certs/users/alice/alice.csr",
        "certificationRequestInfo:|version: v1 (0)|subject: C=DE, CN=alice|subjectPKInfo:|attributes:|extensionRequest:|DNS:alice.users.test|\
         proofOfPossession: fits",
    ),
    (
        "certs/crl/intermediate.crl",
        "tbsCertList:|version: v2 (1)|thisUpdate: |nextUpdate: |revokedCertificates:|userCertificate: |revocationDate: |reasonCode:|Superseded|cRLNumber:",
    ),
    ("certs/private/localhost.key", "PrivateKeyInfo:|privateKeyAlgorithm: ECDSA P-256|privateKey: a secret|publicKey:|keyIdentifier: "),
];

fn show_names_every_field_as_the_standard_does() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    lab.ca(&["sign", "user", "alice", "--country", "DE"]);
    lab.ca(&["revoke", "alice", "--reason", "superseded"]);
    for (file, names) in FIELDS {
        let said = lab.ca(&["show", file]);
        for name in names.split('|') {
            assert!(said.contains(name), "{file}: no {name}\n{said}");
        }
    }
}

fn show_gives_the_same_as_json() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    let said: serde_json::Value = serde_json::from_str(&lab.ca(&["show", "--json", "certs/server/localhost.fullchain.pem"])).unwrap();
    let leaf = &said["objects"][0]["Certificate"];
    assert_eq!(said["version"], 1);
    assert_eq!(said["objects"].as_array().unwrap().len(), 2);
    assert_eq!(leaf["tbsCertificate"]["subject"], "CN=localhost");
    assert_eq!(leaf["tbsCertificate"]["extensions"]["basicConstraints"]["critical"], true);
    assert_eq!(leaf["tbsCertificate"]["extensions"]["subjectAltName"]["extnValue"][0], "DNS:localhost");
    assert_eq!(said["objects"][1]["Certificate"]["tbsCertificate"]["extensions"]["basicConstraints"]["extnValue"]["pathLenConstraint"], 0);
}

fn show_tells_what_holds_too_much() {
    let lab = Lab::founded();
    let one = fs::read_to_string(lab.path("certs/ca/root.crt")).unwrap();
    fs::write(lab.path("many.pem"), one.repeat(1001)).unwrap();
    let out = run(&mut lab.command(&["show", "many.pem"]));
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("ca: many.pem holds 1001 objects; 1000 at most are shown"), "{}", text(&out.stderr));
}

fn show_never_prints_a_secret() {
    let lab = Lab::empty();
    for kind in ["p256", "ed25519", "rsa:2048"] {
        let file = format!("{}.key", kind.replace(':', ""));
        lab.ca(&["key", &file, "--kind", kind]);
        let said = lab.ca(&["show", &file]) + &lab.ca(&["show", "--json", &file]);
        let shown: String = said.chars().filter(|c| *c != ':').collect();
        let der = padlock::key::load(&lab.path(&file)).unwrap();
        // PKCS#8 names the algorithm first, and ends with the secret or the public half: the middle is secret in all three.
        let middle = if kind == "rsa:2048" { der.secret_der().len() / 2 } else { 40 };
        assert!(!shown.contains(&padlock::key::hex(&der.secret_der()[middle..middle + 8])), "{kind}");
    }
}

fn show_checks_a_signature() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    assert!(lab.ca(&["show", "certs/server/localhost.crt"]).contains("not checked"));
    assert!(lab.ca(&["show", "--issuer", "certs/ca/intermediate.crt", "certs/server/localhost.crt"]).contains("result: fits"));
    let out = run(&mut lab.command(&["show", "--issuer", "certs/ca/root.crt", "certs/server/localhost.crt"]));
    assert_eq!(out.status.code(), Some(60));
}

fn revoke_takes_a_name_a_file_or_a_serial() {
    let lab = Lab::founded();
    for user in ["alice", "bob", "carol"] {
        lab.ca(&["sign", "user", user]);
    }
    let serial = lab.ledger()[2].serial.clone();
    lab.ca(&["revoke", "alice"]);
    lab.ca(&["revoke", "certs/users/bob/fullchain.pem", "--reason", "keyCompromise"]);
    lab.ca(&["revoke", &serial.to_lowercase()]);
    assert!(lab.refused(1, &["revoke", "alice"]).contains("nothing for alice that is still valid"));
    assert!(lab.refused(1, &["revoke", &serial]).contains("revoked already"));
    lab.ca(&["sign", "user", "dave"]);
    lab.ca(&["sign", "user", "dave"]);
    assert!(lab.refused(1, &["revoke", "dave"]).contains("2 valid certificates"));
    let list = lab.ca(&["show", "certs/crl/intermediate.crl"]);
    assert_eq!(list.matches("userCertificate").count(), 3);
}

fn list_tells_what_is_valid_and_what_is_not() {
    let lab = Lab::founded();
    lab.ca(&["sign", "user", "alice"]);
    lab.ca(&["sign", "user", "bob"]);
    lab.ca(&["revoke", "bob", "--reason", "superseded"]);
    let said: serde_json::Value = serde_json::from_str(&lab.ca(&["list", "--json"])).unwrap();
    let rows: Vec<_> = said["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["issuer"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("root", "valid"), ("root", "valid"), ("intermediate", "valid"), ("intermediate", "revoked")]);
    assert_eq!(said["certificates"][3]["reason"], "superseded");
    assert_eq!(lab.ca(&["list"]).lines().count(), 4);
    Lab::empty().refused(1, &["list"]);
}

fn a_reader_that_has_seen_enough_is_no_error() {
    let lab = Lab::founded();
    let mut command = lab.command(&["show", "certs/ca/root.crt", "certs/ca/intermediate.crt"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success() && !text(&out.stderr).contains("panicked"), "{}", text(&out.stderr));
}

fn caroot_moves_the_authority() {
    let lab = Lab::empty();
    good(lab.command(&["found"]).env("CAROOT", "elsewhere"));
    assert!(lab.path("elsewhere/root.crt").exists() && !lab.path("certs/ca").exists());
    good(lab.command(&["sign", "server", "localhost"]).env("CAROOT", "elsewhere"));
    assert!(lab.path("certs/server/localhost.fullchain.pem").exists());
}

fn an_authority_may_have_its_own_name_and_days() {
    let lab = Lab::empty();
    for name in ["evil.example.com", "a/CN=b", "", "x\n"] {
        lab.refused(1, &["found", "--name", name]);
    }
    lab.ca(&["found", "--name", "Ada's Lab", "--days", "20"]);
    let said = |file: &str| padlock::certificate::summary(&padlock::certificate::load_chain(&lab.path(file)).unwrap()[0]).unwrap();
    let (root, intermediate) = (said("certs/ca/root.crt"), said("certs/ca/intermediate.crt"));
    assert!(root.subject.starts_with("O=Ada's Lab, CN=Ada's Lab Root "), "{}", root.subject);
    assert_eq!(
        ((root.not_after - root.not_before).whole_days(), (intermediate.not_after - intermediate.not_before).whole_days()),
        (20, 10)
    );
    lab.ca(&["sign", "server", "localhost"]);
    assert!(said("certs/server/localhost.crt").not_after <= intermediate.not_after, "nothing outlives whoever vouches for it");
}

fn a_key_that_others_can_read_is_warned_about() {
    let lab = Lab::empty();
    lab.ca(&["key", "k.key"]);
    good(Command::new("chmod").arg("644").arg(lab.path("k.key")));
    let out = run(program("ca", Path::new("certs")).args(["show", "k.key"]).current_dir(lab.path("")));
    assert!(text(&out.stderr).contains("chmod 600 k.key"), "{}", text(&out.stderr));
}
