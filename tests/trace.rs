//! The trace of a handshake, beside what really crossed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::pki::{self, Authority};
use padlock::tls::{self, Settings};
use padlock::trust::{Presented, Trust};
use padlock::wire::{Tap, Trace};
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

/// What the client's trace tells of a handshake, one read, and its end.
fn trace(server: Arc<ServerConfig>, trust: &Trust, settings: Settings) -> Vec<String> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = told.clone();
    let trace = Trace::new(None, move |line| teller.lock().unwrap().push(line.to_string()));
    let settings = Settings { key_log: Some(trace.clone()), ..settings };
    let config = tls::client(None, trust, Presented::default(), &settings).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let serving = std::thread::spawn(move || {
        if let Ok(mut session) = tls::accept(theirs, &server) {
            let _ = session.close();
            let _ = session.stream.read(&mut [0; 64]);
        }
    });
    let mut tap = Tap::new(ours);
    tap.watch(trace);
    if let Ok(mut session) = tls::connect(tap, ServerName::try_from("localhost").unwrap(), &config) {
        let _ = session.read(&mut [0; 16]);
        let _ = session.close();
    }
    serving.join().unwrap();
    told.lock().unwrap().clone()
}

fn speaks(protocol: &str) -> Settings {
    Settings { alpn: vec![protocol.into()], ..Settings::default() }
}

#[test]
fn each_message_of_a_handshake_is_told_once_and_in_order() {
    let root = Authority::root("root");
    let intermediate = root.below("intermediate");
    let who = pki::with_chain(intermediate.leaf(&["localhost"]), &[&intermediate]);
    let server = tls::server(&who, None, &speaks("http/1.1")).unwrap();
    let told = trace(server, &root.trusted(), speaks("http/1.1"));
    assert_eq!(
        told,
        [
            "> ClientHello: TLS 1.3, for localhost, speaks http/1.1, key shares X25519MLKEM768 X25519",
            "< ServerHello: TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768",
            "< ChangeCipherSpec: means nothing, old middleboxes expect it",
            "< EncryptedExtensions, sealed: we speak http/1.1",
            "< Certificate, sealed: CN=leaf; then CN=intermediate",
            "< CertificateVerify, sealed: ecdsa_secp256r1_sha256",
            "< Finished, sealed",
            "> ChangeCipherSpec: means nothing, old middleboxes expect it",
            "> Finished, sealed",
            "< NewSessionTicket, sealed",
            "< alert, sealed: close notify (0)",
            "> alert, sealed: close notify (0)",
        ]
    );
}

#[test]
fn a_refusal_shows_the_alert_that_is_sent_about_it() {
    let root = Authority::root("root");
    let server = tls::server(&root.leaf(&["localhost"]), None, &Settings::default()).unwrap();
    let told = trace(server, &Trust::web(), Settings::default());
    assert_eq!(told.last().unwrap(), "> alert, sealed: unknown ca (48)", "{told:?}");
}

#[test]
fn tls_1_2_is_told_as_far_as_it_travels_in_the_clear() {
    let root = Authority::root("root");
    let who = root.leaf(&["localhost"]);
    let mut server = tls::server(&who, None, &Settings { allow_tls12: true, ..Settings::default() }).unwrap();
    let only_old = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS12])
        .with_no_client_auth()
        .with_single_cert(who.chain.clone(), who.key.clone_key())
        .unwrap();
    *Arc::get_mut(&mut server).unwrap() = only_old;
    let told = trace(server, &root.trusted(), Settings { allow_tls12: true, ..Settings::default() });
    let expected = [
        "> ClientHello: TLS 1.2 and TLS 1.3, for localhost, key shares X25519MLKEM768 X25519",
        "< ServerHello: TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "< Certificate: CN=leaf",
        "< ServerKeyExchange",
        "< ServerHelloDone",
        "> ClientKeyExchange",
        "> ChangeCipherSpec: what follows is sealed",
        "> Finished, sealed (TLS 1.2: not opened here)",
        "< ChangeCipherSpec: what follows is sealed",
        "< Finished, sealed (TLS 1.2: not opened here)",
    ];
    let without_ticket: Vec<&str> = told.iter().map(String::as_str).filter(|line| !line.contains("NewSessionTicket")).take(10).collect();
    assert_eq!(without_ticket, expected);
}
