//! A stream that lets others watch.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::Deref;
use std::sync::Arc;

/// Which way, seen from our end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Sent,
    Received,
}

/// Somebody who is shown what passes over a connection: sealed where TLS seals it, as anyone on the path has it.
///
/// Called by the threads that read and write, so it must not wait; there may be one for each direction at the same time.
pub trait Watcher: Send + Sync {
    /// These bytes passed. Each byte is shown once, and those of one direction in the order in which they passed.
    fn seen(&self, direction: Direction, bytes: &[u8]);

    /// Nothing more comes that way: the sender has said so (TCP's FIN).
    fn ended(&self, _direction: Direction) {}

    /// Nothing more comes, either way: the one who sends that way has broken it off (TCP's RST).
    fn broken(&self, _direction: Direction) {
        self.ended(Direction::Sent);
        self.ended(Direction::Received);
    }
}

/// A stream, and who watches it. Nobody does until [`watch`](Tap::watch) is called, and that costs nothing.
#[derive(Clone)]
pub struct Tap<S> {
    pub stream: S,
    watchers: Vec<Arc<dyn Watcher>>,
}

/// A TCP connection that may be watched. Several may hold it: the thread that listens, and those that speak.
pub type Socket = Tap<Arc<TcpStream>>;

impl<S> Tap<S> {
    pub fn new(stream: S) -> Tap<S> {
        Tap { stream, watchers: Vec::new() }
    }

    /// From now on `watcher` is shown what passes.
    pub fn watch(&mut self, watcher: Arc<dyn Watcher>) {
        self.watchers.push(watcher);
    }

    /// For whoever reads and writes the stream by itself: these bytes passed.
    #[inline]
    pub fn saw(&self, direction: Direction, bytes: &[u8]) {
        if !self.watchers.is_empty() {
            self.show(direction, bytes);
        }
    }

    #[inline(never)] // out of the way of those whom nobody watches
    fn show(&self, direction: Direction, bytes: &[u8]) {
        for watcher in &self.watchers {
            if bytes.is_empty() { watcher.ended(direction) } else { watcher.seen(direction, bytes) }
        }
    }

    /// As [`saw`](Tap::saw): who sends that way has broken the connection off.
    pub fn broke(&self, direction: Direction) {
        self.watchers.iter().for_each(|watcher| watcher.broken(direction));
    }

    /// As [`saw`](Tap::saw): the first `taken` bytes of `pieces` were written.
    pub fn wrote(&self, pieces: &[IoSlice<'_>], mut taken: usize) {
        if self.watchers.is_empty() {
            return;
        }
        for piece in pieces {
            let now = taken.min(piece.len());
            if now > 0 {
                self.show(Direction::Sent, &piece[..now]);
            }
            taken -= now;
        }
    }
}

impl Socket {
    /// recv(2). Nothing at the end of the stream.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = (&*self.stream).read(buffer)?;
        if !buffer.is_empty() {
            self.saw(Direction::Received, &buffer[..n]);
        }
        Ok(n)
    }

    /// send(2), until all is sent.
    pub fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match (&*self.stream).write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.saw(Direction::Sent, &bytes[..n]);
                    bytes = &bytes[n..];
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Says that nothing more will be sent (FIN). The peer may go on.
    pub fn finish(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        self.saw(Direction::Sent, &[]);
        Ok(())
    }
}

impl<S> Deref for Tap<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.stream
    }
}

impl From<Arc<TcpStream>> for Socket {
    fn from(stream: Arc<TcpStream>) -> Socket {
        Tap::new(stream)
    }
}

impl From<&Arc<TcpStream>> for Socket {
    fn from(stream: &Arc<TcpStream>) -> Socket {
        Tap::new(stream.clone())
    }
}

impl<S: Read> Read for Tap<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        if !buffer.is_empty() {
            self.saw(Direction::Received, &buffer[..n]);
        }
        Ok(n)
    }
}

impl<S: Write> Write for Tap<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let n = self.stream.write_vectored(pieces)?;
        self.wrote(pieces, n);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
