//! `ca verify` beside `openssl verify`: the same files, the same question, two judges. Where they differ, the table says why.

use crate::cases;
use crate::common::pki::{self, Authority, days, self_signed};
use crate::common::{run, text};
use crate::lab::Lab;
use padlock::certificate::Identity;
use rcgen::{ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, NameConstraints};
use std::fs;

cases! {
    ["openssl"] both_judges_say_the_same_or_the_table_says_why,
    ["openssl"] both_judges_go_by_the_same_lists,
    [] a_chain_is_judged_in_any_form_by_many_roots,
    [] the_answer_is_two_lines_or_one_object,
    [] hostile_chains_are_refused_in_order,
}

/// What a judge says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    Good,
    Refused,
}
use Says::{Good, Refused};

/// Who is judged, and what the question is: the file, what `ca` is asked, what OpenSSL is asked.
type Question = (&'static str, &'static str, &'static str);

/// A question, our answer, OpenSSL's. OpenSSL is asked without `-x509_strict`, as most people do.
const TABLE: [(Question, Says, Says); 24] = [
    (("good.pem", "--name localhost", "-verify_hostname localhost"), Good, Good),
    (("good.pem", "--name LOCALHOST", "-verify_hostname LOCALHOST"), Good, Good),
    (("good.pem", "--name 127.0.0.1", "-verify_ip 127.0.0.1"), Good, Good),
    (("good.pem", "--name ::1", "-verify_ip ::1"), Good, Good),
    (("good.pem", "--name 127.0.0.2", "-verify_ip 127.0.0.2"), Refused, Refused),
    (("good.pem", "--name wrong.test", "-verify_hostname wrong.test"), Refused, Refused),
    (("alone.pem", "--name localhost", "-verify_hostname localhost"), Refused, Refused),
    (("expired.pem", "--name localhost", "-verify_hostname localhost"), Refused, Refused),
    (("early.pem", "--name localhost", "-verify_hostname localhost"), Refused, Refused),
    (("good.pem", "--name localhost --time 2060-01-01", "-verify_hostname localhost -attime 2840140800"), Refused, Refused),
    (("good.pem", "--name localhost --time 2010-01-01", "-verify_hostname localhost -attime 1262304000"), Refused, Refused),
    (("client.pem", "--name localhost", "-verify_hostname localhost -purpose sslserver"), Refused, Refused),
    (("client.pem", "--purpose client", "-purpose sslclient"), Good, Good),
    (("good.pem", "--purpose client", "-purpose sslclient"), Refused, Refused),
    (("client.pem", "--purpose client --name other.test", "-purpose sslclient -verify_hostname other.test"), Refused, Refused),
    (("star.pem", "--name a.example.test", "-verify_hostname a.example.test"), Good, Good),
    (("star.pem", "--name a.b.example.test", "-verify_hostname a.b.example.test"), Refused, Refused),
    (("outside.pem", "--name example.com", "-verify_hostname example.com"), Refused, Refused),
    (("tampered.pem", "--name localhost", "-verify_hostname localhost"), Refused, Refused),
    (("namesake.pem", "--name localhost", "-verify_hostname localhost"), Refused, Refused),
    // RFC 9525 6.3 allows a star as a whole label alone; OpenSSL takes one in it, unless asked for X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS.
    (("part.pem", "--name ab.example.test", "-verify_hostname ab.example.test"), Refused, Good),
    // RFC 9525 2 has done away with the CN; OpenSSL falls back on it where there is no subjectAltName.
    (("cn.pem", "--name leaf.test", "-verify_hostname leaf.test"), Refused, Good),
    // An authority's own certificate is no server's to webpki and to Firefox; OpenSSL does not mind.
    (("ca.pem", "--name localhost", "-verify_hostname localhost"), Refused, Good),
    // OpenSSL finds the address among the DNS names for -verify_hostname; we take it for the address that it is.
    (("text.pem", "--name 127.0.0.1", "-verify_hostname 127.0.0.1"), Refused, Good),
];

fn both_judges_say_the_same_or_the_table_says_why() {
    let lab = Lab::empty();
    make(&lab);
    for ((file, ours, theirs), we_say, they_say) in TABLE {
        let judged = lab.judged(&format!("verify --cacert root.crt {ours} {file}"));
        assert_eq!(judged.0, we_say, "{file} {ours}: {}", judged.1);
        assert_eq!(lab.openssl_says(&format!("verify -CAfile root.crt -untrusted {file} {theirs} {file}")), they_say, "{file} {theirs}");
    }
    // An intermediate that is believed ends the search for us, as RFC 5280 6.1.1 has it; OpenSSL wants -partial_chain for that.
    assert_eq!(lab.judged("verify --cacert middle.crt --name localhost alone.pem").0, Good);
    assert_eq!(lab.openssl_says("verify -CAfile middle.crt alone.pem"), Refused);
    assert_eq!(lab.openssl_says("verify -partial_chain -CAfile middle.crt alone.pem"), Good);
    // Exactly this certificate, and nobody else.
    assert_eq!(lab.judged("verify --cacert self.crt --name localhost self.crt").0, Good);
    assert_eq!(lab.openssl_says("verify -CAfile self.crt -verify_hostname localhost self.crt"), Good);
}

/// The files of the table.
fn make(lab: &Lab) {
    let root = Authority::root("root");
    let middle = root.below_with("middle", |params| {
        let trees = ["test", "localhost"].map(|name| GeneralSubtree::DnsName(name.into()));
        params.name_constraints = Some(NameConstraints { permitted_subtrees: trees.to_vec(), excluded_subtrees: Vec::new() });
    });
    let namesake = Authority::root("root").below("middle");
    let save = |file: &str, who: Identity, above: &[&Authority]| {
        let chain = who.chain.iter().chain(above.iter().map(|one| &one.certificate));
        fs::write(lab.path(file), chain.map(|der| pki::pem(der)).collect::<String>()).unwrap();
    };
    fs::write(lab.path("root.crt"), pki::pem(&root.certificate)).unwrap();
    fs::write(lab.path("middle.crt"), pki::pem(&middle.certificate)).unwrap();
    let names = ["localhost", "127.0.0.1", "::1"];
    save("good.pem", middle.leaf(&names), &[&middle]);
    save("alone.pem", middle.leaf(&names), &[]);
    save("expired.pem", middle.leaf_with(&names, |params| (params.not_before, params.not_after) = (days(-9), days(-1))), &[&middle]);
    save("early.pem", middle.leaf_with(&names, |params| params.not_before = days(9)), &[&middle]);
    let client = |params: &mut rcgen::CertificateParams| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    save("client.pem", middle.leaf_with(&names, client), &[&middle]);
    save("star.pem", middle.leaf(&["*.example.test"]), &[&middle]);
    save("part.pem", middle.leaf(&["a*.example.test"]), &[&middle]);
    save("outside.pem", middle.leaf(&["example.com"]), &[&middle]);
    save("namesake.pem", namesake.leaf(&names), &[&namesake]);
    save("cn.pem", root.leaf_with(&[], |params| params.distinguished_name.push(rcgen::DnType::CommonName, "leaf.test")), &[]);
    save("ca.pem", root.leaf_with(&names, |params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)), &[]);
    let text =
        |params: &mut rcgen::CertificateParams| params.subject_alt_names = vec![rcgen::SanType::DnsName("127.0.0.1".try_into().unwrap())];
    save("text.pem", root.leaf_with(&[], text), &[]);
    save("self.crt", self_signed(&names, |_| {}), &[]);
    let good = root.leaf(&names);
    let mut der = good.chain[0].to_vec();
    let place = der.windows(9).position(|window| window == b"localhost").unwrap();
    der[place] = b'm';
    fs::write(lab.path("tampered.pem"), pki::pem(&der).replace("mocalhost", "localhost")).unwrap();
}

impl Lab {
    /// What `ca` says, and its words. Nothing but 0 and 60 is an answer.
    fn judged(&self, line: &str) -> (Says, String) {
        let out = run(&mut self.command(&line.split(' ').collect::<Vec<_>>()));
        let said = text(&out.stdout) + &text(&out.stderr);
        match out.status.code() {
            Some(0) => (Good, said),
            Some(60) if text(&out.stdout).is_empty() => (Refused, said),
            status => panic!("{line}: {status:?} {said}"),
        }
    }

    fn openssl_says(&self, line: &str) -> Says {
        let mut command = std::process::Command::new("openssl");
        let out = run(command.args(line.split(' ')).current_dir(self.path(".")));
        if out.status.success() { Good } else { Refused }
    }
}

fn both_judges_go_by_the_same_lists() {
    let lab = Lab::founded();
    for name in ["good.test", "bad.test"] {
        lab.ca(&["sign", "server", name]);
    }
    lab.ca(&["revoke", "certs/server/bad.test.crt", "--reason", "superseded"]);
    lab.ca(&["crl"]);
    lab.openssl("crl -in certs/crl/intermediate.crl -outform der -out list.der");
    let answers = |name: &str, list: &str, at: &str, seconds: &str| {
        let file = format!("certs/server/{name}.fullchain.pem");
        let (ours, said) = lab.judged(&format!("verify --cacert certs/ca/root.crt --name {name} --crl {list}{at} {file}"));
        let theirs =
            lab.openssl_says(&format!("verify -crl_check -CAfile certs/ca/root.crt -untrusted {file} -CRLfile {list}{seconds} {file}"));
        assert_eq!(ours, theirs, "{name} {list}{at}: {said}");
        (ours, said)
    };
    for list in ["certs/crl/intermediate.crl", "list.der"] {
        assert_eq!(answers("good.test", list, "", "").0, Good);
        let (ours, said) = answers("bad.test", list, "", "");
        assert!(ours == Refused && said.contains("superseded") && said.contains("serial"), "{said}");
    }
    let (ours, said) = answers("good.test", "certs/crl/root.crl", "", "");
    assert!(ours == Refused && said.contains("none of the revocation lists"), "{said}");
    // In 40 days the certificate is still good, and the list is not.
    let then = days(40).unix_timestamp();
    let (ours, said) = answers("good.test", "certs/crl/intermediate.crl", &format!(" --time {then}"), &format!(" -attime {then}"));
    assert!(ours == Refused && said.contains("was to be replaced by"), "{said}");
    lab.refused(
        82,
        &["verify", "--cacert", "certs/ca/root.crt", "--name", "good.test", "--crl", "certs/ca/root.crt", "certs/server/good.test.crt"],
    );
}

fn a_chain_is_judged_in_any_form_by_many_roots() {
    let lab = Lab::empty();
    let (root, other) = (Authority::root("root"), Authority::root("other"));
    let leaf = root.leaf(&["localhost", "::1"]);
    fs::write(lab.path("leaf.der"), &leaf.chain[0]).unwrap();
    fs::write(lab.path("root.der"), &root.certificate).unwrap();
    fs::write(lab.path("roots.pem"), pki::pem(&other.certificate) + &pki::pem(&root.certificate)).unwrap();
    fs::write(lab.path("other.pem"), pki::pem(&other.certificate)).unwrap();
    for roots in ["--cacert root.der", "--cacert roots.pem", "--cacert other.pem --cacert root.der"] {
        for name in ["localhost", "::1"] {
            assert_eq!(lab.judged(&format!("verify {roots} --name {name} leaf.der")).0, Good, "{roots}");
        }
    }
    assert_eq!(lab.judged("verify --cacert other.pem --name localhost leaf.der").0, Refused);
}

fn the_answer_is_two_lines_or_one_object() {
    let lab = Lab::founded();
    lab.ca(&["sign", "server", "localhost"]);
    let chain = "certs/server/localhost.fullchain.pem";
    let told = |name: &str| -> (Option<i32>, serde_json::Value) {
        let out = run(&mut lab.command(&["verify", "--json", "--cacert", "certs/ca/root.crt", "--name", name, chain]));
        (out.status.code(), serde_json::from_slice(&out.stdout).unwrap())
    };
    let (status, good) = told("localhost");
    assert_eq!((status, &good["good"]), (Some(0), &true.into()));
    let (status, refused) = told("wrong.test");
    assert_eq!((status, &refused["error"]["code"]), (Some(60), &"wrong-name".into()));
    for wrong in [
        &["verify", "--cacert", "certs/ca/root.crt", chain][..],
        &["verify", "--name", "localhost", chain],
        &["verify", "--cacert", "certs/ca/root.crt", "--name", "a b", chain],
        &["verify", "--cacert", "certs/ca/root.crt", "--name", "localhost", "--time", "soon", chain],
        &["verify", "--cacert", "certs/ca/root.crt", "--name", "localhost", "--time", "-9", chain],
    ] {
        assert_eq!(run(&mut lab.command(wrong)).status.code(), Some(2), "{wrong:?}");
    }
}

/// Thousands of certificates of one name, each of which could have signed the leaf, and a chain that goes in a circle.
fn hostile_chains_are_refused_in_order() {
    let lab = Lab::empty();
    let root = Authority::root("root");
    fs::write(lab.path("root.crt"), pki::pem(&root.certificate)).unwrap();
    let namesakes: Vec<Authority> = (0..50).map(|_| Authority::root("nobody").below("middle")).collect();
    let leaf = namesakes[0].leaf(&["localhost"]);
    let crowd: String = namesakes.iter().map(|one| pki::pem(&one.certificate)).collect();
    fs::write(lab.path("crowd.pem"), pki::pem(&leaf.chain[0]) + &crowd.repeat(200)).unwrap();
    let (one, two) = (Authority::root("one"), Authority::root("two"));
    let circle = [two.leaf(&["localhost"]).chain[0].clone(), one.below("two").certificate, two.below("one").certificate];
    fs::write(lab.path("circle.pem"), circle.iter().map(|der| pki::pem(der)).collect::<String>()).unwrap();
    for file in ["crowd.pem", "circle.pem"] {
        let (ours, said) = lab.judged(&format!("verify --cacert root.crt --name localhost {file}"));
        assert!(ours == Refused && said.len() < 3000, "{file}: {said}");
    }
}
