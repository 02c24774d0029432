//! Two sides of one conversation: what one says, the other is told, in both directions at once, and so is how it ends.
//!
//! One thread does it all, and waits only for what can go on: a side that does not listen holds up who talks to it, and nobody else.

use padlock::{
    tls::{self, Failure, Tls},
    wire::{Direction, Socket},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send, sockopt::set_socket_linger},
};
use rustls::Connection;
use std::{
    borrow::Cow,
    io::{self, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// What is passed on at once: as much as a few records.
const PIECE: usize = 64 * 1024;
const AT_ONCE: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// Both sides. Whoever watches the client's socket is shown what each says.
pub struct Pair {
    pub client: Side,
    pub server: Side,
    watched: Socket,
}

/// One side: its socket, and the session in it, if there is one.
pub struct Side {
    pub socket: Socket,
    session: Option<Connection>,
    /// What it is told and has not taken yet, and how much of it has left already.
    waiting: Vec<u8>,
    sent: usize,
    /// It has said its last (FIN).
    said_all: bool,
    /// It was told that the other has.
    told_all: bool,
}

/// The conversation ended before its time: whose words break off, and why.
pub struct Broken {
    pub speaker: Direction,
    pub why: Failure,
}

/// Nobody says FIN to who is gone: closed like this, the connection ends with a reset (RFC 9293 3.10.7).
pub fn reset(socket: &TcpStream) {
    let _ = set_socket_linger(socket, Some(Duration::ZERO));
}

impl Pair {
    pub fn new(client: Side, server: Side) -> Pair {
        Pair { watched: client.socket.clone(), client, server }
    }

    /// Until both sides have said all. People think for as long as they like.
    ///
    /// # Errors
    /// A side is gone, or breaks a rule of TLS: then the alert about it is on its way.
    pub fn converse(&mut self) -> Result<(), Broken> {
        let mut piece = vec![0; PIECE];
        for speaker in [Direction::Received, Direction::Sent] {
            self.pass_on(speaker, &[])?; // what came together with the end of a handshake
        }
        loop {
            for speaker in [Direction::Received, Direction::Sent] {
                let (from, to) = self.ends(speaker);
                to.send(from.said_all).map_err(|e| Broken::io(opposite(speaker), e))?;
            }
            if [&self.client, &self.server].iter().all(|side| side.said_all && side.told_all) {
                return Ok(());
            }
            for (speaker, ready) in self.wait() {
                self.hear(speaker, ready, &mut piece)?;
            }
        }
    }

    /// Which sides can go on. Who has nothing to do is not asked: a connection that was ended both ways would say so for ever.
    fn wait(&self) -> Vec<(Direction, PollFlags)> {
        let mut asked = Vec::with_capacity(2);
        for (speaker, from, to) in [(Direction::Received, &self.client, &self.server), (Direction::Sent, &self.server, &self.client)] {
            let mut wanted = PollFlags::empty();
            wanted.set(PollFlags::IN, from.is_heard(to));
            wanted.set(PollFlags::OUT, !from.waiting.is_empty());
            if !wanted.is_empty() || !from.told_all {
                asked.push((speaker, PollFd::new(&*from.socket.stream, wanted)));
            }
        }
        let (speakers, mut sides): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let _ = poll(&mut sides, None); // interrupted, or out of memory: nobody is ready, and it is asked again
        speakers.into_iter().zip(sides.iter().map(PollFd::revents)).collect()
    }

    /// One read from a side that may have something to say.
    fn hear(&mut self, speaker: Direction, ready: PollFlags, piece: &mut [u8]) -> Result<(), Broken> {
        let (from, to) = self.ends(speaker);
        let gone = ready.intersects(PollFlags::ERR | PollFlags::HUP);
        if !from.is_heard(to) {
            return if gone { Err(Broken::io(speaker, from.fault())) } else { Ok(()) };
        }
        if !gone && !ready.contains(PollFlags::IN) {
            return Ok(());
        }
        match recv(&*from.socket.stream, &mut *piece, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => {
                from.said_all = true;
                self.watched.saw(speaker, &[]);
                Ok(())
            }
            Ok((_, n)) => self.pass_on(speaker, &piece[..n]),
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(e) => Err(Broken::io(speaker, e.into())),
        }
    }

    /// Tells the other side what is in these bytes.
    fn pass_on(&mut self, speaker: Direction, bytes: &[u8]) -> Result<(), Broken> {
        let (from, to) = self.ends(speaker);
        let opened = from.open(bytes);
        let told = opened.and_then(|(plain, is_end)| Ok((to.tell(&plain, is_end)?, plain)));
        let ((), plain) = told.map_err(|why| Broken { speaker, why })?;
        if !plain.is_empty() {
            self.watched.saw(speaker, &plain);
        }
        Ok(())
    }

    /// Who speaks, and who listens.
    fn ends(&mut self, speaker: Direction) -> (&mut Side, &mut Side) {
        match speaker {
            Direction::Received => (&mut self.client, &mut self.server),
            Direction::Sent => (&mut self.server, &mut self.client),
        }
    }
}

impl Side {
    /// As it comes, so it goes.
    pub fn plain(socket: Socket) -> Side {
        Side { socket, session: None, waiting: Vec::new(), sent: 0, said_all: false, told_all: false }
    }

    /// What is in its session is passed on. Nothing of it may have been read ahead.
    pub fn sealed(tls: Tls<padlock::listener::Stream>) -> Side {
        let mut session = tls.session;
        session.set_buffer_limit(None); // there is never more than a piece in it
        Side { session: Some(session), ..Side::plain(tls.stream.into_socket()) }
    }

    /// Whether it is listened to now: not while the other is slow to take what it said before.
    fn is_heard(&self, other: &Side) -> bool {
        !self.said_all && other.waiting.is_empty()
    }

    /// What is in the bytes, and whether the session ends with them (close_notify, RFC 9846 6.1).
    fn open<'a>(&mut self, bytes: &'a [u8]) -> Result<(Cow<'a, [u8]>, bool), Failure> {
        let Some(session) = &mut self.session else { return Ok((bytes.into(), false)) };
        let opened = tls::open(session, bytes);
        self.seal()?; // what it is owed by the session itself: a KeyUpdate, an alert
        let _ = self.send(false); // if it is gone, the next read says why
        opened.map(|(plain, is_end)| (plain.into(), is_end))
    }

    fn tell(&mut self, plain: &[u8], is_end: bool) -> Result<(), Failure> {
        let Some(session) = &mut self.session else {
            self.waiting.extend_from_slice(plain);
            return Ok(());
        };
        session.writer().write_all(plain).map_err(Failure::Io)?;
        if is_end {
            session.send_close_notify(); // only the one direction ends with it
        }
        self.seal()
    }

    fn seal(&mut self) -> Result<(), Failure> {
        let Some(session) = &mut self.session else { return Ok(()) };
        while session.wants_write() {
            session.write_tls(&mut self.waiting).map_err(Failure::Io)?;
        }
        Ok(())
    }

    /// Sends what it takes at once; and its end, if that was all. Who has said all may still listen.
    fn send(&mut self, is_all: bool) -> io::Result<()> {
        while self.sent < self.waiting.len() {
            match send(&*self.socket.stream, &self.waiting[self.sent..], AT_ONCE) {
                Ok(n) => self.sent += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
        self.waiting.clear();
        self.sent = 0;
        if is_all && !self.told_all {
            self.told_all = true;
            let _ = self.socket.shutdown(Shutdown::Write); // if it is gone, the next read says why
        }
        Ok(())
    }

    /// Why it is gone.
    fn fault(&self) -> io::Error {
        self.socket.take_error().ok().flatten().unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())
    }
}

impl Broken {
    fn io(speaker: Direction, e: io::Error) -> Broken {
        Broken { speaker, why: Failure::Io(e) }
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Sent => Direction::Received,
        Direction::Received => Direction::Sent,
    }
}
