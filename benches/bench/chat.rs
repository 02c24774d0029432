//! The chat: people who log in to the directory, what they cost it while they are there, and two who talk past it.

use crate::{
    line,
    load::{self, Group, Sample},
    process::{Cpu, Kind, Lab, Process},
    table,
};
use padlock::{
    certificate::Identity,
    chat::{Frames, FromDirectory, Link, Peer, ToDirectory, frame, server_name},
    listener::{Stream, prepare},
    tls::{self, Settings, Tls},
    trust::ClientAuth,
};
use rustls::{ClientConfig, client::Resumption};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

pub const LOGINS: &str = "chat: logins X25519";
pub const MESSAGES: &str = "chat: peer to peer, 32 B";
pub const MEMORY: &str = "chat: memory, 100 online";

/// Threads that log in.
const THREADS: usize = 2;
/// A name is free when the directory has noticed that its owner is gone: until then others come.
const NAMES: usize = 16;
const ONLINE: usize = 100;
/// Said before the speaker looks whether all was heard: some are always on their way, never more than the queues take.
const IN_A_ROW: u64 = 256;
/// How long two talk in a round.
const TURN: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(20);

/// Both sides prove who they are; the directory says welcome, and goodbye.
pub fn logins(lab: &Lab, rounds: usize) -> bool {
    let server = Process::start(Kind::Chat, lab);
    let people: Vec<_> = (0..NAMES).map(|n| config(lab, &lab.user(&format!("login-{n}")))).collect();
    let turns = Mutex::new(people.iter().cycle());
    let mut sample = Sample::default();
    for _ in 0..rounds {
        let come_and_go = || {
            let next = turns.lock().unwrap().next();
            Sample::of(log_in(&server, next.unwrap()).and_then(log_out))
        };
        sample.add(&load::turn(&server, THREADS, || Box::new(come_and_go)));
    }
    table::alone(LOGINS, &sample, None);
    sample.failed == 0
}

/// Two peers, whose processes are this one: an operation is a message that was said and heard, and the CPU is that of both.
pub fn messages(lab: &Lab, rounds: usize) -> bool {
    let (alice, bob) = pair(lab);
    let (heard, all) = mpsc::channel();
    let listens = thread::spawn(move || {
        let mut count = 0_u64;
        bob.listen(|message: Peer| {
            count += u64::from(matches!(message, Peer::Text { .. }));
            if count.is_multiple_of(IN_A_ROW) {
                let _ = heard.send(());
            }
        })
    });
    let text = Peer::Text { text: ".".repeat(32), group: None };
    let mut sample = Sample::default();
    for _ in 0..rounds {
        let (start, before) = (Instant::now(), Cpu::own());
        while start.elapsed() < TURN && sample.failed == 0 {
            let said = (0..IN_A_ROW).try_for_each(|_| alice.say(&text));
            match said.and_then(|()| all.recv_timeout(PATIENCE).map_err(io::Error::other)) {
                Ok(()) => sample.done += IN_A_ROW,
                Err(e) => sample.failed += Sample::of(Err(e)).failed,
            }
        }
        sample.time += start.elapsed();
        sample.cpu += Cpu::own().since(&before);
    }
    alice.hang_up("that was all");
    let _ = listens.join();
    table::alone(MESSAGES, &sample, None);
    sample.failed == 0
}

/// Memory that everybody who is online takes in the directory.
pub fn memory(lab: &Lab, _: usize) -> bool {
    let server = Process::start(Kind::Chat, lab);
    let people: Vec<_> = (0..ONLINE).map(|n| config(lab, &lab.user(&format!("online-{n}")))).collect();
    let before = server.memory();
    let sessions: io::Result<Vec<_>> = people.iter().map(|config| log_in(&server, config)).collect();
    let memory = server.memory().saturating_sub(before) as f64 / ONLINE as f64;
    let sample = Sample { memory, ..Sample::of(sessions.as_ref().map(drop).map_err(|e| io::Error::other(e.to_string()))) };
    table::memory(MEMORY, &sample);
    sample.failed == 0
}

fn log_in(server: &Process, config: &Arc<ClientConfig>) -> io::Result<Tls<TcpStream>> {
    let mut tls = line::secure(line::connect(server.web)?, config)?;
    let (mut frames, mut piece) = (Frames::default(), [0; 512]);
    loop {
        match frames.ready().map_err(io::Error::other)? {
            Some(FromDirectory::Welcome { .. }) => return Ok(tls),
            Some(other) => return Err(io::Error::other(format!("no welcome: {other:?}"))),
            None => {}
        }
        match tls.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            n => frames.keep(&piece[..n]),
        }
    }
}

fn log_out(mut tls: Tls<TcpStream>) -> io::Result<()> {
    tls.write_all(&frame(&ToDirectory::Logout {}))?;
    io::copy(&mut tls, &mut io::sink()).map(drop) // the goodbye
}

fn config(lab: &Lab, who: &Identity) -> Arc<ClientConfig> {
    let mut config = load::builder(lab, Group::X25519).with_client_auth_cert(who.chain.clone(), who.key.clone_key()).unwrap();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Alice and Bob, connected as `./client chat` connects them.
fn pair(lab: &Lab) -> (Arc<Link>, Arc<Link>) {
    let (alice, bob) = (lab.user("chat-alice"), lab.user("chat-bob"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let config = tls::server(&bob, Some((&lab.trust, ClientAuth::Require)), &Settings::default()).unwrap();
            tls::accept(stream(listener.accept().unwrap().0), &config).map_err(|(failure, _)| failure).unwrap()
        });
        let config = tls::client(Some(&alice), &lab.trust, Default::default(), &Settings::default()).unwrap();
        let comes = tls::connect(stream(TcpStream::connect(at).unwrap()), server_name("chat-bob").unwrap(), &config);
        (Link::new(comes.map_err(|(failure, _)| failure).unwrap()), Link::new(waits.join().unwrap()))
    })
}

fn stream(socket: TcpStream) -> Stream {
    prepare(&socket).unwrap();
    Stream::new(Arc::new(socket), PATIENCE).unwrap()
}
