//! The load: a few threads with blocking clients. They cost more than the server, which spoils the operations per second,
//! but not the server's CPU time per operation.

use crate::{
    line::{self, Line, Question},
    process::{Kind, Lab, Process},
};
use padlock::trust::Presented;
use rustls::{
    ClientConfig, ConfigBuilder, HandshakeKind,
    client::{Resumption, WantsClientCert},
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
    version::TLS13,
};
use std::{
    io,
    sync::{Arc, Barrier, Once},
    thread,
    time::{Duration, Instant},
};

/// How long one server works at one row before it is the next one's turn.
const TURN: Duration = Duration::from_millis(400);
/// Threads of the generator.
const THREADS: usize = 2;
/// Messages said in the room before all are heard.
const IN_A_ROW: usize = 4;

#[derive(Clone, Copy)]
pub enum Work {
    /// Connect, shake hands, part.
    Handshake { group: Group, resumed: bool },
    /// A message there and back.
    Echo { size: usize, connections: usize },
    /// One speaks, all hear; an operation is one delivery.
    Room { size: usize, listeners: usize },
    /// A page over connections that stay open.
    Get { size: usize, connections: usize },
    /// Nothing but being there.
    Idle { connections: usize },
}

#[derive(Clone, Copy)]
pub enum Group {
    Hybrid,
    X25519,
}

/// What a server did, and what it took.
#[derive(Clone, Copy, Default)]
pub struct Sample {
    pub done: u64,
    pub failed: u64,
    pub time: Duration,
    pub cpu: Duration,
    /// KiB per connection; of an idle row only.
    pub memory: f64,
}

impl Sample {
    pub fn add(&mut self, other: &Sample) {
        self.count(other);
        self.time += other.time;
        self.cpu += other.cpu;
    }

    fn count(&mut self, other: &Sample) {
        self.done += other.done;
        self.failed += other.failed;
    }

    pub fn of(result: io::Result<()>) -> Sample {
        match result {
            Ok(()) => Sample { done: 1, ..Sample::default() },
            Err(e) => {
                static FIRST: Once = Once::new(); // the others tend to say the same
                FIRST.call_once(|| eprintln!("bench: an operation failed: {e}"));
                Sample { failed: 1, ..Sample::default() }
            }
        }
    }
}

/// Some operations, done whenever it is called. What it holds open stays open until it is dropped.
pub type Batch<'a> = Box<dyn FnMut() -> Sample + Send + 'a>;

/// One turn of one server.
pub fn work(server: &Process, lab: &Lab, work: Work) -> Sample {
    match work {
        Work::Handshake { group, resumed } => turn(server, THREADS, || handshakes(server, config(lab, group, resumed), group, resumed)),
        Work::Echo { size, connections } => turn(server, THREADS, || asks(server, lab, Question::echo(size), connections / THREADS)),
        Work::Get { size, connections } => turn(server, THREADS, || asks(server, lab, Question::get(size), connections / THREADS)),
        Work::Room { size, listeners } => turn(server, 1, || speaks(server, lab, Question::room(size), listeners)),
        Work::Idle { connections } => idle(server, lab, connections),
    }
}

/// Memory that each of many connections takes after one message. The server has to be a fresh one.
pub fn idle(server: &Process, lab: &Lab, connections: usize) -> Sample {
    let (config, question) = (config(lab, Group::Hybrid, false), Question::echo(32));
    let before = server.memory();
    let mut lines = Vec::new();
    let mut sample = Sample::default();
    for _ in 0..connections {
        let opened = Line::open(server, &config, &question).and_then(|mut line| {
            line.ask(&question)?;
            line.answer(&question)?;
            lines.push(line);
            Ok(())
        });
        sample.count(&Sample::of(opened));
    }
    sample.memory = server.memory().saturating_sub(before) as f64 / connections as f64;
    sample
}

/// Prepares on each thread, then works for a [`TURN`], and looks at the server's clock before and after that.
pub fn turn<'a>(server: &Process, threads: usize, prepare: impl Fn() -> Batch<'a> + Sync) -> Sample {
    let (ready, go) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let job = || {
        let mut batch = prepare();
        let mut sample = Sample { failed: batch().failed, ..Sample::default() }; // the first one warms up
        ready.wait();
        go.wait();
        let start = Instant::now();
        while start.elapsed() < TURN {
            let now = batch();
            sample.count(&now);
            if now.failed > 0 || now.done == 0 {
                break;
            }
        }
        (sample, batch)
    };
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..threads).map(|_| scope.spawn(job)).collect();
        ready.wait();
        let (start, before) = (Instant::now(), server.cpu());
        go.wait();
        let results: Vec<_> = jobs.into_iter().map(|job| job.join().unwrap()).collect();
        let mut sample = Sample { time: start.elapsed(), cpu: server.cpu().since(&before), ..Sample::default() };
        results.iter().for_each(|(part, _)| sample.count(part));
        sample
    })
}

fn handshakes(server: &Process, config: Arc<ClientConfig>, group: Group, resumed: bool) -> Batch<'_> {
    let mut warm = false; // the first one can't resume anything
    Box::new(move || {
        let wanted = if resumed && warm { HandshakeKind::Resumed } else { HandshakeKind::Full };
        warm = true;
        Sample::of(handshake(server, &config, group, wanted))
    })
}

fn handshake(server: &Process, config: &Arc<ClientConfig>, group: Group, wanted: HandshakeKind) -> io::Result<()> {
    let stream = line::connect(server.web)?;
    if server.kind == Kind::Raw {
        stream.shutdown(std::net::Shutdown::Write)?;
        return io::copy(&mut &stream, &mut io::sink()).map(drop);
    }
    let tls = line::secure(stream, config)?;
    let kind = tls.session.handshake_kind();
    let agreed = tls.session.negotiated_key_exchange_group().map(|g| g.name());
    line::part(tls)?;
    if kind == Some(wanted) && agreed == Some(group.library().name()) {
        return Ok(());
    }
    Err(io::Error::other(format!("a {kind:?} handshake with {agreed:?}")))
}

/// Asks on all connections, then hears all answers. A connection that has failed is asked no more.
fn asks<'a>(server: &Process, lab: &Lab, question: Question, connections: usize) -> Batch<'a> {
    let config = config(lab, Group::Hybrid, false);
    let (mut lines, mut failed) = (Vec::new(), Sample::default());
    for _ in 0..connections {
        match Line::open(server, &config, &question) {
            Ok(line) => lines.push(line),
            Err(e) => failed.count(&Sample::of(Err(e))),
        }
    }
    Box::new(move || {
        let mut sample = std::mem::take(&mut failed);
        let mut tried = |result: io::Result<()>, asked: bool| {
            let good = result.is_ok();
            if !(asked && good) {
                sample.count(&Sample::of(result));
            }
            good
        };
        lines.retain_mut(|line| tried(line.ask(&question), true));
        lines.retain_mut(|line| tried(line.answer(&question), false));
        sample
    })
}

/// The first says some, everybody hears it.
fn speaks<'a>(server: &Process, lab: &Lab, question: Question, listeners: usize) -> Batch<'a> {
    let mut gathered = gather(server, lab, &question, listeners);
    Box::new(move || {
        let mut sample = Sample::default();
        let heard = match &mut gathered {
            Ok(lines) => say_and_hear(lines, &question, &mut sample),
            Err(e) => Err(io::Error::new(e.kind(), e.to_string())),
        };
        if heard.is_err() {
            sample.count(&Sample::of(heard));
        }
        sample
    })
}

fn say_and_hear(lines: &mut [Line], question: &Question, sample: &mut Sample) -> io::Result<()> {
    (0..IN_A_ROW).try_for_each(|_| lines[0].ask(question))?;
    for line in lines {
        (0..IN_A_ROW).try_for_each(|_| line.answer(question))?;
        sample.done += IN_A_ROW as u64;
    }
    Ok(())
}

/// Listeners that certainly are in the room. Whoever hears itself is; so each speaks before the next one comes, and
/// in the end hears those who came later.
fn gather(server: &Process, lab: &Lab, question: &Question, listeners: usize) -> io::Result<Vec<Line>> {
    let config = config(lab, Group::Hybrid, false);
    let mut lines = Vec::new();
    for _ in 0..listeners {
        let mut line = Line::open(server, &config, question)?;
        line.ask(question)?;
        line.answer(question)?;
        lines.push(line);
    }
    for (place, line) in lines.iter_mut().enumerate() {
        (place + 1..listeners).try_for_each(|_| line.answer(question))?;
    }
    Ok(lines)
}

/// A client that offers one group, so that it is certain which is measured.
fn config(lab: &Lab, group: Group, resumed: bool) -> Arc<ClientConfig> {
    let mut config = builder(lab, group).with_no_client_auth();
    if !resumed {
        config.resumption = Resumption::disabled();
    }
    Arc::new(config)
}

/// The same, as long as it may still get a certificate of its own.
pub fn builder(lab: &Lab, group: Group) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let provider = CryptoProvider { kx_groups: vec![group.library()], ..aws_lc_rs::default_provider() };
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous() // rustls' word for a verifier given by hand: this one judges as any client's
        .with_custom_certificate_verifier(lab.trust.judge_servers(Presented::default()).unwrap())
}

impl Group {
    fn library(self) -> &'static dyn SupportedKxGroup {
        match self {
            Group::Hybrid => aws_lc_rs::kx_group::X25519MLKEM768,
            Group::X25519 => aws_lc_rs::kx_group::X25519,
        }
    }
}
