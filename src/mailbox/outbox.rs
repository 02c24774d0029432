use super::edge::Edge;
use crate::wire::{Direction, Socket};
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
use rustls::Connection;
use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read, Write},
};

/// Never wait (the reader of the same socket does, so the socket itself can't be non-blocking), and no SIGPIPE.
const AT_ONCE: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
/// A queue that grew larger than this is given back when it is empty.
const KEEP: usize = 16 * 1024;

/// Sealed bytes that the socket has not taken yet, in order.
#[derive(Default)]
pub struct Outbox(VecDeque<u8>);

impl Outbox {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts sealed bytes behind those that wait.
    pub fn add(&mut self, sealed: &[u8]) {
        self.0.extend(sealed);
    }

    /// Sends what the socket takes at once.
    pub fn send(&mut self, socket: &Socket) -> io::Result<()> {
        while !self.0.is_empty() {
            let first = self.0.as_slices().0;
            match send(&*socket.stream, first, AT_ONCE) {
                Ok(n) => {
                    socket.saw(Direction::Sent, &first[..n]);
                    drop(self.0.drain(..n));
                }
                Err(e) if e == rustix::io::Errno::AGAIN => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
        if self.0.capacity() > KEEP {
            self.0 = VecDeque::new();
        }
        Ok(())
    }
}

/// What tungstenite writes frames into and reads frames from: TLS when there is a session, else the socket. Nothing here waits.
pub struct Pipe<'a, 'b> {
    pub tls: &'a mut Option<Connection>,
    pub socket: &'a Socket,
    pub outbox: &'a mut Outbox,
    /// Plaintext of ws://, which passes no session.
    pub clear: &'a mut &'b [u8],
    /// Follows what is read.
    pub edge: &'a mut Edge,
}

impl Pipe<'_, '_> {
    /// Sends the records that are sealed; what the socket does not take goes into the outbox.
    pub fn send_sealed(&mut self) -> io::Result<()> {
        let Some(tls) = self.tls else { return Ok(()) };
        while tls.wants_write() {
            tls.write_tls(&mut Leave { socket: self.socket, outbox: self.outbox })?;
        }
        Ok(())
    }
}

impl Read for Pipe<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = match self.tls {
            Some(tls) => tls.reader().read(buffer)?,
            None if self.clear.is_empty() => return Err(io::ErrorKind::WouldBlock.into()),
            None => self.clear.read(buffer)?,
        };
        self.edge.pass(&buffer[..n]);
        Ok(n)
    }
}

impl Write for Pipe<'_, '_> {
    /// Takes the whole slice: tungstenite would move what is left to the front of its buffer again and again. rustls takes as
    /// much as its buffer limit allows, so a long message is sealed and sent in pieces that are still in the cache.
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < plain.len() {
            done += match self.tls {
                Some(tls) => tls.writer().write(&plain[done..])?,
                None => Leave { socket: self.socket, outbox: self.outbox }.write(&plain[done..])?,
            };
            self.send_sealed()?;
        }
        Ok(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The way out: the socket while it takes everything, else the outbox. Always takes something.
struct Leave<'a> {
    socket: &'a Socket,
    outbox: &'a mut Outbox,
}

impl Write for Leave<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.outbox.0.is_empty() {
            let sent = match pieces {
                [piece] => send(&*self.socket.stream, piece, AT_ONCE), // the usual case, and the kernel's shorter way
                _ => sendmsg(&*self.socket.stream, pieces, &mut SendAncillaryBuffer::default(), AT_ONCE),
            };
            match sent {
                Err(e) if e == rustix::io::Errno::AGAIN => {}
                sent => {
                    let n = sent?;
                    self.socket.wrote(pieces, n);
                    return Ok(n);
                }
            }
        }
        for piece in pieces {
            self.outbox.0.extend(&**piece);
        }
        Ok(pieces.iter().map(|piece| piece.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
