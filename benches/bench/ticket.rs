//! Tickets: connections that say who they are, and a room in which everybody has. Rows of their own, since they have other columns.

use crate::{
    auth::Auth,
    line,
    load::{self, Group, Sample},
    process::{Kind, Lab, Process},
    table,
};
use padlock::{tls::Tls, websocket};
use rustls::{ClientConfig, client::Resumption};
use std::{
    io,
    net::{Ipv4Addr, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tungstenite::{
    Message, WebSocket,
    protocol::{Role, WebSocketConfig},
};

pub const CONNECTIONS: &str = "ticket: connections X25519";
pub const ROOM: &str = "ticket: room, 100 hear it";

const LISTENERS: usize = 100;
/// Threads that come with tickets.
const THREADS: usize = 2;
const SAYING: &str = r#"{"msg":"........................"}"#;

/// What the bench says with, and how long each delivery took.
struct Ear {
    sockets: Vec<WebSocket<Tls<TcpStream>>>,
    took: Arc<Mutex<Vec<Duration>>>,
}

/// Connections that show a ticket, which the auth service is asked about: it is a stand-in here, and costs the server nothing.
pub fn connections(lab: &Lab, rounds: usize) -> bool {
    let auth = Auth::start(&lab.places());
    let server = Process::start(Kind::Ticket { auth: auth.port }, lab);
    let config = config(lab);
    let mut sample = Sample::default();
    for _ in 0..rounds {
        let show = || Sample::of(open(&server, &config, &auth, "/").and_then(part));
        sample.add(&load::turn(&server, THREADS, || Box::new(show)));
    }
    table::alone(CONNECTIONS, &sample, None);
    sample.failed == 0
}

/// One says something, all hear it, then again: so each delivery has a time of its own.
pub fn room(lab: &Lab, rounds: usize) -> bool {
    let auth = Auth::start(&lab.places());
    let server = Process::start(Kind::Ticket { auth: auth.port }, lab);
    let (config, took) = (config(lab), Arc::new(Mutex::new(Vec::new())));
    let mut sample = Sample::default();
    for _ in 0..rounds {
        let prepare = || {
            let sockets: io::Result<Vec<_>> = (0..LISTENERS).map(|_| open(&server, &config, &auth, "/room")).collect();
            let mut ear = sockets.map(|sockets| Ear { sockets, took: took.clone() });
            let batch: load::Batch = Box::new(move || match &mut ear {
                Ok(ear) => ear.say_and_hear(),
                Err(e) => Sample::of(Err(io::Error::new(e.kind(), e.to_string()))),
            });
            batch
        };
        sample.add(&load::turn(&server, 1, prepare));
    }
    let mut took = took.lock().unwrap();
    took.sort_unstable();
    table::alone(ROOM, &sample, took.get(took.len() * 99 / 100).copied());
    sample.failed == 0
}

impl Ear {
    fn say_and_hear(&mut self) -> Sample {
        let start = Instant::now();
        let mut took = Vec::with_capacity(LISTENERS);
        let said = self.sockets[0].send(Message::text(SAYING)).map_err(io::Error::other);
        let heard = said.and_then(|()| {
            self.sockets.iter_mut().try_for_each(|socket| {
                hear(socket, "\"msg\"")?;
                took.push(start.elapsed());
                Ok(())
            })
        });
        let mut sample = heard.err().map_or(Sample::default(), |e| Sample::of(Err(e)));
        sample.done += took.len() as u64;
        self.took.lock().unwrap().extend(took);
        sample
    }
}

/// Connects, shows a ticket, and is let in.
fn open(server: &Process, config: &Arc<ClientConfig>, auth: &Auth, path: &str) -> io::Result<WebSocket<Tls<TcpStream>>> {
    let mut tls = line::secure(line::connect(server.web)?, config)?;
    let rest = websocket::connect(&mut tls, "localhost", path, None).map_err(|_| io::Error::other("no WebSocket"))?;
    let small = WebSocketConfig::default().read_buffer_size(4 * 1024);
    let mut socket = WebSocket::from_partially_read(tls, rest, Role::Client, Some(small));
    let ticket = auth.ticket("alice", Ipv4Addr::LOCALHOST);
    socket.send(Message::text(format!("{{\"token\":\"{ticket}\"}}"))).map_err(io::Error::other)?;
    hear(&mut socket, "Successfully authenticated.")?;
    Ok(socket)
}

fn hear(socket: &mut WebSocket<Tls<TcpStream>>, part: &str) -> io::Result<()> {
    let message = socket.read().map_err(io::Error::other)?;
    let good = message.to_text().is_ok_and(|text| text.contains(part));
    if good { Ok(()) } else { Err(io::Error::other("another message than the one expected")) }
}

fn part(mut socket: WebSocket<Tls<TcpStream>>) -> io::Result<()> {
    socket.close(None).map_err(io::Error::other)?;
    while socket.read().is_ok() {}
    Ok(())
}

fn config(lab: &Lab) -> Arc<ClientConfig> {
    let mut config = load::builder(lab, Group::X25519).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}
