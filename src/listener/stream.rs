use crate::wire::{Socket, Watcher};
use rustix::net::sockopt::{self, Timeout};
use std::{
    io::{self, IoSlice, Read, Write},
    os::fd::AsFd,
    sync::Arc,
    time::{Duration, Instant},
};

/// A reader that takes nothing for so long is gone, or means harm.
const WRITE_PATIENCE: Duration = Duration::from_secs(20);
/// How long a peer may take to read our last words, and how much it may still say meanwhile: somebody who sends a megabyte too
/// much is to learn what was wrong with it.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: usize = 2 * 1024 * 1024;
/// What is read to see what a stranger speaks. A ClientHello with a post-quantum key share fits.
const FIRST_BYTES: usize = 4096;
/// A phase that lasts longer than this is watched closely.
const UNHURRIED: Duration = Duration::from_secs(1);

/// A TCP stream that knows how long it may take.
///
/// A read time-out alone is no deadline: it starts anew with each byte, and a byte a second would hold a thread for ever. So a
/// phase (handshake, head, waiting for the next request) has a deadline, and reads fail with `TimedOut` past it. In a phase
/// that goes well this costs no system call.
pub struct Stream {
    socket: Socket,
    started: Instant,
    allowed: Duration,
    /// What the phase may take from its first byte on, when waiting for that byte does not count.
    then: Option<Duration>,
    /// The read time-out that the socket has now.
    armed: Duration,
    /// Bytes that were looked at, and are still to be read.
    ahead: Vec<u8>,
    taken: usize,
}

impl Stream {
    /// Begins with a phase that may take `allowed`. The socket has been [prepared](prepare).
    pub fn new(socket: impl Into<Socket>, allowed: Duration) -> io::Result<Stream> {
        let socket = socket.into();
        socket.set_read_timeout(Some(allowed))?;
        let (started, armed) = (Instant::now(), allowed);
        Ok(Stream { socket, started, allowed, then: None, armed, ahead: Vec::new(), taken: 0 })
    }

    /// The next phase: `idle` until its first byte, `then` from there.
    pub fn expect(&mut self, idle: Duration, then: Duration) {
        (self.started, self.allowed, self.then) = (Instant::now(), idle, Some(then));
    }

    /// The first bytes, left where they are. Empty when the peer closed without a word.
    pub fn first_bytes(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_empty() {
            let mut ahead = vec![0; FIRST_BYTES];
            let n = self.receive(&mut ahead)?;
            ahead.truncate(n);
            self.ahead = ahead;
        }
        Ok(&self.ahead[self.taken..])
    }

    /// From now on `watcher` is shown what passes: all of it, when nothing has been read yet.
    pub fn watch(&mut self, watcher: Arc<dyn Watcher>) {
        self.socket.watch(watcher);
    }

    /// The socket alone, and who watches it, for whoever keeps deadlines of their own.
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// recv(2) within the deadline.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.allowed.saturating_sub(self.started.elapsed());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.arm(left)?;
            match self.socket.receive(buffer) {
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(e) => return Err(e),
                Ok(n) => {
                    if let Some(then) = self.then.take() {
                        (self.started, self.allowed) = (Instant::now(), then);
                    }
                    return Ok(n);
                }
            }
        }
    }

    /// Sets the socket's time-out when the one it has would overstay `left`, or wake us far too often. A phase that has just
    /// begun may keep the time-out of one that was no longer: that is the case that costs nothing.
    fn arm(&mut self, left: Duration) -> io::Result<()> {
        let slow = self.allowed - left > UNHURRIED;
        if (self.armed > left && (slow || self.armed > self.allowed)) || self.armed * 4 < left {
            self.socket.set_read_timeout(Some(left))?;
            self.armed = left;
        }
        Ok(())
    }
}

/// What every connection's socket needs, set before there is one: a socket that is accepted has it from its listener, and that
/// saves two system calls each.
///
/// Small writes leave at once (TCP_NODELAY): with two sides that wait for each other's small messages, Nagle's algorithm costs
/// 40 ms a turn. And no write waits for ever.
pub fn prepare(socket: impl AsFd) -> io::Result<()> {
    sockopt::set_tcp_nodelay(&socket, true)?;
    sockopt::set_socket_timeout(&socket, Timeout::Send, Some(WRITE_PATIENCE))?;
    Ok(())
}

/// Lets the peer read our last words. Closing a socket with unread bytes in it sends a reset, and to a peer that is still
/// writing the reset is all it learns: an alert that arrived before it may never be read (RFC 9112 9.6). So: say that we are
/// done, then read what still comes, for a moment.
#[inline(never)] // its buffer is to lie on the stack of those who say farewell, not of all who may some day
pub fn farewell(socket: &Socket) {
    if socket.finish().is_err() || socket.set_read_timeout(Some(FAREWELL)).is_err() {
        return;
    }
    let (started, mut rest, mut heard) = (Instant::now(), [0; 4096], 0);
    while heard < FAREWELL_BYTES && started.elapsed() < FAREWELL {
        match socket.receive(&mut rest) {
            Ok(0) | Err(_) => return,
            Ok(n) => heard += n,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ahead.len() {
            return self.receive(buffer);
        }
        let n = (&self.ahead[self.taken..]).read(buffer)?;
        self.taken += n;
        if self.taken == self.ahead.len() {
            (self.ahead, self.taken) = (Vec::new(), 0);
        }
        Ok(n)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// When the patience runs out in mid-write, the kernel tells how much it took, as if that were all we wanted. A reader who takes
    /// a little at a time would get the whole patience each time.
    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let started = Instant::now();
        let taken = (&*self.socket.stream).write_vectored(pieces)?;
        self.socket.wrote(pieces, taken);
        let all: usize = pieces.iter().map(|piece| piece.len()).sum();
        if taken < all && started.elapsed() >= WRITE_PATIENCE {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
