//! The same causes, seen from the server: what it says of a client's certificate, and the alert that it sends about it.

use super::common::pki::{Authority, days, self_signed, with_chain};
use super::readable;
use padlock::certificate::Identity;
use padlock::error::Error;
use padlock::refusal;
use padlock::tls::{self, Failure, Settings};
use padlock::trust::{ClientAuth, Presented, Trust};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};
use rustls::pki_types::ServerName;
use std::io::Read;
use std::os::unix::net::UnixStream;

/// What the server says of a client that shows `who`, and the alert that the client then received.
fn refused(root: &Authority, trust: &Trust, who: &Identity) -> (Error, u8) {
    let config = tls::server(&root.leaf(&["localhost"]), Some((trust, ClientAuth::Require)), &Settings::default()).unwrap();
    let client = tls::client(Some(who), &root.trusted(), Presented::default(), &Settings::default()).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    // The thread that judges is the one that asks why.
    let serving = std::thread::spawn(move || refusal::server_side(&tls::accept(theirs, &config).err().unwrap().0));
    let mut session = tls::connect(ours, ServerName::try_from("localhost").unwrap(), &client).map_err(|(failure, _)| failure).unwrap();
    let alert = match session.read(&mut [0]).unwrap_err().into() {
        Failure::Tls(rustls::Error::AlertReceived(alert)) => alert.into(),
        other => panic!("{other:?}"),
    };
    let error = serving.join().unwrap();
    readable(&error);
    (error, alert)
}

fn of_a_client(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}

#[test]
fn the_server_tells_the_causes_apart_and_says_which_alert_it_sent() {
    let (root, other, again) = (Authority::root("root"), Authority::root("Other Root"), Authority::root("root"));
    let between = root.below("between");
    let alice = |by: &Authority, change: fn(&mut CertificateParams)| {
        by.leaf_with(&["alice.users.test"], |params| {
            of_a_client(params);
            change(params);
        })
    };
    let table = [
        (alice(&other, |_| {}), "untrusted-issuer", "signed by CN=Other Root, whom we don't trust; we trust the test's authority"),
        (with_chain(alice(&other, |_| {}), &[&other]), "root-sent", "the client sends its own root along, CN=Other Root"),
        (self_signed(&["alice.users.test"], of_a_client), "self-signed", "nobody whom we trust does"),
        (alice(&between, |_| {}), "untrusted-issuer", "signed by CN=between, whom we don't trust"),
        (alice(&again, |_| {}), "same-name-authority", "another CN=root than the one we trust"),
        (alice(&root, |params| (params.not_before, params.not_after) = (days(-9), days(-2))), "expired", "CN=leaf expired on "),
        (alice(&root, |params| (params.not_before, params.not_after) = (days(2), days(9))), "not-yet-valid", "not valid before"),
        (root.leaf(&["localhost"]), "wrong-usage", "was signed for serverAuth, not for this"),
    ];
    for (who, code, says) in table {
        let (error, alert) = refused(&root, &root.trusted(), &who);
        assert_eq!((error.code, error.exit), (code, 60), "{error:?}");
        assert!(error.cause.starts_with("we refused the client's certificate: ") && error.cause.contains(says), "{says}: {error:?}");
        assert!(error.hint.contains("docs/mutual.md") && !error.hint.contains("runs the server"), "{error:?}");
        let told = refusal::told(&error);
        assert_eq!(told["error"]["alert_sent"], alert, "{error:?}");
        let named = |der| told["error"]["certificate"]["serial"] == padlock::certificate::summary(der).unwrap().serial.as_str();
        assert!(who.chain.iter().any(named), "{told}");
    }
}
