mod edge;
mod ending;
mod inbox;
mod keeper;
mod outbox;
mod room;
mod state;

pub use keeper::Deadline;
pub use outbox::Outbox;
pub use room::{Room, Seat};

use crate::{
    listener,
    tls::Failure,
    wire::{Direction, Socket},
};
use inbox::Inbox;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::Connection;
use state::State;
use std::{
    io,
    net::Shutdown,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tungstenite::{
    Message,
    protocol::{CloseFrame, Role, frame::coding::CloseCode},
};

/// The stack of a thread that runs [`Mailbox::listen`]: a handshake needs more, so that is done elsewhere. An idle connection
/// costs little else than its thread.
pub const STACK: usize = if cfg!(debug_assertions) { 512 } else { 64 } * 1024;

/// A peer that said nothing for so many rounds of the keeper, 30 s, is asked whether it is still there (Ping, RFC 6455 5.5.2) …
const PING_AFTER: u32 = 6;
/// … and given up when it says nothing for 10 s more.
const GONE_AFTER: u32 = 8;
/// After our Close, so long for the peer's (RFC 6455 7.1.1), and for our last words to be taken.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// A peer that takes nothing for so long, while something waits for it, is given up.
const TAKE_WITHIN: Duration = Duration::from_secs(30);

/// One WebSocket connection that both listens and speaks.
///
/// One thread runs [`listen`](Mailbox::listen) and waits in recv(2), outside any lock. Any thread may
/// [`post`](Mailbox::post): it seals the message and sends it itself, with a send(2) that never waits. So a message costs no
/// switch to another thread, and nobody waits for anybody else's peer.
pub struct Mailbox {
    socket: Socket,
    /// Held to compute and to send what the socket takes at once; never while waiting.
    state: Mutex<State>,
    /// Signalled when a queue has been drained, or given up.
    drained: Condvar,
    /// Something came since the keeper looked.
    heard: AtomicBool,
}

/// How a conversation ended.
#[derive(Debug)]
pub enum Ended {
    /// Both sides said Close. Carries the peer's frame, if there was anything in it.
    Closed(Option<CloseFrame>),
    /// The peer broke a rule, and was told so with this code.
    Refused(CloseCode, String),
    /// The connection broke without a Close (what a browser reports as 1006).
    Lost(Failure),
    /// The peer did not read, and too much was waiting for it.
    TooSlow,
}

/// The conversation is over: nothing more can be said. [`Mailbox::listen`] returns the reason.
#[derive(Debug)]
pub struct Over;

impl Mailbox {
    /// Takes over after the upgrade: the socket (watched or not), the session around it (`None` for ws://), and the bytes that were read past
    /// the upgrade. Messages longer than `max_message` bytes are refused with 1009.
    pub fn new(socket: impl Into<Socket>, tls: Option<Connection>, role: Role, rest: Vec<u8>, max_message: usize) -> Arc<Mailbox> {
        let state = Mutex::new(State::new(tls, role, rest, max_message));
        Arc::new(Mailbox { socket: socket.into(), state, drained: Condvar::new(), heard: AtomicBool::new(true) })
    }

    /// Hands each message to `on`, answers pings and closes, and returns when the conversation is over and the socket closed.
    pub fn listen(self: &Arc<Self>, mut on: impl FnMut(Message)) -> Ended {
        let _watch = keeper::watch(self);
        let ended = self.conversation(&mut on).unwrap_or_else(|ended| ended);
        self.part(&ended);
        ended
    }

    /// Says something to this peer, from the thread that listens to it, as part of what it says to all that has just arrived: it
    /// leaves when all of that has been heard. Waits while the peer takes nothing, so whoever asks much and reads little slows
    /// down nobody but itself.
    pub fn answer(&self, message: Message) -> Result<(), Over> {
        let mut state = self.state();
        state.say(&self.socket, message)?;
        if state.too_much_waits() { self.drain(state, TAKE_WITHIN) } else { Ok(()) }
    }

    /// Says something to this peer, from a thread that may wait for it: one where somebody types, say.
    pub fn send(&self, message: Message) -> Result<(), Over> {
        let mut state = self.state();
        state.say(&self.socket, message)?;
        state.flush(&self.socket)?;
        if state.waiting() > 0 { self.drain(state, TAKE_WITHIN) } else { Ok(()) }
    }

    /// Says something to this peer, from any thread. Never waits: what the socket does not take is sent by a thread made for
    /// that, and a reader that lets too much wait is told 1013 and dropped.
    pub fn post(self: &Arc<Self>, message: Message) -> Result<(), Over> {
        let mut state = self.state();
        state.say(&self.socket, message)?;
        state.flush(&self.socket)?;
        if state.too_much_waits() {
            state.close(&self.socket, CloseCode::Again, "too slow");
            state.lost.get_or_insert(Ended::TooSlow);
            let _ = self.socket.shutdown(Shutdown::Read); // wakes the thread that listens
        } else if state.waiting() > 0 && !state.draining {
            state.draining = true;
            drop(state);
            self.drain_elsewhere();
        }
        Ok(())
    }

    /// Says Close (RFC 6455 7.1.2). [`listen`](Mailbox::listen) returns when the peer has said it too, or let its time pass.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.state().close(&self.socket, code, reason);
    }

    /// Says Close when `time` has passed, unless the result is dropped before. A time-out on the socket would begin anew with each
    /// byte that comes; this does not.
    #[must_use = "dropping it lifts the deadline"]
    pub fn close_in(self: &Arc<Self>, time: Duration, code: CloseCode, reason: &'static str) -> Deadline {
        keeper::deadline(self, time, code, reason)
    }

    /// From the next message on, longer ones are refused with 1009.
    pub fn limit(&self, max_message: usize) {
        self.state().limit(max_message);
    }

    /// Listens until somebody ends it. Both results are ends: `Err` is the one that `?` takes.
    fn conversation(&self, on: &mut impl FnMut(Message)) -> Result<Ended, Ended> {
        let mut inbox = Inbox::new();
        let _ = self.socket.set_read_timeout(None); // the keeper sees to it that nobody waits for ever
        self.hear(&[], on)?; // what came together with the upgrade
        loop {
            match inbox.receive(&self.socket) {
                Ok([]) => {
                    self.socket.saw(Direction::Received, &[]);
                    return Ok(self.state().end_of_stream(io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(bytes) => {
                    self.socket.saw(Direction::Received, bytes);
                    self.heard.store(true, Ordering::Relaxed);
                    self.hear(bytes, on)?;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Ok(self.state().end_of_stream(e)),
            }
        }
    }

    /// The keeper's round: gives back buffers, asks the silent, gives up the dead.
    fn look_after(&self) {
        let mut state = self.state();
        let overdue = state.closing_since().is_some_and(|time| time > CLOSE_WITHIN); // however much it says instead of Close
        if self.heard.swap(false, Ordering::Relaxed) && !overdue {
            state.silent = 0;
            return;
        }
        state.silent += 1;
        state.give_back();
        if state.silent >= GONE_AFTER || overdue {
            drop(state);
            let _ = self.give_up(Ended::Lost(Failure::Io(io::ErrorKind::TimedOut.into())));
        } else if state.silent == PING_AFTER {
            state.ping(&self.socket);
        }
    }

    /// Hands over what arrived, message by message, outside the lock, and sends the answers together.
    fn hear(&self, mut bytes: &[u8], on: &mut impl FnMut(Message)) -> Result<(), Ended> {
        loop {
            let mut state = self.state();
            let Some(message) = state.next(&self.socket, &mut bytes)? else {
                state.rest();
                // While another thread drains, this one reads on: the peer may be waiting for just that, and takes nothing meanwhile.
                if state.too_much_waits() || (state.waiting() > 0 && !state.draining) {
                    let _ = self.drain(state, TAKE_WITHIN); // given up? then the next recv(2) ends it
                }
                return Ok(());
            };
            drop(state);
            on(message);
        }
    }

    /// The end: last words, close_notify, and time for the peer to read them.
    fn part(&self, ended: &Ended) {
        let mut state = self.state();
        if let Ended::Refused(code, reason) = ended {
            state.close(&self.socket, *code, reason);
        }
        state.farewell(&self.socket);
        let said = state.waiting() == 0 || self.drain(state, CLOSE_WITHIN).is_ok();
        if said && !matches!(ended, Ended::Lost(Failure::Io(_))) {
            listener::farewell(&self.socket);
        }
        let _ = self.socket.shutdown(Shutdown::Both); // also for a thread that still drains
    }

    /// Waits until the queue is empty, doing the work itself unless another thread does it already.
    fn drain(&self, mut state: MutexGuard<'_, State>, patience: Duration) -> Result<(), Over> {
        if state.draining {
            let (state, _) =
                self.drained.wait_timeout_while(state, patience, |state| state.draining).unwrap_or_else(PoisonError::into_inner);
            return if state.waiting() == 0 { Ok(()) } else { Err(Over) };
        }
        state.draining = true;
        drop(state);
        self.drain_here(patience)
    }

    /// A thread that lives until the queue is empty. Only a reader that is slow costs one.
    fn drain_elsewhere(self: &Arc<Self>) {
        let this = self.clone();
        let drain = move || drop(this.drain_here(TAKE_WITHIN));
        if thread::Builder::new().name("mailbox".into()).stack_size(STACK).spawn(drain).is_err() {
            let _ = self.give_up(Ended::TooSlow);
        }
    }

    /// Waits for room outside the lock, fills it inside.
    fn drain_here(&self, patience: Duration) -> Result<(), Over> {
        let patience = Timespec::try_from(patience).ok();
        loop {
            match poll(&mut [PollFd::new(&*self.socket.stream, PollFlags::OUT)], patience.as_ref()) {
                Ok(0) => return self.give_up(Ended::TooSlow),
                Err(e) if e != rustix::io::Errno::INTR => return self.give_up(Ended::Lost(Failure::Io(e.into()))),
                _ => {}
            }
            let mut state = self.state();
            match state.send(&self.socket) {
                Ok(()) if state.waiting() == 0 => {
                    state.draining = false;
                    self.drained.notify_all();
                    return Ok(());
                }
                Ok(()) => {}
                Err(e) => {
                    drop(state);
                    return self.give_up(Ended::Lost(Failure::Io(e)));
                }
            }
        }
    }

    fn give_up(&self, reason: Ended) -> Result<(), Over> {
        let mut state = self.state();
        state.draining = false;
        state.lost.get_or_insert(reason);
        self.drained.notify_all();
        let _ = self.socket.shutdown(Shutdown::Both); // wakes the thread that listens
        Err(Over)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
