//! An auth service that does what a test wants: answers, is silent, or is gone. Its inner half and its handshake are the real ones.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use padlock::{
    authority::Places,
    certificate::Identity,
    http::{self, Next, Response},
    ticket::Tickets,
    tls::{self, Facts, Settings},
    trust::{ClientAuth, Trust},
};
use rustls::{ServerConfig, pki_types::CertificateDer};
use std::{
    io::Read,
    net::{IpAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// Nobody here is silent for so long but to be cut.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the auth service behaves.
#[derive(Clone, Copy, PartialEq)]
pub enum Mood {
    Answers,
    /// Takes the question, and says nothing.
    Silent,
    /// Takes the question, and hangs up.
    Gone,
}

pub struct Auth {
    pub port: u16,
    tickets: Tickets,
    mood: Mutex<Mood>,
    /// How many questions came.
    pub asked: Mutex<usize>,
    /// The certificate that the last of them was asked with.
    pub asker: Mutex<Option<CertificateDer<'static>>>,
}

#[derive(serde::Deserialize)]
struct Question {
    ticket: String,
    address: IpAddr,
}

impl Auth {
    /// On a port that the system picks, with the certificates of `places`.
    pub fn start(places: &Places) -> Arc<Auth> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let auth = Arc::new(Auth {
            port,
            tickets: Tickets::default(),
            mood: Mutex::new(Mood::Answers),
            asked: Mutex::new(0),
            asker: Mutex::new(None),
        });
        let (chain, key) = places.service("auth");
        let clients = (&Trust::lab(places).unwrap(), ClientAuth::Require);
        let config = tls::server(&Identity::load(&chain, &key).unwrap(), Some(clients), &Settings::default()).unwrap();
        let serving = auth.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (auth, config) = (serving.clone(), config.clone());
                thread::spawn(move || auth.serve(stream, &config));
            }
        });
        auth
    }

    pub fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn ticket(&self, name: &str, address: impl Into<IpAddr>) -> String {
        self.tickets.issue(name, address.into()).unwrap()
    }

    fn serve(&self, stream: TcpStream, config: &Arc<ServerConfig>) -> Option<()> {
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut tls = tls::accept(stream, config).ok()?;
        let mut buffer = Vec::new();
        while let Next::Head(mut head) = http::read_head(&mut tls, &mut buffer).ok()? {
            let body = http::read_body(&mut tls, &mut buffer, &mut head, 1024).ok()?.ok()?;
            let Question { ticket, address } = http::json(&body).ok()?;
            *self.asked.lock().unwrap() += 1;
            *self.asker.lock().unwrap() = Facts::of(&tls.session).peer_chain.into_iter().next();
            let response = match *self.mood.lock().unwrap() {
                Mood::Answers => match self.tickets.redeem(&ticket, address) {
                    Ok(name) => Response::made("application/json", format!("{{\"name\":\"{name}\"}}")),
                    Err(_) => Response::error(404, "refused"),
                },
                Mood::Gone => return None,
                Mood::Silent => Response::new(0),
            };
            if response.status() == 0 {
                let _ = tls.read(&mut [0; 1]); // until the other side has had enough
                return None;
            }
            http::respond(&mut tls, &head, &response).ok()?;
        }
        None
    }
}
