//! Handshakes in memory, recorded, and the RFC's worked examples.

use crate::common::checkout;
use padlock::tls::{self, Failure, Settings, Tls};
use padlock::trust::{Presented, Trust};
use padlock::wire::{Illustration, Recording, Speaker, Tap};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

pub fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The values of RFC 8448: `simple early` and so on.
pub struct Vectors(HashMap<String, Vec<u8>>);

impl Vectors {
    pub fn load() -> Vectors {
        let text = fs::read_to_string(checkout().join("tests/vectors/rfc8448.txt")).unwrap();
        let mut values: HashMap<String, Vec<u8>> = HashMap::new();
        let mut name = String::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix(' ') {
                Some(bytes) => values.entry(name.clone()).or_default().extend(hex(bytes)),
                None => name = line.into(),
            }
        }
        Vectors(values)
    }

    pub fn get(&self, name: &str) -> &[u8] {
        self.0.get(name).unwrap_or_else(|| panic!("no {name}"))
    }
}

/// What both sides recorded of a handshake, of `said` from the client, and of its end.
pub struct Recorded {
    pub client: Arc<Recording>,
    pub server: Arc<Recording>,
    pub ended: Result<(), Failure>,
}

impl Recorded {
    pub fn told(&self) -> Illustration {
        Illustration::of(&self.client.kept().unwrap())
    }

    pub fn told_by_server(&self) -> Illustration {
        Illustration::of(&self.server.kept().unwrap())
    }
}

/// A handshake over a pair of sockets, each side recorded.
pub fn handshake(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>) -> Recorded {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut ours, mut theirs) = (Tap::new(ours), Tap::new(theirs));
    let (at_client, at_server) = (Recording::new(Speaker::Client), Recording::new(Speaker::Server));
    ours.watch(at_client.clone());
    theirs.watch(at_server.clone());
    let (mut client, mut server) = (ClientConfig::clone(client), ServerConfig::clone(server));
    (client.key_log, server.key_log) = (at_client.clone(), at_server.clone());
    let recording = at_server.clone();
    let serving = std::thread::spawn(move || {
        let (accepted, shared) = tls::overhear(|| tls::accept(theirs, &Arc::new(server)));
        recording.shared(shared);
        if let Ok(session) = accepted {
            goodbye(session);
        }
    });
    let (connected, shared) = tls::overhear(|| tls::connect(ours, ServerName::try_from("localhost").unwrap(), &Arc::new(client)));
    at_client.shared(shared);
    let ended = match connected {
        Ok(session) => {
            goodbye(session);
            Ok(())
        }
        Err((failure, _)) => Err(failure),
    };
    serving.join().unwrap();
    Recorded { client: at_client, server: at_server, ended }
}

fn goodbye<S: Read + Write>(mut session: Tls<S>) {
    let _ = session.close();
    let _ = session.read(&mut [0; 16]);
}

pub fn overheard() -> Settings {
    Settings { overheard: true, ..Settings::default() }
}

pub fn client(trust: &Trust) -> Arc<ClientConfig> {
    tls::client(None, trust, Presented::default(), &overheard()).unwrap()
}

/// The names of all that passed, in order: `>` is the client's, `*` was sealed.
pub fn names(told: &Illustration) -> Vec<String> {
    let mut names = Vec::new();
    for record in &told.records {
        for item in &record.items {
            let arrow = if record.speaker == Speaker::Client { '>' } else { '<' };
            names.push(format!("{arrow} {}{}", item.about.name, if record.sealed.is_some() { " *" } else { "" }));
        }
    }
    names
}
