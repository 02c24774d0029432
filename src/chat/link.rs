//! A TLS session in which both sides may speak at any time: messages in frames, in both directions at once.
//!
//! As in [`mailbox`](crate::mailbox), whoever has something to say seals it and sends it, and one thread listens outside any lock.

use super::frame::{Frames, frame};
use crate::mailbox::Outbox;
use crate::tls::{self, Failure, Tls};
use crate::wire::Socket;
use crate::{
    listener::{Stream, farewell},
    refusal,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;
use rustls::Connection;
use rustls::pki_types::CertificateDer;
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A record and its frame.
const PIECE: usize = 16 * 1024 + 512;
/// So many bytes may wait for a peer that is not waited for. The kernel holds about as much again.
const QUEUE: usize = 256 * 1024;
/// A peer that takes nothing for so long is gone.
const TAKE_WITHIN: Duration = Duration::from_secs(20);
/// A host that vanished without a word is noticed: asked after so long, every so often, so many times (TCP keep-alive).
const ASK_AFTER: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_secs(5);
const ASK_TIMES: u32 = 3;

/// One conversation. Any thread may speak; one listens.
pub struct Link {
    socket: Socket,
    state: Mutex<State>,
    /// The peer's certificates, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
}

struct State {
    session: Connection,
    /// Sealed, and not taken by the socket yet.
    outbox: Outbox,
    /// A thread made for that waits for room on the socket.
    draining: bool,
    /// Why we hung up, for the thread that listens.
    ended: Option<Ended>,
}

/// How a conversation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The peer said close_notify.
    Closed,
    /// We hung up, for this reason.
    HungUp(String),
    /// What came was no message.
    Refused(&'static str),
    /// The connection broke: a sentence of [`refusal`].
    Lost(String),
}

impl Link {
    /// Takes over when the handshake is over.
    pub fn new(tls: Tls<Stream>) -> Arc<Link> {
        let Tls { session, stream } = tls;
        let chain = session.peer_certificates().map(<[_]>::to_vec).unwrap_or_default();
        let socket = stream.into_socket();
        // Not asked for often enough to be refused; if it is, a vanished host is noticed by the next message to it.
        let _ = watch_over(&socket);
        Arc::new(Link { socket, state: Mutex::new(State { session, outbox: Outbox::default(), draining: false, ended: None }), chain })
    }

    /// Hands each message to `on`, until the conversation is over. What came before the peer ended it is heard; when we hang up,
    /// nothing more is.
    pub fn listen<M: DeserializeOwned>(&self, mut on: impl FnMut(M)) -> Ended {
        let (mut frames, mut piece) = (Frames::default(), vec![0; PIECE]);
        let mut bytes: &[u8] = &[]; // the handshake may have brought more than itself
        let ended = loop {
            match self.hear(bytes, &mut frames, &mut on) {
                Ok(false) => {}
                Ok(true) => break Ended::Closed,
                Err(ended) => break ended,
            }
            bytes = loop {
                match self.socket.receive(&mut piece) {
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Ok(n) => break &piece[..n],
                    Err(_) => break &[],
                }
            };
            if bytes.is_empty() {
                break self.lost(&Failure::Io(ErrorKind::UnexpectedEof.into()));
            }
        };
        let mut state = self.state();
        state.session.send_close_notify();
        let _ = state.send(&self.socket);
        let ended = state.ended.take().unwrap_or(ended);
        drop(state);
        farewell(&self.socket); // or our last words may be lost with what we have not read
        let _ = self.socket.shutdown(Shutdown::Both);
        ended
    }

    /// Says something, and waits until it is on its way. For a thread that may wait: one where somebody types, say.
    ///
    /// # Errors
    /// The conversation is over.
    pub fn say(&self, message: &impl Serialize) -> io::Result<()> {
        self.seal(message)?;
        self.drain()
    }

    /// Says something without waiting for anybody. What the socket does not take now is sent by a thread made for that, and a
    /// peer that lets too much lie is hung up on.
    ///
    /// # Errors
    /// The conversation is over.
    pub fn post(self: &Arc<Self>, message: &impl Serialize) -> io::Result<()> {
        self.seal(message)?;
        let mut state = self.state();
        state.send(&self.socket)?;
        let (waits, too_much) = (!state.outbox.is_empty(), state.outbox.len() > QUEUE);
        let others_drain = std::mem::replace(&mut state.draining, waits);
        drop(state);
        if too_much {
            self.hang_up("it reads nothing");
        } else if waits && !others_drain {
            let this = self.clone();
            thread::Builder::new().name("chat".into()).spawn(move || this.drain())?;
        }
        Ok(())
    }

    /// Waits, outside the lock, until the socket has taken all.
    fn drain(&self) -> io::Result<()> {
        let patience = Timespec::try_from(TAKE_WITHIN).ok();
        loop {
            let mut state = self.state();
            state.send(&self.socket)?;
            if state.outbox.is_empty() {
                state.draining = false;
                return Ok(());
            }
            drop(state);
            if poll(&mut [PollFd::new(&*self.socket.stream, PollFlags::OUT)], patience.as_ref())? == 0 {
                self.hang_up("it takes nothing");
                return Err(ErrorKind::TimedOut.into());
            }
        }
    }

    /// Ends the conversation: what was said before still goes out, as far as the socket takes it. [`Link::listen`] returns.
    pub fn hang_up(&self, why: &str) {
        let mut state = self.state();
        state.ended.get_or_insert_with(|| Ended::HungUp(why.to_owned()));
        state.session.send_close_notify();
        let _ = state.send(&self.socket);
        drop(state);
        let _ = self.socket.shutdown(Shutdown::Read); // wakes the thread that listens
    }

    fn seal(&self, message: &impl Serialize) -> io::Result<()> {
        let mut state = self.state();
        if state.ended.is_some() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        state.session.writer().write_all(&frame(message))
    }

    /// Opens what has arrived, message by message. Whether the peer has said that it is done.
    fn hear<M: DeserializeOwned>(&self, bytes: &[u8], frames: &mut Frames, on: &mut impl FnMut(M)) -> Result<bool, Ended> {
        let opened = self.state().open(bytes, &self.socket);
        let (plain, over) = opened.map_err(|failure| self.lost(&failure))?;
        frames.keep(&plain);
        while let Some(message) = frames.ready().map_err(Ended::Refused)? {
            if self.state().ended.is_some() {
                return Ok(true); // whom we hung up on has said enough, whatever of it is here already
            }
            on(message);
        }
        if over && frames.is_inside() { Err(Ended::Refused("the last message was cut short")) } else { Ok(over) }
    }

    /// Told from our side: whoever called is the client.
    fn lost(&self, failure: &Failure) -> Ended {
        let client = matches!(self.state().session, Connection::Client(_));
        Ended::Lost(if client { refusal::client_session(failure) } else { refusal::server_session(failure) }.cause)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is in these records, and whether the peer has ended the session.
    fn open(&mut self, bytes: &[u8], socket: &Socket) -> Result<(Vec<u8>, bool), Failure> {
        tls::open(&mut self.session, bytes).inspect_err(|_| drop(self.send(socket))) // the alert about it
    }

    /// Sends what is sealed, as far as the socket takes it.
    fn send(&mut self, socket: &Socket) -> io::Result<()> {
        while self.session.wants_write() {
            let mut sealed = Vec::new();
            self.session.write_tls(&mut sealed)?;
            self.outbox.add(&sealed);
        }
        self.outbox.send(socket)
    }
}

fn watch_over(socket: &Socket) -> io::Result<()> {
    let socket = &*socket.stream;
    socket.set_read_timeout(None)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, ASK_AFTER)?;
    sockopt::set_tcp_keepintvl(socket, ASK_EVERY)?;
    sockopt::set_tcp_keepcnt(socket, ASK_TIMES)?;
    Ok(())
}
