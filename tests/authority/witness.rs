//! OpenSSL as the second witness: it reads, checks and goes on with what `ca` makes, and `ca` with what OpenSSL makes.

use crate::cases;
use crate::common::{run, text};
use crate::lab::Lab;

cases! {
    ["openssl"] openssl_verifies_every_certificate_strictly,
    ["openssl"] openssl_reads_every_kind_of_key,
    ["openssl"] keys_of_openssl_are_read_in_all_three_forms,
    ["openssl"] openssl_checks_the_proof_of_possession,
    ["openssl"] a_request_of_openssl_gets_what_the_policy_grants,
    ["openssl"] a_short_key_in_a_request_is_refused,
    ["openssl"] a_self_signed_certificate_is_believed_when_trusted,
    ["openssl"] openssl_writes_the_same_revocation_list_from_our_ledger,
    ["openssl"] openssl_refuses_what_was_revoked,
    ["openssl"] openssl_goes_on_where_ca_stopped_and_back,
    ["openssl", "bash"] the_printed_openssl_commands_do_the_same,
    ["openssl"] a_name_outside_of_the_constraints_is_refused_by_openssl_too,
    ["openssl", "sh"] what_a_wrong_file_is_and_how_to_convert_it,
}

const CHAIN: &str = "-x509_strict -CAfile certs/ca/root.crt -untrusted certs/ca/intermediate.crt";

fn openssl_verifies_every_certificate_strictly() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost", "*.foo.test", "127.0.0.1", "::1"]);
    lab.ca(&["sign", "user", "alice", "--country", "DE", "--organisation", "Bücher & Söhne"]);
    lab.ca(&["sign", "service", "ticket"]);
    lab.openssl("verify -x509_strict -CAfile certs/ca/root.crt certs/ca/intermediate.crt");
    for (more, file) in [
        ("-purpose sslserver -verify_hostname localhost", "server/localhost.crt"),
        ("-purpose sslserver -verify_hostname x.foo.test", "server/localhost.crt"),
        ("-purpose sslserver -verify_ip ::1", "server/localhost.crt"),
        ("-purpose sslclient -verify_hostname alice.users.test", "users/alice/alice.crt"),
        ("-purpose sslserver -verify_hostname alice.users.test", "users/alice/alice.crt"),
        ("-purpose sslclient", "services/ticket/ticket.crt"),
    ] {
        lab.openssl(&format!("verify {CHAIN} {more} certs/{file}"));
    }
    let root = lab.openssl("x509 -in certs/ca/root.crt -noout -text");
    for field in [
        "Version: 3",
        "CA:TRUE, pathlen:1",
        "Name Constraints: critical",
        "Key Usage: critical",
        "Certificate Sign, CRL Sign",
        "Subject Key Identifier",
        "DNS:test",
        "IP:127.0.0.0/255.0.0.0",
    ] {
        assert!(root.contains(field), "no {field}: {root}");
    }
    let leaf = lab.openssl("x509 -in certs/users/alice/alice.crt -noout -text");
    for field in ["CA:FALSE", "Subject Key Identifier", "Authority Key Identifier", "DNS:alice.users.test", "TLS Web Client Authentication"]
    {
        assert!(leaf.contains(field), "no {field}: {leaf}");
    }
    assert_eq!(leaf.matches("DNS:").count(), 1, "a user has one name: {leaf}");
}

fn openssl_reads_every_kind_of_key() {
    let lab = Lab::empty();
    for kind in ["p256", "p384", "ed25519", "rsa:2048"] {
        let file = format!("{}.key", kind.replace(':', ""));
        lab.ca(&["key", &file, "--kind", kind]);
        lab.openssl(&format!("pkey -in {file} -noout -check"));
        lab.ca(&["request", "--key", &file, "--name", "a.test", "--out", "a.csr"]);
        assert!(lab.openssl("req -in a.csr -noout -verify").contains("verify OK"), "{kind}");
        lab.ca(&["self-sign", "--key", &file, "--name", "a.test", "--out", "a.crt"]);
        lab.openssl("verify -CAfile a.crt a.crt");
    }
}

fn keys_of_openssl_are_read_in_all_three_forms() {
    let lab = Lab::empty();
    lab.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa8.key");
    lab.openssl("pkey -in rsa8.key -traditional -out rsa1.key");
    lab.openssl("ecparam -name prime256v1 -genkey -noout -out sec1.key");
    lab.openssl("pkey -in sec1.key -out ec8.key");
    lab.openssl("ecparam -name prime256v1 -genkey -out with-parameters.key");
    lab.openssl("genpkey -algorithm ED25519 -out ed.key");
    for (file, first) in [("rsa8.key", "PRIVATE"), ("rsa1.key", "RSA"), ("sec1.key", "EC"), ("ec8.key", "PRIVATE"), ("ed.key", "PRIVATE")] {
        assert!(lab.read(file).starts_with(&format!("-----BEGIN {first}")), "{file}");
        lab.ca(&["show", file]);
    }
    lab.ca(&["show", "with-parameters.key"]);
    assert_eq!(lab.ca(&["show", "rsa8.key"]).lines().nth(5), lab.ca(&["show", "rsa1.key"]).lines().nth(5));
    lab.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.key");
    lab.openssl("pkey -in short.key -traditional -out short1.key");
    for file in ["short.key", "short1.key"] {
        assert!(lab.refused(58, &["show", file]).contains("RSA key of 1024 bits"), "{file}");
    }
}

fn openssl_checks_the_proof_of_possession() {
    let lab = Lab::empty();
    lab.ca(&["key", "k.key"]);
    lab.ca(&[
        "request",
        "--key",
        "k.key",
        "--name",
        "localhost",
        "--name",
        "127.0.0.1",
        "--country",
        "DE",
        "--organisation",
        "A / B",
        "--out",
        "k.csr",
    ]);
    let said = lab.openssl("req -in k.csr -noout -verify -text");
    assert!(said.contains("verify OK") && said.contains("DNS:localhost, IP Address:127.0.0.1"), "{said}");
}

fn a_request_of_openssl_gets_what_the_policy_grants() {
    let lab = Lab::founded();
    let asks = "-addext subjectAltName=DNS:foo.test -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign -addext extendedKeyUsage=codeSigning";
    lab.openssl(&format!("req -new -newkey rsa:2048 -noenc -keyout k.key -subj /C=US/O=Bank/CN=bank.example.com {asks} -out k.csr"));
    let out = run(&mut lab.command(&["sign", "k.csr"]));
    assert!(text(&out.stderr).contains("asks for basicConstraints, keyUsage, extKeyUsage as well"), "{}", text(&out.stderr));
    let said = lab.openssl("x509 -in k.crt -noout -text");
    assert!(
        said.contains("CA:FALSE") && said.contains("Subject: CN = foo\n") && !said.contains("Code Signing") && !said.contains("bank"),
        "{said}"
    );
    // The same without a subjectAltName: a common name is not enough.
    lab.openssl("req -new -key k.key -subj /CN=localhost -out cn.csr");
    assert!(lab.refused(1, &["sign", "cn.csr"]).contains("subjectAltName"));
}

fn a_short_key_in_a_request_is_refused() {
    let lab = Lab::founded();
    lab.openssl("req -new -newkey rsa:1024 -noenc -keyout k.key -subj /CN=x -addext subjectAltName=DNS:localhost -out k.csr");
    assert!(lab.refused(1, &["sign", "k.csr"]).contains("1024 bits"));
    lab.openssl("ecparam -name secp256k1 -genkey -noout -out odd.key");
    lab.openssl("req -new -key odd.key -subj /CN=x -addext subjectAltName=DNS:localhost -out odd.csr");
    assert!(lab.refused(1, &["sign", "odd.csr"]).contains("kind"));
}

fn a_self_signed_certificate_is_believed_when_trusted() {
    let lab = Lab::empty();
    lab.openssl("req -new -newkey rsa:2048 -noenc -keyout k.key -subj /CN=localhost -addext subjectAltName=DNS:localhost -out k.csr");
    lab.ca(&["self-sign", "--key", "k.key", "--request", "k.csr", "--out", "k.crt"]);
    lab.openssl("verify -x509_strict -CAfile k.crt -purpose sslserver -verify_hostname localhost k.crt");
    lab.ca(&["verify", "--cacert", "k.crt", "--name", "localhost", "k.crt"]);
    lab.refused(60, &["verify", "--cacert", "k.crt", "--name", "other.test", "k.crt"]);
    lab.ca(&["key", "other.key"]);
    assert!(lab.refused(1, &["self-sign", "--key", "other.key", "--request", "k.csr"]).contains("another key"));
}

/// Serials, dates and reasons of a list, as OpenSSL reads them.
fn entries(lab: &Lab, file: &str) -> String {
    let said = lab.openssl(&format!("crl -in {file} -noout -text"));
    let from = said.find("Revoked Certificates").unwrap_or_else(|| panic!("an empty list: {said}"));
    said[from..said.find("    Signature Algorithm: ecdsa-with-SHA256\n    Signature Value").unwrap()].to_string()
}

fn openssl_writes_the_same_revocation_list_from_our_ledger() {
    let lab = Lab::founded();
    for (user, reason) in [("alice", "unspecified"), ("bob", "keyCompromise"), ("carol", "certificateHold"), ("dave", "superseded")] {
        lab.ca(&["sign", "user", user]);
        lab.ca(&["revoke", user, "--reason", reason]);
    }
    lab.openssl("ca -config certs/ca/intermediate/openssl.cnf -gencrl -out theirs.crl");
    assert_eq!(entries(&lab, "theirs.crl"), entries(&lab, "certs/crl/intermediate.crl"));
    assert_eq!(entries(&lab, "theirs.crl").matches("Serial Number").count(), 4);
    // Four lists of ours, the fifth was theirs: the next of ours is the sixth.
    lab.ca(&["crl"]);
    assert!(lab.openssl("crl -in certs/crl/intermediate.crl -noout -crlnumber").to_lowercase().contains("6\n"));
    lab.openssl("crl -in certs/crl/intermediate.crl -noout -CAfile certs/ca/intermediate.crt");
}

fn openssl_refuses_what_was_revoked() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    lab.ca(&["crl"]);
    let check = format!(
        "openssl verify {CHAIN} -crl_check_all -CRLfile certs/crl/root.crl -CRLfile certs/crl/intermediate.crl certs/server/localhost.crt"
    );
    lab.run(&["sh", "-c", &check]);
    lab.ca(&["revoke", "localhost"]);
    let out = run(std::process::Command::new("sh").args(["-c", &check]).current_dir(lab.path("")));
    assert!(text(&out.stderr).contains("certificate revoked"), "{}", text(&out.stderr));
}

fn openssl_goes_on_where_ca_stopped_and_back() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    lab.openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout k.key -subj /CN=foo -out k.csr");
    let config = "-config certs/ca/intermediate/openssl.cnf";
    lab.run(&["sh", "-c", &format!("SAN=DNS:foo.test openssl ca -batch -notext {config} -in k.csr -out k.crt")]);
    lab.openssl(&format!("verify {CHAIN} -verify_hostname foo.test k.crt"));
    lab.ca(&["revoke", "k.crt", "--reason", "keyCompromise"]);
    lab.ca(&["sign", "server", "bar.test"]);
    lab.openssl(&format!("ca {config} -revoke certs/server/bar.test.crt -crl_reason superseded"));
    lab.openssl(&format!("ca {config} -updatedb"));
    let subjects: Vec<_> = lab.ledger().into_iter().map(|entry| entry.subject).collect();
    assert_eq!(subjects, ["/CN=localhost", "/CN=foo", "/CN=bar"]);
    lab.ca(&["crl"]);
    assert_eq!(lab.ca(&["show", "certs/crl/intermediate.crl"]).matches("userCertificate").count(), 2);
    lab.openssl("ca -config certs/ca/root/openssl.cnf -gencrl");
}

/// Runs what a verb printed instead of the verb, in a copy of the folder as it was before.
fn the_printed_openssl_commands_do_the_same() {
    let lab = Lab::founded();
    lab.ca(&["sign", "user", "zoe"]);
    lab.ca(&["crl"]);
    let steps: [(&[&str], &str); 9] = [
        (&["key", "a.key"], "a.key"),
        (&["key", "rsa.key", "--kind", "rsa:2048"], "rsa.key"),
        (&["key", "ed.key", "--kind", "ed25519"], "ed.key"),
        (
            &["request", "--key", "a.key", "--name", "localhost", "--name", "*.a.test", "--organisation", "A & Co's", "--out", "a b.csr"],
            "a b.csr",
        ),
        (&["self-sign", "--key", "a.key", "--name", "localhost", "--out", "self.crt"], "self.crt"),
        (&["sign", "a b.csr"], "a b.fullchain.pem"),
        (&["revoke", "zoe", "--reason", "superseded"], "certs/crl/intermediate.crl"),
        (&["show", "self.crt"], "self.crt"),
        (&["verify", "--cacert", "certs/ca/root.crt", "--name", "localhost", "a b.fullchain.pem"], "a b.fullchain.pem"),
    ];
    for (verb, makes) in steps {
        let before = Lab::empty();
        lab.run(&["cp".into(), "-a".into(), lab.path("certs"), before.path("certs")]);
        lab.run(&["sh", "-c", &format!("find . -maxdepth 1 -type f -exec cp -t {} {{}} +", before.path("").display())]);
        lab.run(&[
            "sh",
            "-c",
            &format!(
                "sed -i s,{},{}, {}/certs/ca/*/openssl.cnf",
                lab.path("").display(),
                before.path("").display(),
                before.path("").display()
            ),
        ]);
        let said = text(&run(&mut lab.command(verb)).stderr);
        let commands: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("openssl: ")).collect();
        before.run(&["bash", "-e", "-c", &commands.join("\n")]);
        let (ours, theirs) = (lab.ca(&["show", makes]), before.ca(&["show", makes]));
        let shape = |text: &str| {
            text.lines()
                .map(|line| line.split_once(": ").map_or(line, |(name, _)| name).trim().to_string())
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(shape(&ours), shape(&theirs), "{verb:?}\n{commands:?}");
    }
}

fn a_name_outside_of_the_constraints_is_refused_by_openssl_too() {
    let lab = Lab::founded();
    lab.openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout k.key -subj /CN=x -out k.csr");
    lab.run(&["sh", "-c", "SAN=DNS:example.com openssl ca -batch -notext -config certs/ca/intermediate/openssl.cnf -in k.csr -out k.crt"]);
    let out = run(std::process::Command::new("sh").args(["-c", &format!("openssl verify {CHAIN} k.crt")]).current_dir(lab.path("")));
    assert!(text(&out.stderr).contains("permitted subtree violation"), "{}", text(&out.stderr));
    lab.run(&["sh", "-c", "cat k.crt certs/ca/intermediate.crt > k.pem"]);
    lab.refused(60, &["verify", "--cacert", "certs/ca/root.crt", "--name", "example.com", "k.pem"]);
}

/// The hint of each refusal is run, and makes the file usable.
fn what_a_wrong_file_is_and_how_to_convert_it() {
    let lab = Lab::empty();
    lab.ca(&["key", "k.key"]);
    lab.ca(&["self-sign", "--key", "k.key", "--name", "localhost", "--out", "k.crt"]);
    lab.ca(&["request", "--key", "k.key", "--name", "localhost", "--out", "k.csr"]);
    lab.openssl("x509 -in k.crt -outform der -out cert.der");
    lab.openssl("pkey -in k.key -outform der -out key.der");
    lab.openssl("req -in k.csr -outform der -out request.der");
    lab.openssl("pkcs12 -export -in k.crt -inkey k.key -passout pass: -out bundle.p12");
    lab.openssl("pkey -in k.key -aes256 -passout pass:secret -out locked.key");
    lab.openssl("pkcs8 -topk8 -in k.key -passout pass:secret -outform der -out locked.der");
    lab.run(&["sh", "-c", "printf '\\357\\273\\277' | cat - k.crt > bom.crt; iconv -f ASCII -t UTF-16 k.crt > wide.crt"]);
    let cases = [
        ("cert.der", "a certificate in DER", "cert.der.pem", ""),
        ("key.der", "a private key in DER", "key.der.pem", ""),
        ("request.der", "a certificate request in DER", "request.der.pem", ""),
        ("bundle.p12", "a PKCS#12 bundle", "bundle.p12.pem", " -passin pass:"),
        ("locked.key", "locked with a passphrase", "locked.key.plain", " -passin pass:secret"),
        ("locked.der", "locked with a passphrase", "locked.der.pem", " -passin pass:secret"),
        ("bom.crt", "a byte order mark", "bom.crt", ""),
        ("wide.crt", "UTF-16", "wide.crt.pem", ""),
    ];
    for (file, is, makes, more) in cases {
        let out = run(&mut lab.command(&["show", file]));
        let said = text(&out.stderr);
        assert!(!out.status.success() && said.contains(is), "{file}: {said}");
        let command = said.lines().find_map(|line| line.strip_prefix("ca: hint: ")).and_then(|hint| hint.split_once(": ")).unwrap().1;
        let command = match command.strip_suffix(')') {
            Some(open) => format!("{open}{more})"),
            None => command.to_string(),
        };
        lab.run(&["sh", "-c", &command]);
        lab.ca(&["show", makes]);
    }
}
