//! Every way of saying no that we explain, provoked by a real handshake and read as a reader reads it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clients;
#[path = "../common/mod.rs"]
mod common;
mod told;

use common::pki::{self, Authority, Ends, days, handshake, handshake_with, self_signed, with_chain};
use padlock::certificate::Identity;
use padlock::error::Error;
use padlock::refusal;
use padlock::tls::{self, Failure, Settings};
use padlock::trust::{ClientAuth, Presented, Trust};
use rcgen::{BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, NameConstraints};
use rustls::pki_types::ServerName;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What the client says of a server that shows `who`.
fn refused(who: &Identity, trust: &Trust, asked: &str) -> Error {
    let Ends { client, presented, .. } = handshake(who, trust, asked);
    let failure = client.expect_err("the certificate was accepted");
    explained(&failure, &presented, trust, asked)
}

fn explained(failure: &Failure, presented: &Presented, trust: &Trust, asked: &str) -> Error {
    let error = refusal::client_side(failure, &ServerName::try_from(asked).unwrap(), presented, trust);
    readable(&error);
    error
}

/// The shape of every refusal: two lines, lower case, no full stop, a cure, no library's debugging.
fn readable(error: &Error) {
    for line in [&error.cause, &error.hint] {
        assert!(!line.is_empty() && !line.ends_with('.') && !line.contains('\n'), "{error:?}");
        for foreign in ["InvalidCertificate", "Error(", "Other(", " { ", "DnsName(", "invalid peer certificate"] {
            assert!(!line.contains(foreign), "{error:?}");
        }
    }
    assert!(error.cause.starts_with(|first: char| first.is_lowercase() || first.is_ascii_digit()), "{error:?}");
}

fn check(error: &Error, code: &str, parts: &[&str]) {
    assert_eq!((error.code, error.exit), (code, 60), "{error:?}");
    for part in parts {
        assert!(error.cause.contains(part) || error.hint.contains(part), "no {part:?} in {error:?}");
    }
}

#[test]
fn a_wrong_name_shows_what_was_asked_and_what_is_there() {
    let root = Authority::root("root");
    let trust = root.trusted();
    let error = refused(&root.leaf(&["wrong.test"]), &trust, "localhost");
    assert_eq!(error.cause, "certificate refused: made for wrong.test, but you asked for localhost");
    assert_eq!(error.hint, "ask for a name that it has, or sign a new one: ./ca sign server localhost (docs/trust.md)");
    check(&error, "wrong-name", &[]);
    let error = refused(&root.leaf(&["localhost", "127.0.0.1", "::1"]), &trust, "127.0.0.2");
    check(&error, "wrong-name", &["made for localhost, 127.0.0.1, ::1, but you asked for 127.0.0.2"]);
    let error = refused(&root.leaf(&["*.example.test"]), &trust, "a.b.example.test");
    check(&error, "wrong-name", &["made for *.example.test,", "exactly one label"]);
    let error = refused(&root.leaf(&["*.example.test"]), &trust, "example.test");
    check(&error, "wrong-name", &["not for example.test itself"]);
}

#[test]
fn a_name_in_the_cn_alone_is_no_name() {
    let root = Authority::root("root");
    let cn_only = root.leaf_with(&[], |params| params.distinguished_name.push(rcgen::DnType::CommonName, "localhost"));
    check(&refused(&cn_only, &root.trusted(), "localhost"), "wrong-name", &["localhost stands in its CN only", "subjectAltName"]);
    let nameless = root.leaf_with(&[], |params| params.distinguished_name = rcgen::DistinguishedName::new());
    check(&refused(&nameless, &root.trusted(), "localhost"), "wrong-name", &["names no host at all"]);
}

#[test]
fn dates_are_dates_beside_the_local_clock() {
    let root = Authority::root("root");
    let old = root.leaf_with(&["localhost"], |params| (params.not_before, params.not_after) = (days(-30), days(-2)));
    let error = refused(&old, &root.trusted(), "localhost");
    check(&error, "expired", &["CN=leaf expired on ", " UTC, your clock says ", "make certs"]);
    let young = root.leaf_with(&["localhost"], |params| (params.not_before, params.not_after) = (days(2), days(30)));
    check(&refused(&young, &root.trusted(), "localhost"), "not-yet-valid", &["CN=leaf is not valid before ", "clock is wrong"]);
}

#[test]
fn an_expired_intermediate_is_named_not_the_leaf() {
    let root = Authority::root("root");
    let old = root.below_with("tired", |params| (params.not_before, params.not_after) = (days(-30), days(-2)));
    let who = with_chain(old.leaf(&["localhost"]), &[&old]);
    check(&refused(&who, &root.trusted(), "localhost"), "expired", &["CN=tired expired on "]);
}

#[test]
fn unknown_issuers_are_told_apart() {
    let (root, other) = (Authority::root("Good Root"), Authority::root("Other Root"));
    let trust = root.trusted();
    let leaf = other.leaf(&["localhost"]);
    check(
        &refused(&leaf, &trust, "localhost"),
        "untrusted-issuer",
        &["signed by CN=Other Root", "you trust the test's authority", "--cacert"],
    );
    let sent = with_chain(leaf, &[&other]);
    check(&refused(&sent, &trust, "localhost"), "root-sent", &["its own root along, CN=Other Root"]);
    let alone = self_signed(&["localhost"], |_| {});
    check(&refused(&alone, &trust, "localhost"), "self-signed", &["CN=leaf vouches for itself", "--cacert FILE"]);
    let intermediate = other.below("Other Intermediate");
    let two = with_chain(intermediate.leaf(&["localhost"]), &[&intermediate]);
    check(&refused(&two, &trust, "localhost"), "untrusted-issuer", &["signed by CN=Other Root"]);
}

#[test]
fn an_intermediate_that_was_left_out_is_missed() {
    let root = Authority::root("root");
    let intermediate = root.below("Known Intermediate");
    let folder = common::scratch();
    std::fs::create_dir(folder.path().join("ca")).unwrap();
    std::fs::write(folder.path().join("ca/root.crt"), pki::pem(&root.certificate)).unwrap();
    std::fs::write(folder.path().join("ca/intermediate.crt"), pki::pem(&intermediate.certificate)).unwrap();
    let lab = Trust::lab(&padlock::authority::Places::new(folder.path())).unwrap();
    let error = refused(&intermediate.leaf(&["localhost"]), &lab, "localhost");
    check(&error, "missing-intermediate", &["did not send CN=Known Intermediate", "links CN=leaf to what you trust", "fullchain.pem"]);
    let whole = with_chain(intermediate.leaf(&["localhost"]), &[&intermediate]);
    assert!(handshake(&whole, &lab, "localhost").client.is_ok());
}

/// Public servers say where their issuer's certificate is: nobody needs to be told of a root.
#[test]
fn a_leaf_that_points_at_its_issuer_is_missed_an_intermediate() {
    let access = hex("3022302006082b060105050730028614687474703a2f2f63612e746573742f612e637274");
    let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access);
    let intermediate = Authority::root("elsewhere").below("R11");
    let leaf = intermediate.leaf_with(&["localhost"], |params| params.custom_extensions = vec![extension]);
    check(&refused(&leaf, &Trust::web(), "localhost"), "missing-intermediate", &["sent CN=leaf alone, without CN=R11"]);
}

#[test]
fn an_authority_made_again_is_told_from_a_tampered_certificate() {
    let (ours, theirs) = (Authority::root("Same Name"), Authority::root("Same Name"));
    let fingerprint = |a: &Authority| padlock::certificate::summary(&a.certificate).unwrap().fingerprint;
    let leaf = theirs.leaf(&["localhost"]);
    let error = refused(&leaf, &ours.trusted(), "localhost");
    check(&error, "same-name-authority", &["another CN=Same Name than the one you trust", &fingerprint(&ours), "theirs has key "]);
    let error = refused(&with_chain(leaf, &[&theirs]), &ours.trusted(), "localhost");
    check(&error, "same-name-authority", &[&fingerprint(&ours), &fingerprint(&theirs)]);

    // A root that does not say which key signed it, as many don't.
    let theirs = Authority::root_with("Same Name", |params| params.use_authority_key_identifier_extension = false);
    let sent = with_chain(theirs.leaf(&["localhost"]), &[&theirs]);
    check(&refused(&sent, &ours.trusted(), "localhost"), "same-name-authority", &["CN=leaf was signed by another"]);
    let unsaid = theirs.leaf_with(&["localhost"], |params| params.use_authority_key_identifier_extension = false);
    check(&refused(&unsaid, &ours.trusted(), "localhost"), "bad-signature", &["changed, or signed by another", &fingerprint(&ours)]);

    let mut tampered = ours.leaf(&["localhost"]);
    let mut der = tampered.chain[0].to_vec();
    let at = der.windows(9).position(|part| part == b"localhost").unwrap();
    der[at..at + 9].copy_from_slice(b"localhosT");
    tampered.chain[0] = der.into();
    let error = refused(&tampered, &ours.trusted(), "localhost");
    check(&error, "tampered", &["signature of CN=Same Name does not fit CN=leaf", "changed after it was signed"]);
}

#[test]
fn a_server_without_the_certificates_key_is_caught() {
    let root = Authority::root("root");
    let (shown, other) = (root.leaf(&["localhost"]), root.leaf(&["localhost"]));
    let thief = Identity { chain: shown.chain, key: other.key };
    check(&refused(&thief, &root.trusted(), "localhost"), "not-its-key", &["could not prove that it holds the certificate's key"]);
}

#[test]
fn certificates_of_the_wrong_kind_are_named() {
    let root = Authority::root("root");
    let trust = root.trusted();
    let authority = |params: &mut rcgen::CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = self_signed(&["localhost"], authority);
    let believed = Trust::certificates("it", &own.chain).unwrap();
    check(&refused(&own, &believed, "localhost"), "ca-as-leaf", &["CA:TRUE", "./ca self-sign", "CA:FALSE"]);
    check(&refused(&root.leaf_with(&["localhost"], authority), &trust, "localhost"), "ca-as-leaf", &["CN=leaf"]);

    let client = root.leaf_with(&["localhost"], |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    check(&refused(&client, &trust, "localhost"), "wrong-usage", &["CN=leaf was signed for clientAuth", "serverAuth"]);

    let not_an_authority = root.below_with("no authority", |params| params.is_ca = IsCa::ExplicitNoCa);
    let below = with_chain(not_an_authority.leaf(&["localhost"]), &[&not_an_authority]);
    check(&refused(&below, &trust, "localhost"), "leaf-as-ca", &["no authority signed CN=leaf", "CA:FALSE"]);

    let short = root.below_with("short", |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let long = short.below("too deep");
    let deep = with_chain(long.leaf(&["localhost"]), &[&long, &short]);
    check(&refused(&deep, &trust, "localhost"), "path-length", &["pathLenConstraint"]);

    let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    let critical = root.leaf_with(&["localhost"], |params| {
        params.custom_extensions = vec![extension];
        params.custom_extensions[0].set_criticality(true);
    });
    check(&refused(&critical, &trust, "localhost"), "unknown-critical", &["critical extension"]);
}

#[test]
fn a_name_outside_the_authoritys_constraint_is_refused() {
    let lab = Authority::root_with("lab", |params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("localhost".into()), GeneralSubtree::DnsName("test".into())];
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
    });
    let intermediate = lab.below("intermediate");
    for who in [lab.leaf(&["bank.example"]), with_chain(intermediate.leaf(&["bank.example"]), &[&intermediate])] {
        check(&refused(&who, &lab.trusted(), "bank.example"), "name-constraint", &["may not speak for bank.example"]);
    }
    assert!(handshake(&lab.leaf(&["a.test"]), &lab.trusted(), "a.test").client.is_ok());
}

#[test]
fn a_version_1_certificate_is_called_that() {
    let root = Authority::root("root");
    let key = KeyPair::generate().unwrap();
    let v3 = pki::leaf_params(&["localhost"]).signed_by(&key, &root.issuer).unwrap();
    let v1 = pki::resigned(v3.der(), root.issuer.key(), |content| *content = as_version_1(content));
    check(&refused(&pki::identity(vec![v1], &key), &root.trusted(), "localhost"), "v1", &["X.509 version 1", "-extfile"]);
}

/// Without the version field (which then means 1) and the extensions (which version 1 does not have).
fn as_version_1(content: &[u8]) -> Vec<u8> {
    let inner = &content[4..];
    let version = [0xa0, 0x03, 0x02, 0x01, 0x02];
    let fields = inner.strip_prefix(&version).unwrap();
    // The last field: tag 0xa3, and a length that reaches the end.
    let last = |at: &usize| (1..5).any(|head| fields.len() > at + head && pki::der_value(0xa3, &fields[at + head..]) == fields[*at..]);
    let extensions = (0..fields.len()).find(|at| fields[*at] == 0xa3 && last(at)).unwrap();
    pki::der_value(0x30, &fields[..extensions])
}

#[test]
fn names_chosen_by_a_stranger_never_reach_the_terminal_raw() {
    let root = Authority::root("root");
    let evil = root.leaf_with(&["wrong.test"], |params| params.distinguished_name.push(rcgen::DnType::CommonName, "\u{1b}[2Jevil"));
    let named = root.leaf(&["\u{1b}]0;evil\u{7}.test", "fine.test"]);
    for (who, trust) in [(&evil, Trust::web()), (&evil, root.trusted()), (&named, root.trusted())] {
        let error = refused(who, &trust, "localhost");
        assert!(!error.cause.contains(char::is_control) && !error.hint.contains(char::is_control), "{error:?}");
    }
    check(&refused(&named, &root.trusted(), "localhost"), "wrong-name", &["fine.test"]);
}

#[test]
fn a_client_that_refuses_tells_the_server_which_logs_it_in_words() {
    let root = Authority::root("root");
    let (trust, web) = (root.trusted(), Trust::web());
    let expired = root.leaf_with(&["localhost"], |params| (params.not_before, params.not_after) = (days(-9), days(-2)));
    let table = [
        (
            root.leaf(&["localhost"]),
            &web,
            "unknown-ca",
            "the client refused us: unknown ca: it does not trust the authority that signed our certificate (alert 48)",
        ),
        (
            root.leaf(&["wrong.test"]),
            &trust,
            "bad-certificate",
            "the client refused us: bad certificate: it finds our certificate bad, often for being made for another name (alert 42)",
        ),
        (
            expired,
            &trust,
            "certificate-expired",
            "the client refused us: certificate expired: our certificate is out of date, or a clock is wrong (alert 45)",
        ),
    ];
    for (who, trust, code, cause) in table {
        let error = refusal::server_side(&handshake(&who, trust, "localhost").server.unwrap_err());
        readable(&error);
        assert_eq!((error.code, error.cause.as_str()), (code, cause));
    }
}

fn server(root: &Authority, clients: Option<(&Trust, ClientAuth)>, settings: &Settings) -> std::sync::Arc<rustls::ServerConfig> {
    tls::server(&root.leaf(&["localhost"]), clients, settings).unwrap()
}

#[test]
fn no_common_application_protocol_is_said_on_both_sides() {
    let root = Authority::root("root");
    let speaks = |protocol: &str| Settings { alpn: vec![protocol.into()], ..Settings::default() };
    let ends = handshake_with(server(&root, None, &speaks("http/1.1")), &root.trusted(), "localhost", &speaks("mqtt"));
    let client = explained(&ends.client.unwrap_err(), &ends.presented, &root.trusted(), "localhost");
    assert_eq!((client.code, client.exit), ("no-application-protocol", 35), "{client:?}");
    let server = refusal::server_side(&ends.server.unwrap_err());
    readable(&server);
    assert_eq!(server.code, "no-alpn");
}

/// In TLS 1.3 a client's certificate is judged after the client is done: the refusal is late, and has its own status.
#[test]
fn a_late_refusal_of_the_clients_certificate_ends_with_56() {
    let root = Authority::root("root");
    let config = server(&root, Some((&root.trusted(), ClientAuth::Require)), &Settings::default());
    let client = tls::client(None, &root.trusted(), Presented::default(), &Settings::default()).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let serving = std::thread::spawn(move || tls::accept(theirs, &config).err().unwrap().0);
    let mut session = tls::connect(ours, ServerName::try_from("localhost").unwrap(), &client).map_err(|(failure, _)| failure).unwrap();
    let late = refusal::client_session(&session.read(&mut [0]).unwrap_err().into());
    readable(&late);
    assert_eq!((late.code, late.exit), ("certificate-required", 56));
    assert_eq!(late.cause, "the server refused us: certificate required: it wants a certificate from us and got none (alert 116)");
    let server = refusal::server_side(&serving.join().unwrap());
    readable(&server);
    assert_eq!(server.code, "certificate-required");
}

#[test]
fn another_time_than_the_clocks_is_called_that() {
    use rustls::CertificateError::ExpiredContext;
    let root = Authority::root("root");
    let unix =
        |when: time::OffsetDateTime| rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(when.unix_timestamp() as u64));
    let leaf = root.leaf(&["localhost"]);
    let not_after = padlock::certificate::summary(&leaf.chain[0]).unwrap().not_after;
    let judged = ExpiredContext { time: unix(days(400)), not_after: unix(not_after) };
    let presented = Presented::default();
    presented.lock().unwrap().extend(leaf.chain);
    let error = explained(&Failure::Tls(rustls::Error::InvalidCertificate(judged)), &presented, &root.trusted(), "localhost");
    check(&error, "expired", &["CN=leaf expired on ", "and was judged as of "]);
}

/// A peer that says these bytes, whatever it is asked, and then does what `end` does.
fn answered(bytes: &'static [u8], end: impl FnOnce(UnixStream) + Send + 'static) -> Failure {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let talking = std::thread::spawn(move || {
        let _ = theirs.read(&mut [0; 4096]);
        let _ = theirs.write_all(bytes);
        end(theirs);
    });
    let client = tls::client(None, &Trust::web(), Presented::default(), &Settings::default()).unwrap();
    let failure = tls::connect(&ours, ServerName::try_from("localhost").unwrap(), &client).err().unwrap().0;
    drop(ours);
    talking.join().unwrap();
    failure
}

#[test]
fn peers_that_do_not_speak_our_tls_are_told_apart() {
    let wait = |mut stream: UnixStream| {
        let _ = stream.read(&mut [0; 1]);
    };
    let table: [(&[u8], &str, u8, bool); 8] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not-tls", 35, false),
        (b"220 mail.test ESMTP\r\n", "not-tls", 35, false),
        (b"\x15\x03\x01\x00\x02\x02\x46", "protocol-version", 35, false),
        (b"\x15\x03\x03\x00\x02\x02\x28", "handshake-failure", 35, false),
        (b"\x15\x03\x03\x00\x02\x02\x70", "unrecognized-name", 35, false),
        (b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00", "broke-tls", 35, false),
        (b"", "closed", 35, false),
        (b"", "timed-out", 28, true),
    ];
    for (bytes, code, exit, silent) in table {
        let failure = if silent { answered(bytes, wait) } else { answered(bytes, drop) };
        let error = explained(&failure, &Presented::default(), &Trust::web(), "localhost");
        assert_eq!((error.code, error.exit), (code, exit), "{bytes:?}: {failure:?}");
    }
}

#[test]
fn a_server_knows_what_is_not_tls_and_old_tls_when_it_sees_them() {
    let root = Authority::root("root");
    let old: &[u8] = &hex(concat!(
        "16030100310100002d0302",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "000004002f00350100000000"
    ));
    let table: [(&[u8], &str); 3] = [(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "not-tls"), (old, "protocol-version"), (b"", "closed")];
    for (bytes, code) in table {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(bytes).unwrap();
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        let failure = tls::accept(theirs, &server(&root, None, &Settings::default())).err().unwrap().0;
        let error = refusal::server_side(&failure);
        readable(&error);
        assert_eq!(error.code, code, "{failure:?}");
    }
}

/// What the server's log says that it sent is what the client received: here in the clear, before there are keys.
#[test]
fn the_alert_that_is_named_is_the_one_that_went_out() {
    let root = Authority::root("root");
    let hello = |version: &str, suites: &str| {
        let body = format!("{version}{}00{:04x}{suites}0100", "00".repeat(32), suites.len() / 2);
        let handshake = format!("01{:06x}{body}", body.len() / 2);
        hex(&format!("160301{:04x}{handshake}", handshake.len() / 2))
    };
    let bytes: [Vec<u8>; 5] = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), // no record
        hello("0302", "002f"),                                 // TLS 1.1
        hello("0303", "1301"),                                 // 1.2, and without an extension
        hex("16030100050100000103"),                           // a hello that breaks off
        hex("14030300020101"),                                 // out of turn
    ];
    for bytes in bytes {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&bytes).unwrap();
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        let (failure, stream) = tls::accept(theirs, &server(&root, None, &Settings::default())).err().unwrap();
        drop(stream);
        let mut came = Vec::new();
        ours.read_to_end(&mut came).unwrap();
        let received = if let [0x15, _, _, 0, 2, 2, alert] = came[..] { Some(alert) } else { None };
        let error = refusal::server_side(&failure);
        assert_eq!(refusal::told(&error)["error"]["alert_sent"].as_u64(), received.map(u64::from), "{bytes:02x?}: {came:02x?} {failure:?}");
    }
}

/// And so for the client's: sealed by then, but the server can open it.
#[test]
fn the_client_names_the_alert_that_the_server_received() {
    let (root, other) = (Authority::root("root"), Authority::root("Other Root"));
    let old = root.leaf_with(&["localhost"], |params| (params.not_before, params.not_after) = (days(-9), days(-2)));
    let usage = root.leaf_with(&["localhost"], |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    for who in [other.leaf(&["localhost"]), root.leaf(&["wrong.test"]), old, usage, self_signed(&["localhost"], |_| {})] {
        let Ends { client, presented, server, .. } = handshake(&who, &root.trusted(), "localhost");
        let said = explained(&client.err().unwrap(), &presented, &root.trusted(), "localhost");
        let Failure::Tls(rustls::Error::AlertReceived(alert)) = server.err().unwrap() else { panic!("no alert: {said:?}") };
        assert_eq!(refusal::told(&said)["error"]["alert_sent"], u8::from(alert), "{said:?}");
    }
}

#[test]
fn an_address_of_ipv6_is_told_of_the_one_where_the_lab_listens() {
    let refused = |at: &str| refusal::cannot_connect(&std::io::ErrorKind::ConnectionRefused.into(), at.parse().unwrap());
    assert!(refused("[::1]:1234").hint.contains("ask for localhost") && !refused("127.0.0.1:1234").hint.contains("::1"));
}

#[test]
fn streams_that_break_have_their_own_statuses() {
    use std::io::{Error as Io, ErrorKind};
    let at = "127.0.0.1:1".parse().unwrap();
    let refused = refusal::cannot_connect(&ErrorKind::ConnectionRefused.into(), at);
    assert_eq!((refused.exit, refused.cause.as_str()), (7, "nobody listens at 127.0.0.1:1"));
    assert_eq!(refusal::cannot_connect(&ErrorKind::TimedOut.into(), at).exit, 28);
    assert_eq!(refusal::cannot_connect(&Io::from_raw_os_error(101), at).exit, 7);
    assert_eq!(refusal::cannot_resolve("nowhere.invalid").exit, 6);
    let reset = refusal::client_session(&Failure::Io(ErrorKind::ConnectionReset.into()));
    assert_eq!((reset.code, reset.exit), ("reset", 56));
    let cut = refusal::client_session(&Failure::Io(ErrorKind::UnexpectedEof.into()));
    assert_eq!((cut.code, cut.exit), ("closed", 56));
    assert_eq!(
        refusal::server_session(&Failure::Io(ErrorKind::UnexpectedEof.into())).cause,
        "the client closed in the middle of the session, without a word"
    );
}

/// Each alert that TLS has can be received by either side: never a bare number, never a panic.
#[test]
fn every_alert_has_words() {
    for number in 0..=255u8 {
        let failure = Failure::Tls(rustls::Error::AlertReceived(number.into()));
        let on_client = explained(&failure, &Presented::default(), &Trust::web(), "localhost");
        let on_server = refusal::server_side(&failure);
        readable(&on_server);
        assert_eq!((on_client.exit, on_server.exit), (35, 35));
        assert!(on_client.cause.contains(&format!("alert {number}")));
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
