//! Messages field by field.

use crate::common::pki::{self, Authority};
use crate::lab::{Vectors, client, handshake, names};
use padlock::tls::{self, Settings};
use padlock::trust::{ClientAuth, Presented, Trust};
use padlock::wire::{Field, Illustration, explain};
use proptest::prelude::*;
use std::sync::Arc;

/// Fields lie one behind the other and leave nothing out, and so do those inside of one, at its end.
fn covers(fields: &[Field], begin: usize, end: usize) {
    let mut at = begin;
    for field in fields {
        assert_eq!(field.at, at, "{} does not begin where the one before it ends", field.name);
        at += field.length;
        if let Some(first) = field.inside.first() {
            assert!(first.at >= field.at, "{}", field.name);
            covers(&field.inside, first.at, at);
        }
    }
    assert_eq!(at, end);
}

fn find<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find_map(|field| if field.name == name { Some(field) } else { find(&field.inside, name) })
}

#[test]
fn all_bytes_of_the_messages_of_rfc_8448_are_explained() {
    let values = Vectors::load();
    for name in [
        "simple client_hello",
        "simple server_hello",
        "simple encrypted_extensions",
        "simple certificate",
        "simple certificate_verify",
        "simple server_finished",
        "simple new_session_ticket",
        "resumed client_hello",
        "resumed server_hello",
    ] {
        let fields = explain(values.get(name), 0x0304);
        covers(&fields, 0, values.get(name).len());
        assert!(find(&fields, "rest").is_none(), "{name}: {fields:#?}");
    }
    let hello = explain(values.get("simple client_hello"), 0);
    assert_eq!(find(&hello, "host_name").unwrap().says, "server");
    assert_eq!(find(&hello, "supported_versions").unwrap().says, "0x0304 (TLS 1.3)");
    let ticket = explain(values.get("simple new_session_ticket"), 0x0304);
    assert_eq!(find(&ticket, "max_early_data_size").unwrap().says, "1024");
    let resumed = explain(values.get("resumed client_hello"), 0);
    assert_eq!(find(&resumed, "identity").unwrap().says, "178 bytes");
}

proptest! {
    #[test]
    fn any_bytes_are_explained_without_leaving_one_out(kind in 0u8..26, version in prop::sample::select(vec![0u16, 0x0303, 0x0304]), body in prop::collection::vec(any::<u8>(), 0..600)) {
        let length = (body.len() as u32).to_be_bytes();
        let message = [&[kind], &length[1..], &body].concat();
        covers(&explain(&message, version), 0, message.len());
        covers(&explain(&body, version), 0, body.len());
    }

    #[test]
    fn a_hello_with_a_byte_changed_or_cut_off_is_explained_all_the_same(at in 0usize..512, byte: u8, keep in 0usize..513) {
        let mut hello = Vectors::load().get("resumed client_hello").to_vec();
        hello[at] = byte;
        hello.truncate(keep);
        covers(&explain(&hello, 0x0304), 0, hello.len());
    }
}

#[test]
fn a_full_handshake_is_told_message_by_message_with_the_sealed_ones_open() {
    let root = Authority::root("root");
    let server = tls::server(&root.leaf(&["localhost"]), None, &Settings::default()).unwrap();
    let told = handshake(&server, &client(&root.trusted())).told();
    let expected = [
        "> ClientHello",
        "< ServerHello",
        "< ChangeCipherSpec",
        "< EncryptedExtensions *",
        "< Certificate *",
        "< CertificateVerify *",
        "< Finished *",
        "> ChangeCipherSpec",
        "> Finished *",
        "> alert: close notify (0) *",
        "< NewSessionTicket *",
        "< alert: close notify (0) *",
    ];
    assert_eq!(names(&told), expected);
    // The post-quantum key shares, with their group and length in front as the RFC counts them: 1,216 and 1,120 bytes.
    let shares: Vec<usize> = told.items().take(2).map(|(_, item)| find(&item.fields, "key_exchange").unwrap().length - 2).collect();
    assert_eq!(shares, [1216, 1120]);
    assert!(!told.cut);
    let hidden: Vec<String> = told.records.iter().filter(|r| r.items.is_empty()).map(|r| r.about.name.clone()).collect();
    assert_eq!(hidden, Vec::<String>::new(), "some records stayed dark");
}

#[test]
fn a_resumed_handshake_has_no_certificates_and_names_its_ticket() {
    let root = Authority::root("root");
    let server = tls::server(&root.leaf(&["localhost"]), None, &Settings::default()).unwrap();
    let config = client(&root.trusted());
    assert!(!handshake(&server, &config).told().resumed);
    let told = handshake(&server, &config).told();
    assert!(told.resumed);
    assert!(!names(&told).iter().any(|name| name.contains("Certificate")), "{:?}", names(&told));
    let (_, hello) = told.items().next().unwrap();
    assert!(find(&hello.fields, "identity").is_some() && find(&hello.fields, "binder").is_some());
}

#[test]
fn a_client_that_is_asked_shows_its_certificate() {
    let root = Authority::root("root");
    let trust = root.trusted();
    let server = tls::server(&root.leaf(&["localhost"]), Some((&trust, ClientAuth::Require)), &Settings::default()).unwrap();
    let me = root.leaf_with(&["alice.users.test"], |params| params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth]);
    let config = tls::client(Some(&me), &trust, Presented::default(), &Settings::default()).unwrap();
    let told = handshake(&server, &config).told();
    for name in ["< CertificateRequest *", "> Certificate *", "> CertificateVerify *"] {
        assert!(names(&told).contains(&name.to_string()), "{:?}", names(&told));
    }
}

#[test]
fn a_hello_retry_request_is_told_as_such_and_does_not_break_the_transcript() {
    let root = Authority::root("root");
    let mut server = tls::server(&root.leaf(&["localhost"]), None, &Settings::default()).unwrap();
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::SECP384R1];
    let who = root.leaf(&["localhost"]);
    let only_p384 = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(who.chain.clone(), who.key.clone_key())
        .unwrap();
    *Arc::get_mut(&mut server).unwrap() = only_p384;
    let told = handshake(&server, &client(&root.trusted())).told();
    let names = names(&told);
    assert_eq!(names[..2], ["> ClientHello", "< HelloRetryRequest"]);
    assert!(names.contains(&"< ServerHello".to_string()));
    let verified: Vec<bool> = told.items().filter_map(|(_, item)| item.verified).collect();
    assert_eq!(verified, [true, true], "the transcript begins with the hash of the first hello");
    let (_, retry) = told.items().nth(1).unwrap();
    assert_eq!(find(&retry.fields, "selected_group").unwrap().says, "secp384r1");
}

#[test]
fn a_refused_handshake_ends_with_the_alert() {
    let root = Authority::root("root");
    let server = tls::server(&root.leaf(&["localhost"]), None, &Settings::default()).unwrap();
    let recorded = handshake(&server, &client(&Trust::web()));
    assert!(recorded.ended.is_err());
    assert_eq!(names(&recorded.told()).last().unwrap(), "> alert: unknown ca (48) *");
}

#[test]
fn what_is_not_explained_still_has_an_rfc_and_a_line_of_ours() {
    fn linked(fields: &[Field]) {
        for field in fields {
            let known = field.source.is_empty() || padlock::wire::address(field.source).is_some();
            assert!(known, "{}: {:?}", field.name, field.source);
            linked(&field.inside);
        }
    }
    let root = Authority::root("root");
    let who = pki::with_chain(root.leaf(&["localhost"]), &[&root]);
    let server = tls::server(&who, None, &Settings::default()).unwrap();
    let told: Illustration = handshake(&server, &client(&root.trusted())).told();
    for (_, item) in told.items() {
        assert!(padlock::wire::address(item.about.source).is_some() && item.about.code.starts_with("crate::"), "{:?}", item.about);
        linked(&item.fields);
    }
}
