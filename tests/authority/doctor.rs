//! `ca doctor`: what each file is, what is wrong with it, and the option that was missing.

use crate::cases;
use crate::common::pki::{self, Authority, days};
use crate::common::{run, text};
use crate::lab::Lab;
use rcgen::{ExtendedKeyUsagePurpose, GeneralSubtree, NameConstraints, SerialNumber};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tables::{COMMANDS, CONVERSIONS, KINDS};

mod tables;

cases! {
    ["openssl"] the_option_that_each_command_left_out_is_named,
    ["openssl"] every_kind_of_file_is_told_apart,
    [] what_is_wrong_with_a_certificate_is_said,
    [] what_the_lab_makes_has_no_fault,
    ["openssl"] keys_and_certificates_that_do_not_belong_together_are_told,
    [] what_the_ledger_and_the_lists_say_is_looked_up,
    ["openssl"] the_server_and_the_client_use_the_doctors_words,
    [] hostile_files_are_answered_in_order,
}

impl Lab {
    /// The doctor's faults of all these files, as `code`, with everything that was said.
    fn faults(&self, files: &[&str]) -> (Vec<String>, String) {
        let out = run(&mut self.command(&[&["doctor"], files].concat()));
        let said = text(&out.stdout);
        let faults: Vec<String> = said
            .lines()
            .filter(|line| line.starts_with("  wrong: "))
            .map(|line| line.rsplit_once(" (").unwrap().1.trim_end_matches(')').to_owned())
            .collect();
        assert_eq!(out.status.code(), Some(if faults.is_empty() { 0 } else { 58 }), "{said}{}", text(&out.stderr));
        assert_eq!(said.lines().filter(|line| line.starts_with("  cure: ")).count(), faults.len(), "a cure for each fault: {said}");
        assert!(!said.contains(['\u{1b}', '\u{7}', '\0']), "{said:?}");
        (faults, said)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// The commands that old instructions give, as they stand there. What they ask for is answered as a beginner does.
fn the_option_that_each_command_left_out_is_named() {
    let lab = Lab::empty();
    lab.write("answers", "DE\n\n\nA school\n\nlocalhost\n\n\n\n");
    lab.write("authority", "DE\n\n\nA school\n\n\n\n\n\n");
    for (command, answers, file, expected, options) in COMMANDS {
        let input = if answers.is_empty() { String::new() } else { format!(" < {answers}") };
        lab.run(&["sh", "-c", &format!("{command}{input}")]);
        let (faults, said) = lab.faults(&[file]);
        // OpenSSL 3.2 and later makes version 3 where 3.0 makes version 1, and then the names are what is missing.
        let spelled = |code: &&str| faults.iter().any(|fault| fault == code) || ["v1", "no-names"].contains(code);
        assert!(expected.iter().all(spelled) && faults.is_empty() == expected.is_empty(), "{command}: {said}");
        assert!(faults.iter().all(|fault| expected.contains(&fault.as_str())), "{command}: {said}");
        for option in options {
            assert!(said.contains(option), "{command}: no {option} in {said}");
        }
    }
}

fn every_kind_of_file_is_told_apart() {
    let lab = Lab::founded();
    lab.ca(&["crl"]);
    lab.ca(&["key", "k.key"]);
    lab.ca(&["self-sign", "--key", "k.key", "--name", "localhost", "--out", "k.crt"]);
    lab.ca(&["request", "--key", "k.key", "--name", "localhost", "--out", "k.csr"]);
    for line in CONVERSIONS {
        lab.openssl(line);
    }
    let certificate = lab.read("k.crt");
    lab.write("bom.crt", [b"\xEF\xBB\xBF".as_slice(), certificate.as_bytes()].concat());
    lab.write("wide.crt", certificate.encode_utf16().fold(vec![0xFF, 0xFE], |all, unit| [all, unit.to_le_bytes().to_vec()].concat()));
    lab.write("crlf.crt", certificate.replace('\n', "\r\n"));
    lab.write("ssh.key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n");
    lab.write("torn.crt", &certificate[..certificate.len() / 2]);
    lab.write("page.crt", "<!DOCTYPE html><html><body>404</body></html>");
    lab.write("dh.pem", "-----BEGIN DH PARAMETERS-----\nMAA=\n-----END DH PARAMETERS-----\n");
    lab.write("empty.pem", "");
    lab.write("noise", b"\x01\x02\x03".repeat(1000));
    for (file, is, expected) in KINDS {
        let (faults, said) = lab.faults(&[file]);
        assert!(said.starts_with(&format!("{file}: {is}")), "{said}");
        let exposed = ["coin.key", "key.der"].contains(&file); // as the umask of whoever runs the tests has it
        assert_eq!(faults.iter().filter(|fault| !(exposed && *fault == "exposed-key")).collect::<Vec<_>>(), expected, "{said}");
    }
    for (file, is, code) in
        [(".", "a directory", "is-a-directory"), ("absent", "not there", "file-missing"), ("page.crt", "a page of HTML", "html")]
    {
        let (faults, said) = lab.faults(&[file]);
        assert!(said.starts_with(&format!("{file}: {is}")) && faults == [code], "{said}");
    }
    let told = text(&run(&mut lab.command(&["doctor", "--json", "k.crt", "locked.key"])).stdout);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["version"], &told["files"][0]["kind"], &told["files"][1]["faults"][0]["code"]),
        (&1.into(), &"certificate".into(), &"locked".into())
    );
}

fn what_is_wrong_with_a_certificate_is_said() {
    let lab = Lab::empty();
    let root = Authority::root_with("root", |params| {
        let trees = ["test", "localhost"].map(|name| GeneralSubtree::DnsName(name.into()));
        params.name_constraints = Some(NameConstraints { permitted_subtrees: trees.to_vec(), excluded_subtrees: Vec::new() });
    });
    lab.write("root.crt", pki::pem(&root.certificate));
    type Change = fn(&mut rcgen::CertificateParams);
    let table: [(&[&str], Change, &[&str], &str); 17] = [
        (&["localhost"], |_| {}, &[], ""),
        (&["localhost"], |params| params.not_after = days(-1) + time::Duration::HOUR, &["certificate-expired"], "your clock says"),
        (&["localhost"], |params| params.not_before = days(1), &["certificate-not-yet"], "date -u"),
        (&["localhost"], |params| params.not_after = days(500), &["too-long"], "-days 90"),
        (&["localhost"], |params| params.serial_number = Some(SerialNumber::from(vec![1])), &["serial"], "-set_serial"),
        (&["localhost"], |params| params.serial_number = Some(SerialNumber::from(vec![7; 21])), &["serial"], "21 bytes"),
        (&["localhost"], |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained), &["ca-as-leaf"], "CA:FALSE"),
        (&["localhost"], |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning], &["wrong-usage"], "serverAuth"),
        (&["localhost"], |params| params.key_usages = vec![rcgen::KeyUsagePurpose::KeyEncipherment], &["no-digital-signature"], "keyUsage"),
        (&["localhost"], |params| params.custom_extensions = vec![critical()], &["unknown-critical"], "1.2.3.4"),
        (&[], |_| {}, &["no-names"], "no host"),
        (&["a*.example.test"], |_| {}, &["odd-wildcard"], "first label"),
        (&["*.*.test"], |_| {}, &["odd-wildcard"], "first label"),
        (&["*.test"], |_| {}, &["top-wildcard"], "top level"),
        (&["localhost", "a b.test"], |_| {}, &["not-a-host"], "a b.test"),
        (&["localhost."], |_| {}, &["dotted-end"], "dot"),
        (&["example.com"], |_| {}, &["name-constraint"], "DNS:example.com"),
    ];
    for (place, (names, change, expected, word)) in table.into_iter().enumerate() {
        lab.write("leaf.crt", pki::pem(&root.leaf_with(names, change).chain[0]));
        let (mut faults, said) = lab.faults(&["root.crt", "leaf.crt"]);
        faults.retain(|fault| fault != "dotted-end" || expected.contains(&"dotted-end"));
        if names == ["localhost."] {
            faults.retain(|fault| fault != "name-constraint");
        }
        assert_eq!(faults, expected, "row {place}: {said}");
        assert!(said.contains(word), "row {place}: no {word} in {said}");
    }
    lab.write("leaf.crt", pki::pem(&Authority::root("weak").below_with("weaker", |params| params.key_usages.clear()).certificate));
    assert_eq!(lab.faults(&["leaf.crt"]).0, ["no-cert-sign"]);
}

fn critical() -> rcgen::CustomExtension {
    let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    extension.set_criticality(true);
    extension
}

fn what_the_lab_makes_has_no_fault() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost", "*.foo.test", "127.0.0.1", "::1"]);
    lab.ca(&["sign", "user", "alice", "--organisation", "Bücher & Söhne"]);
    lab.ca(&["sign", "service", "ticket"]);
    lab.ca(&["crl"]);
    let (faults, said) = lab.faults(&[
        "certs/ca/root.crt",
        "certs/ca/intermediate.crt",
        "certs/server/localhost.fullchain.pem",
        "certs/private/localhost.key",
        "certs/users/alice/fullchain.pem",
        "certs/users/alice/alice.key",
        "certs/services/ticket/fullchain.pem",
        "certs/crl/root.crl",
        "certs/crl/intermediate.crl",
    ]);
    assert!(faults.is_empty() && said.matches("nothing wrong").count() == 9, "{said}");
    assert_eq!(lab.faults(&["certs/server/localhost.crt"]).0, ["chain-incomplete"]);
}

fn keys_and_certificates_that_do_not_belong_together_are_told() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    lab.ca(&["key", "other.key"]);
    let chain = "certs/server/localhost.fullchain.pem";
    let (faults, said) = lab.faults(&["other.key", chain]);
    assert!(faults == ["key-mismatch"] && said.contains("other.key is not its key"), "{said}");
    assert!(lab.faults(&["certs/private/localhost.key", "other.key", chain]).0.is_empty(), "a key more is no fault");
    lab.openssl("genrsa -out short.key 1024");
    lab.openssl("genrsa -out another.key 1024");
    for (key, expected) in
        [("short.key", vec!["key-too-short", "key-too-short"]), ("another.key", vec!["key-too-short", "key-too-short", "key-mismatch"])]
    {
        lab.openssl("req -x509 -new -key short.key -subj /CN=short -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -out short.crt");
        lab.write("copy.key", lab.read(key));
        assert_eq!(lab.faults(&["copy.key", "short.crt"]).0, expected, "keys too weak to use are still compared");
    }
    let whole = lab.read(chain);
    let (leaf, middle) = whole.split_at(whole[1..].find("-----BEGIN").unwrap() + 1);
    let root = lab.read("certs/ca/root.crt");
    lab.write("reversed.pem", format!("{middle}{leaf}"));
    lab.write("skipped.pem", format!("{leaf}{root}"));
    assert_eq!(lab.faults(&["reversed.pem"]).0, ["chain-reversed"]);
    assert_eq!(lab.faults(&["skipped.pem"]).0, ["chain-order"]);
    fs::set_permissions(lab.path("other.key"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(lab.faults(&["other.key"]).0, ["exposed-key"]);
    let root = Authority::root("root");
    let twice =
        || pki::pem(&root.leaf_with(&["localhost"], |params| params.serial_number = Some(SerialNumber::from(vec![5; 16]))).chain[0]);
    lab.write("one.crt", twice());
    lab.write("two.crt", twice());
    lab.write("namesake.crt", pki::pem(&Authority::root("root").certificate));
    assert_eq!(lab.faults(&["one.crt", "two.crt"]).0, ["serial-reused"]);
    assert!(lab.faults(&["one.crt", "one.crt"]).0.is_empty(), "one certificate in two files is one certificate");
    assert_eq!(lab.faults(&["one.crt", "namesake.crt"]).0, ["chain-signature"]);
}

fn what_the_ledger_and_the_lists_say_is_looked_up() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    let chain = "certs/server/localhost.fullchain.pem";
    lab.ca(&["revoke", "localhost", "--reason", "keyCompromise"]);
    let (faults, said) = lab.faults(&[chain]);
    assert!(faults == ["revoked"] && said.contains("keyCompromise"), "{said}");
    assert_eq!(lab.faults(&[chain, "certs/crl/intermediate.crl"]).0, ["revoked", "revoked"]);
    let index = lab.path("certs/ca/intermediate/index.txt");
    let ledger = fs::read_to_string(&index).unwrap();
    fs::write(&index, ledger.repeat(2)).unwrap();
    assert_eq!(lab.faults(&[chain]).0, ["serial-reused", "revoked"]);
}

fn the_server_and_the_client_use_the_doctors_words() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    let (chain, key) = ("certs/server/localhost.fullchain.pem", "certs/private/localhost.key");
    lab.openssl(&format!("pkcs12 -export -passout pass: -in {chain} -inkey {key} -out bundle.p12"));
    lab.openssl(&format!("pkey -in {key} -aes256 -passout pass:x -out locked.key"));
    lab.openssl("req -x509 -newkey rsa:2048 -noenc -keyout v1.key -subj /CN=localhost -out unused.crt");
    lab.openssl("req -new -key v1.key -subj /CN=localhost -out v1.csr");
    lab.openssl("req -x509 -key v1.key -subj /CN=localhost -out ca.crt");
    for (cert, key, is) in [
        ("bundle.p12", key, "a PKCS#12 bundle"),
        (chain, "locked.key", "a private key locked with a passphrase (PKCS#8)"),
        ("ca.crt", "locked.key", "locked"),
    ] {
        let doctor = lab.faults(&[if is == "a PKCS#12 bundle" { cert } else { key }]).1;
        assert!(doctor.contains(is), "{doctor}");
        for (program, more) in [("server", vec!["web", "--port", "0"]), ("client", vec!["https://localhost:1/"])] {
            let mut command = crate::common::program(program, &lab.path("certs"));
            let out = run(command.args(more).args(["--cert", cert, "--key", key]).current_dir(lab.path(".")));
            let said = text(&out.stderr);
            assert!(out.status.code() == Some(58) && said.contains(is) && said.contains("hint: "), "{program}: {said}");
        }
    }
    let mut command = crate::common::program("client", &lab.path("certs"));
    let out = run(command.args(["https://localhost:1/", "--cert", "ca.crt", "--key", "v1.key"]).current_dir(lab.path(".")));
    let said = text(&out.stderr);
    assert!(
        said.contains("certificate: ca.crt: CN=localhost is an authority (CA:TRUE)") && said.contains("basicConstraints=critical,CA:FALSE"),
        "{said}"
    );
}

/// Torn, huge, hostile: each answer is one of ours, in a time in proportion.
fn hostile_files_are_answered_in_order() {
    let lab = Lab::empty();
    let root = Authority::root("root");
    let leaf = root.leaf(&["localhost"]);
    let der = leaf.chain[0].to_vec();
    let good = pki::pem(&der);
    for length in [0, 1, 2, 27, 28, good.len() / 3, good.len() - 30, good.len() - 2] {
        lab.write("torn.pem", &good[..length]);
        lab.faults(&["torn.pem"]);
    }
    for place in 0..40 {
        for value in [0, 0x7f, 0x80, 0x84, 0xff] {
            let mut wrong = der.clone();
            wrong[place] = value;
            lab.write(&format!("wrong{place}-{value}.der"), &wrong);
        }
    }
    let wrong: Vec<String> =
        (0..40).flat_map(|place| [0, 0x7f, 0x80, 0x84, 0xff].map(|value| format!("wrong{place}-{value}.der"))).collect();
    lab.faults(&wrong.iter().map(String::as_str).collect::<Vec<_>>());
    lab.write("noise", (0..10 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>());
    lab.write("begins", "-----BEGIN CERTIFICATE-----\n".repeat(10 << 20 >> 5));
    lab.write("line", format!("-----BEGIN CERTIFICATE-----\n{}", "A".repeat(10 << 20)));
    lab.write("nested.der", [0x30, 0x84, 0, 0x9f, 0xff, 0xfa].repeat(10 << 20 >> 3));
    lab.write("many.pem", good.repeat(10_000));
    for (file, code) in
        [("noise", "unknown"), ("begins", "damaged"), ("line", "damaged"), ("nested.der", "unknown"), ("many.pem", "too-many")]
    {
        let (faults, said) = lab.faults(&[file]);
        assert!(faults.iter().any(|fault| fault == code) && said.len() < 100_000, "{file}: {faults:?}");
    }
    let names: Vec<String> = (0..1000).map(|at| format!("n{at}.test")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    lab.write("names.crt", pki::pem(&root.leaf(&names).chain[0]));
    assert!(lab.faults(&["names.crt"]).0.is_empty());
    let odd = root.leaf_with(&["localhost", "\u{1b}[31mred\u{7}.test"], |params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "\u{1b}]0;title\u{7}\u{202e}evil");
    });
    lab.write("odd.crt", pki::pem(&odd.chain[0]));
    assert_eq!(lab.faults(&["odd.crt"]).0, ["not-a-host"]);
}
