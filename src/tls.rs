use crate::{
    error::Result,
    trust::{Presented, Trust, Verdict},
};
use config::client_with;
use rustls::{
    ClientConfig, ClientConnection, Connection, ProtocolVersion, ServerConfig, ServerConnection,
    pki_types::ServerName,
    server::{Accepted, AcceptedAlert, Acceptor, ClientHello},
};
use std::{
    io::{self, Read, Write},
    sync::{Arc, PoisonError},
};

mod config;
mod exchange;
mod facts;
mod open;

pub use config::{Settings, client, server};
pub use exchange::overhear;
pub use facts::Facts;
pub use open::open;

/// How much is sealed before it is sent: a few records, so that they are still in the cache when the kernel copies them.
const SEAL_AT_ONCE: usize = 128 * 1024;
/// A fatal alert in the clear (RFC 9846 6): unexpected_message.
const UNEXPECTED_MESSAGE_ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 10];

/// The server's handshake (RFC 9846 2). When it fails, the alert is on its way before this returns, and the stream comes
/// back with the reason: the caller still has to let the peer read it.
pub fn accept<S: Read + Write>(stream: S, config: &Arc<ServerConfig>) -> Result<Tls<S>, (Failure, S)> {
    match ServerConnection::new(config.clone()) {
        Ok(session) => Tls { session: session.into(), stream }.handshake(),
        Err(e) => Err((Failure::Tls(e), stream)),
    }
}

/// As [`accept`], for a server that is several: `choose` sees what the client asks for in its first message (RFC 9846 4.2.2),
/// above all the name (SNI), and says who answers.
pub fn accept_by<S: Read + Write>(
    mut stream: S,
    choose: impl FnOnce(&ClientHello<'_>) -> Arc<ServerConfig>,
) -> Result<Tls<S>, (Failure, S)> {
    let session = first_message(&mut stream).and_then(|accepted| {
        let config = choose(&accepted.client_hello());
        accepted.into_connection(config).map_err(|no| say(&mut stream, no))
    });
    let mut tls = match session {
        Ok(session) => Tls { session: session.into(), stream },
        Err(failure) => return Err((failure, stream)),
    };
    // More than the hello may have come already.
    match tls.process() {
        Ok(()) => tls.handshake(),
        Err(failure) => Err((failure, tls.stream)),
    }
}

/// Reads until the ClientHello is complete, and no further than it has to.
fn first_message<S: Read + Write>(stream: &mut S) -> Result<Accepted, Failure> {
    let mut acceptor = Acceptor::default();
    loop {
        let n = acceptor.read_tls(stream).map_err(Failure::Io)?;
        match acceptor.accept() {
            Ok(Some(accepted)) => return Ok(accepted),
            Ok(None) if n == 0 => return Err(Failure::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(None) => {}
            Err(no) => return Err(say(stream, no)),
        }
    }
}

/// Sends the alert that belongs to an error. What is no ClientHello at all has none from rustls here.
fn say(stream: &mut impl Write, (e, mut alert): (rustls::Error, AcceptedAlert)) -> Failure {
    // If even this fails, `e` is still the reason.
    let _ = match e {
        rustls::Error::InappropriateMessage { .. } | rustls::Error::InappropriateHandshakeMessage { .. } => {
            stream.write_all(&UNEXPECTED_MESSAGE_ALERT)
        }
        _ => alert.write_all(stream),
    };
    Failure::Tls(e)
}

/// The client's handshake with the server called `name`: that name is sent (SNI), and the certificate must be made for it.
///
/// Returns when the *client* is satisfied. In TLS 1.3 the server judges a client's certificate only afterwards; its refusal
/// arrives with the first read.
pub fn connect<S: Read + Write>(stream: S, name: ServerName<'static>, config: &Arc<ClientConfig>) -> Result<Tls<S>, (Failure, S)> {
    match ClientConnection::new(config.clone(), name) {
        Ok(session) => Tls { session: session.into(), stream }.handshake(),
        Err(e) => Err((Failure::Tls(e), stream)),
    }
}

/// Looks at a server, whoever it is: a handshake, and close_notify. Gives what was agreed on, if it came to that, and why the
/// server is not believed, if so.
///
/// Nobody gets the session, so nothing can be sent through one that nobody vouches for. Nor is it told who we are.
///
/// # Errors
/// Nobody to believe at all: see [`Trust::judge_servers`].
pub fn observe<S: Read + Write>(
    stream: S,
    name: ServerName<'static>,
    trust: &Trust,
    presented: Presented,
    settings: &Settings,
) -> Result<(Option<Facts>, Option<Failure>)> {
    let verdict = Verdict::default();
    let config = client_with(trust.observe_servers(presented, verdict.clone())?, None, settings)?;
    let (facts, failure) = match connect(stream, name, &config) {
        Ok(mut tls) => {
            let _ = tls.close(); // all has been seen
            (Some(Facts::of(&tls.session)), None)
        }
        Err((failure, _)) => (None, Some(failure)),
    };
    let refused = verdict.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok((facts, refused.map(Failure::Tls).or(failure)))
}

/// A TLS session around a stream. What is written is sealed and sent; what is read was opened and is authentic.
pub struct Tls<S> {
    pub session: Connection,
    pub stream: S,
}

/// Why a handshake or a session ended badly. [`refusal`](crate::refusal) puts it in a reader's words.
#[derive(Debug)]
pub enum Failure {
    /// TLS itself: a rule was broken, a certificate refused, or the peer sent an alert.
    Tls(rustls::Error),
    /// The stream below: reset, timed out, ended early.
    Io(io::Error),
}

impl<S: Read + Write> Tls<S> {
    /// Send what is ready, receive what is missing, until both sides have proved their Finished (RFC 9846 4.5.3).
    fn handshake(mut self) -> Result<Tls<S>, (Failure, S)> {
        self.session.set_buffer_limit(Some(SEAL_AT_ONCE));
        while self.session.is_handshaking() {
            if let Err(e) = self.send() {
                return Err((Failure::Io(e), self.stream));
            }
            if let Err(failure) = self.receive() {
                return Err((failure, self.stream));
            }
        }
        if self.owes_only_a_ticket() {
            return Ok(self);
        }
        match self.send() {
            Ok(()) => Ok(self),
            Err(e) => Err((Failure::Io(e), self.stream)),
        }
    }

    /// A server of TLS 1.3 has nothing left to say but its ticket (RFC 9846 4.7.1). That leaves with the first answer, in the same
    /// packet: a write of its own would cost as much as a tenth of the signature.
    fn owes_only_a_ticket(&self) -> bool {
        matches!(self.session, Connection::Server(_)) && self.session.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// One read from the stream, and whatever it lets the session do.
    fn receive(&mut self) -> Result<(), Failure> {
        let n = self.session.read_tls(&mut self.stream).map_err(Failure::Io)?;
        self.process()?;
        if n == 0 && self.session.is_handshaking() { Err(Failure::Io(io::ErrorKind::UnexpectedEof.into())) } else { Ok(()) }
    }

    /// What was read, opened. An alert about it is sent at once.
    fn process(&mut self) -> Result<(), Failure> {
        self.session.process_new_packets().map(drop).map_err(|e| {
            let _ = self.send(); // the alert; if even that fails, `e` is still the reason
            Failure::Tls(e)
        })
    }
}

impl<S: Write> Tls<S> {
    /// Hands every sealed record to the stream.
    pub fn send(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    /// Says close_notify: nothing was cut off, this is the end (RFC 9846 6.1).
    pub fn close(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.send()
    }
}

impl<S: Read + Write> Read for Tls<S> {
    /// 0 after the peer's close_notify. An end without it is `UnexpectedEof`: someone may have cut the line.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            self.receive().map_err(io::Error::from)?; // what it owes the peer, a KeyUpdate, say, leaves with the next write (RFC 9846 4.7.3)
        }
    }
}

impl<S: Write> Write for Tls<S> {
    /// Takes all of `plain`, sealing and sending piece by piece.
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < plain.len() {
            done += self.session.writer().write(&plain[done..])?;
            self.send()?;
        }
        Ok(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        match failure {
            Failure::Io(e) => e,
            Failure::Tls(e) => io::Error::new(io::ErrorKind::InvalidData, e),
        }
    }
}

impl From<io::Error> for Failure {
    /// The way back: a `rustls::Error` that travelled inside an `io::Error` is found again.
    fn from(e: io::Error) -> Failure {
        match e.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(tls) => Failure::Tls(tls.clone()),
            None => Failure::Io(e),
        }
    }
}
