//! The key schedule, beside the RFC's worked examples and the key logs of real sessions.

use crate::common::pki::Authority;
use crate::lab::{Vectors, client, handshake, overheard};
use padlock::tls::{self, Settings};
use padlock::wire::{Illustration, Known, Schedule, Speaker, Suite, Transcript};

const SHA256: u16 = 0x1301;

fn transcript(values: &Vectors, messages: &[(Speaker, &str)]) -> Transcript {
    let mut transcript = Transcript::default();
    messages.iter().for_each(|(speaker, name)| transcript.add(*speaker, values.get(name)));
    transcript
}

#[test]
fn every_secret_of_rfc_8448_simple_1_rtt_is_derived_as_it_is_printed_there() {
    use Speaker::{Client, Server};
    let values = Vectors::load();
    let messages = [
        (Client, "simple client_hello"),
        (Server, "simple server_hello"),
        (Server, "simple encrypted_extensions"),
        (Server, "simple certificate"),
        (Server, "simple certificate_verify"),
        (Server, "simple server_finished"),
        (Client, "simple client_finished"),
    ];
    let transcript = transcript(&values, &messages);
    let suite = Suite::of(SHA256).unwrap();
    let known = Known { shared: Some(values.get("simple shared").to_vec()), ..Known::default() };
    let schedule = Schedule::of(suite, false, &known, &transcript);
    assert_eq!(schedule.early.as_deref().unwrap(), values.get("simple early"));
    assert_eq!(schedule.handshake.as_deref().unwrap(), values.get("simple handshake"));
    assert_eq!(schedule.main.as_deref().unwrap(), values.get("simple main"));
    for secret in &schedule.secrets {
        assert_eq!(secret.value().unwrap(), values.get(&format!("simple {}", secret.label)), "{}", secret.label);
    }
    for (label, name) in [("s hs traffic", "server_handshake"), ("s ap traffic", "server_application")] {
        let keys = suite.keys(schedule.secret(label).unwrap()).unwrap();
        assert_eq!(keys.key, values.get(&format!("simple {name}_key")));
        assert_eq!(keys.iv, values.get(&format!("simple {name}_iv")));
    }
    for (label, before, said) in [
        ("s hs traffic", &transcript.before_server_finished, "simple server_finished"),
        ("c hs traffic", &transcript.before_client_finished, "simple client_finished"),
    ] {
        let verify_data = suite.verify_data(schedule.secret(label).unwrap(), before.as_ref().unwrap()).unwrap();
        assert_eq!(verify_data, values.get(said)[4..], "{said}");
    }
    let finished_key = suite.expand_label(schedule.secret("s hs traffic").unwrap(), "finished", &[], 32).unwrap();
    assert_eq!(finished_key, values.get("simple server_finished_key"));
}

#[test]
fn every_secret_of_rfc_8448_resumed_is_derived_as_it_is_printed_there() {
    let values = Vectors::load();
    let suite = Suite::of(SHA256).unwrap();
    // The ticket of the simple example has the nonce 00 00.
    let psk = suite.ticket_psk(values.get("simple res master"), &[0, 0]).unwrap();
    assert_eq!(psk, values.get("resumed psk"));

    let hello = values.get("resumed client_hello");
    let binder_key = suite.derive(values.get("resumed early"), "res binder", &suite.hash(&[])).unwrap();
    let up_to_the_binders = &hello[..hello.len() - 2 - 1 - 32];
    assert_eq!(suite.verify_data(&binder_key, &suite.hash(up_to_the_binders)).unwrap(), values.get("resumed binder"));

    let transcript = transcript(&values, &[(Speaker::Client, "resumed client_hello"), (Speaker::Server, "resumed server_hello")]);
    let known = Known { shared: Some(values.get("resumed shared").to_vec()), psk: Some(psk), ..Known::default() };
    let schedule = Schedule::of(suite, true, &known, &transcript);
    assert_eq!(schedule.early.as_deref().unwrap(), values.get("resumed early"));
    assert_eq!(schedule.handshake.as_deref().unwrap(), values.get("resumed handshake"));
    assert_eq!(schedule.main.as_deref().unwrap(), values.get("resumed main"));
    for label in ["c hs traffic", "s hs traffic"] {
        assert_eq!(schedule.secret(label).unwrap(), values.get(&format!("resumed {label}")), "{label}");
    }
}

#[test]
fn what_we_derive_of_a_real_session_is_what_its_key_log_says() {
    let root = Authority::root("root");
    let server = tls::server(&root.leaf(&["localhost"]), None, &overheard()).unwrap();
    let recorded = handshake(&server, &client(&root.trusted()));
    for told in [recorded.told(), recorded.told_by_server()] {
        let verified: Vec<_> = told.items().filter_map(|(speaker, item)| item.verified.map(|good| (speaker, good))).collect();
        assert_eq!(verified, [(Speaker::Server, true), (Speaker::Client, true)]);
        let schedule = told.schedule.unwrap();
        assert_eq!(schedule.shared.unwrap().len(), 64, "32 bytes of ML-KEM-768, 32 of X25519");
        let agrees: Vec<_> = schedule.secrets.iter().map(|secret| secret.agrees()).collect();
        assert_eq!(agrees, [Some(true), Some(true), Some(true), Some(true), Some(true), None], "no key log holds the last one");
    }
}

#[test]
fn the_psk_of_a_resumed_session_is_derived_from_the_session_that_gave_the_ticket_out() {
    let root = Authority::root("root");
    let server = tls::server(&root.leaf(&["localhost"]), None, &overheard()).unwrap();
    let config = client(&root.trusted());
    let first = handshake(&server, &config).told();
    let mut second = handshake(&server, &config).client.kept().unwrap();
    assert_eq!(Illustration::of(&second).schedule.unwrap().early, None, "without the PSK the schedule has no beginning");
    second.resume_with(&first.tickets());
    let schedule = Illustration::of(&second).schedule.unwrap();
    assert!(schedule.resumed);
    assert!(schedule.secrets.iter().take(5).all(|secret| secret.agrees() == Some(true)), "{schedule:?}");
}

#[test]
fn a_session_that_may_not_be_overheard_tells_no_shared_secret() {
    let root = Authority::root("root");
    let server = tls::server(&root.leaf(&["localhost"]), None, &Settings::default()).unwrap();
    let told = handshake(&server, &client(&root.trusted())).told_by_server();
    let schedule = told.schedule.unwrap();
    assert_eq!((schedule.shared, schedule.handshake), (None, None));
    assert!(schedule.secrets[0].value().is_some(), "the key log's secrets are there all the same");
}
