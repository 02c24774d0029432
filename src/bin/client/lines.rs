//! `tls://`: lines in, lines out, over a bare TLS session.
//!
//! Both directions share one session. So whoever needs it takes its lock for a moment, and nobody holds the lock while
//! waiting for the network or the keyboard.

use crate::banner;
use crate::dial::{Dialler, Session};
use crate::options::Options;
use crate::output::{self, status};
use crate::telemetry::Telemetry;
use crate::url::Url;
use padlock::chat::FRAME_MAX;
use padlock::error::{Error, Result};
use padlock::refusal;
use padlock::tls::{self, Failure};
use padlock::wire::Socket;
use rustls::{Connection, ProtocolVersion};
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// When we have said all, the server may go on for so long before its next word.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// One read from the keyboard or a pipe, and from the socket: a TLS record and its frame.
const PIECE: usize = 16 * 1024 + 512;

/// How long a server that asked for our certificate may take to judge it, when it neither says anything nor sends a ticket.
const VERDICT_WITHIN: Duration = Duration::from_secs(2);

/// Sends what is typed, prints what comes, until the server ends the session or both are done.
pub fn exchange(options: &Options, url: &Url, dialler: &Dialler) -> Result<()> {
    let session = dialler.dial(options)?;
    let (socket, facts) = (session.socket().clone(), session.facts());
    let (Session::Secure(tls), Some(security), Some(facts)) = (session, dialler.security(), facts) else {
        return Err(Error::new("bad-url", "tls:// without TLS").hint("write it like tls://localhost:8000"));
    };
    let line = Arc::new(Line {
        socket,
        session: Mutex::new(tls.session),
        opened: Mutex::default(),
        sending: Mutex::new(()),
        telemetry: Mutex::default(),
    });
    if security.was_asked() {
        line.await_verdict().map_err(|failure| refusal::client_session(&failure))?;
    }
    banner::show(options, url, security, &facts);
    status(options, "connected to server");
    // The handshake had a deadline; people may think for as long as they like.
    let _ = line.socket.set_read_timeout(None);
    let typing = line.clone();
    thread::spawn(move || typing.type_all(io::stdin().lock()));
    let ended = line.listen(options);
    status(options, "disconnected");
    ended
}

struct Line {
    socket: Socket,
    session: Mutex<Connection>,
    opened: Mutex<Opened>,
    /// Held from sealing to sending, so that records leave in order. Never needed to listen: a server that answers before
    /// it has read all would wait for us, and we for it.
    sending: Mutex<()>,
    telemetry: Mutex<Telemetry>,
}

/// What the peer has said and was not printed yet.
#[derive(Default)]
struct Opened {
    plain: Vec<u8>,
    /// It has said close_notify.
    over: bool,
}

impl Line {
    /// Waits until the server has judged our certificate.
    ///
    /// In TLS 1.3 our side of the handshake ends first: the server may still refuse, and says so by an alert. That it is
    /// content is said by nothing but what follows: a ticket (most servers send one), or its first words. A server that
    /// does neither waits for ours, so a silence means yes.
    fn await_verdict(&self) -> std::result::Result<(), Failure> {
        let mut record = vec![0; PIECE];
        let _ = self.socket.set_read_timeout(Some(VERDICT_WITHIN));
        while !self.is_accepted()? {
            match self.socket.receive(&mut record) {
                Ok(0) => return Err(Failure::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => self.open(&record[..read])?,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Io(error)),
            }
        }
        Ok(())
    }

    fn is_accepted(&self) -> std::result::Result<bool, Failure> {
        let session = self.session();
        // TLS 1.2 is the other way round: there the server has the last word of the handshake.
        let told = session.protocol_version() != Some(ProtocolVersion::TLSv1_3)
            || matches!(&*session, Connection::Client(client) if client.tls13_tickets_received() > 0);
        drop(session);
        self.open(&[])?; // the handshake may have brought more than itself
        let opened = self.opened();
        Ok(told || opened.over || !opened.plain.is_empty())
    }

    /// Prints what the server says until it says close_notify.
    fn listen(&self, options: &Options) -> Result<()> {
        let mut record = vec![0; PIECE];
        let mut first = true;
        let explained = |failure: Failure| refusal::client_session(&failure);
        loop {
            let (plain, over) = self.take_opened()?;
            if first && begins_a_frame(&plain) {
                output::note(
                    options,
                    "these are frames, a length of four bytes and then JSON: a chat directory; ./client chat NAME speaks them",
                );
            }
            first &= plain.is_empty();
            output::bytes(&plain);
            self.telemetry().received(&plain)?;
            if over {
                return Ok(());
            }
            match self.socket.receive(&mut record).map_err(|error| explained(Failure::Io(error)))? {
                0 => return Err(explained(Failure::Io(io::ErrorKind::UnexpectedEof.into()))),
                read => self.open(&record[..read]).map_err(explained)?,
            }
        }
    }

    fn open(&self, bytes: &[u8]) -> std::result::Result<(), Failure> {
        let result = tls::open(&mut self.session(), bytes);
        let (plain, over) = result.inspect_err(|_| {
            if let Ok(_turn) = self.sending.try_lock() {
                let _ = self.socket.send_all(&self.sealed()); // the alert about it
            }
        })?;
        let mut opened = self.opened();
        opened.plain.extend(plain);
        opened.over |= over;
        Ok(())
    }

    /// What came since the last time, and whether the peer has ended the session.
    fn take_opened(&self) -> Result<(Vec<u8>, bool)> {
        self.open(&[]).map_err(|failure| refusal::client_session(&failure))?;
        let mut opened = self.opened();
        Ok((std::mem::take(&mut opened.plain), opened.over))
    }

    /// Sends all that is typed, then close_notify. What the server still says is heard for a while.
    fn type_all(&self, mut input: impl BufRead) {
        while let Ok(bytes) = input.fill_buf()
            && !bytes.is_empty()
        {
            let piece = &bytes[..bytes.len().min(PIECE)];
            self.telemetry().sends(piece);
            if self.say(|session| session.writer().write_all(piece)).is_err() {
                return;
            }
            let said = piece.len();
            input.consume(said);
        }
        let goodbye = self.say(|session| {
            session.send_close_notify();
            Ok(())
        });
        if goodbye.is_ok() {
            let _ = self.socket.finish();
            let _ = self.socket.set_read_timeout(Some(LAST_WORDS));
        }
    }

    fn say(&self, what: impl FnOnce(&mut Connection) -> io::Result<()>) -> io::Result<()> {
        let _turn = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        what(&mut self.session())?;
        self.socket.send_all(&self.sealed())
    }

    fn sealed(&self) -> Vec<u8> {
        let mut session = self.session();
        let mut sealed = Vec::new();
        while session.wants_write() && session.write_tls(&mut sealed).is_ok() {}
        sealed
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn telemetry(&self) -> MutexGuard<'_, Telemetry> {
        self.telemetry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self) -> MutexGuard<'_, Connection> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a server's first bytes are a chat directory's: a length that a frame may have, then an object.
fn begins_a_frame(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk() else { return false };
    (1..=FRAME_MAX).contains(&(u32::from_be_bytes(*length) as usize)) && rest.first() == Some(&b'{')
}
