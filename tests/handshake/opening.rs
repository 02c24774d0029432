//! Records that rustls sealed, opened by ours.

use crate::common::pki::Authority;
use padlock::tls::{self, Settings};
use padlock::trust::{Presented, Trust};
use padlock::wire::{Inside, Seen, Session, Speaker};
use proptest::prelude::*;
use rustls::pki_types::ServerName;
use rustls::{CipherSuite, ClientConfig, Connection, KeyLog, ServerConfig};
use std::io::{Read, Write};
use std::sync::{Arc, LazyLock, Mutex};

const SUITES: [CipherSuite; 3] =
    [CipherSuite::TLS13_AES_128_GCM_SHA256, CipherSuite::TLS13_AES_256_GCM_SHA384, CipherSuite::TLS13_CHACHA20_POLY1305_SHA256];

#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<(String, Vec<u8>)>>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        self.0.lock().unwrap().push((label.into(), secret.into()));
    }
}

static CONFIGS: LazyLock<(Arc<ServerConfig>, Trust)> = LazyLock::new(|| {
    let root = Authority::root("root");
    (tls::server(&root.leaf(&["localhost"]), None, &Settings::default()).unwrap(), root.trusted())
});

/// A client's config that offers one suite.
fn client(suite: CipherSuite, secrets: &Arc<Secrets>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(&tls::client(None, &CONFIGS.1, Presented::default(), &Settings::default()).unwrap());
    let mut provider = rustls::crypto::CryptoProvider::clone(config.crypto_provider());
    provider.cipher_suites.retain(|known| known.suite() == suite);
    let trust = CONFIGS.1.judge_servers(Presented::default()).unwrap();
    config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(trust)
        .with_no_client_auth();
    config.key_log = secrets.clone();
    Arc::new(config)
}

/// Two ends in memory, and all that passed between them.
struct Ends {
    client: Connection,
    server: Connection,
    passed: Vec<(Speaker, Vec<u8>)>,
}

impl Ends {
    fn flow(&mut self) {
        while self.client.wants_write() || self.server.wants_write() {
            for speaker in [Speaker::Client, Speaker::Server] {
                let (from, to) = match speaker {
                    Speaker::Client => (&mut self.client, &mut self.server),
                    Speaker::Server => (&mut self.server, &mut self.client),
                };
                let mut bytes = Vec::new();
                while from.wants_write() {
                    from.write_tls(&mut bytes).unwrap();
                }
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    to.read_tls(&mut rest).unwrap();
                    to.process_new_packets().unwrap();
                    let _ = to.reader().read_to_end(&mut Vec::new());
                }
                self.passed.push((speaker, bytes));
            }
        }
    }
}

fn data(seen: &[Seen], speaker: Speaker) -> Vec<u8> {
    let pieces = seen.iter().filter(|seen| seen.speaker == speaker).map(|seen| match &seen.inside {
        Inside::Data(data) => data.as_slice(),
        _ => &[],
    });
    pieces.collect::<Vec<_>>().concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_rustls_seals_with_any_suite_we_open_to_the_same(
        suite in prop::sample::select(SUITES.to_vec()),
        said in prop::collection::vec((any::<bool>(), any::<bool>(), prop::collection::vec(any::<u8>(), 1..20_000)), 1..4),
        cut in 1usize..5000,
    ) {
        let secrets = Arc::new(Secrets::default());
        let client = rustls::ClientConnection::new(client(suite, &secrets), ServerName::try_from("localhost").unwrap()).unwrap();
        let server = rustls::ServerConnection::new(CONFIGS.0.clone()).unwrap();
        let mut ends = Ends { client: client.into(), server: server.into(), passed: Vec::new() };
        ends.flow();
        prop_assert_eq!(ends.client.negotiated_cipher_suite().unwrap().suite(), suite);
        let (mut by_client, mut by_server) = (Vec::<u8>::new(), Vec::<u8>::new());
        for (from_client, update, bytes) in &said {
            let (end, all) = if *from_client { (&mut ends.client, &mut by_client) } else { (&mut ends.server, &mut by_server) };
            if *update {
                end.refresh_traffic_keys().unwrap();
            }
            end.writer().write_all(bytes).unwrap();
            all.extend(bytes);
            ends.flow();
        }
        let mut session = Session::default();
        let mut seen = Vec::new();
        for (label, secret) in secrets.0.lock().unwrap().iter() {
            seen.extend(session.secret(label, secret));
        }
        for (speaker, bytes) in &ends.passed {
            bytes.chunks(cut).for_each(|piece| seen.extend(session.bytes(*speaker, piece)));
        }
        prop_assert_eq!(data(&seen, Speaker::Client), by_client);
        prop_assert_eq!(data(&seen, Speaker::Server), by_server);
        prop_assert!(seen.iter().all(|seen| seen.inside != Inside::Dark), "nothing stays closed");
    }

    #[test]
    fn any_bytes_and_any_secrets_are_survived(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..20),
        secret in prop::collection::vec(any::<u8>(), 0..70),
    ) {
        let mut session = Session::default();
        session.secret("SERVER_HANDSHAKE_TRAFFIC_SECRET", &secret);
        for (client, bytes) in pieces {
            session.bytes(if client { Speaker::Client } else { Speaker::Server }, &bytes);
        }
        session.end();
    }
}
