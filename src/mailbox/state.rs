use super::{
    Ended, Over,
    outbox::{Outbox, Pipe},
};
use crate::tls::Failure;
use rustls::Connection;
use std::{io, net::TcpStream};
use tungstenite::{
    Error as Problem, Message,
    error::ProtocolError,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext, frame::coding::CloseCode},
};

/// What is read into at once. tungstenite's default of 128 KiB is zeroed on every read, and kept by every connection.
const FRAME_BUFFER: usize = 4 * 1024;
/// What may wait for a slow reader, besides one message. Past it the reader is dropped: the others must not pay for it.
const QUEUE: usize = 1024 * 1024;
/// Small frames that leave together are sealed together, into one record.
const RECORD: usize = 16 * 1024;

/// The session and its frames: everything of a connection that only computes.
pub struct State {
    pub tls: Option<Connection>,
    frames: WebSocketContext,
    outbox: Outbox,
    /// How much may be in it.
    queue: usize,
    /// Some thread is emptying the outbox.
    pub draining: bool,
    /// We have said Close.
    closing: bool,
    /// The peer has said Close, and this was in it.
    closed: Option<Option<CloseFrame>>,
    /// Why the connection was given up, for the thread that listens.
    pub lost: Option<Ended>,
}

impl State {
    pub fn new(tls: Option<Connection>, role: Role, rest: Vec<u8>, max_message: usize) -> State {
        let config = WebSocketConfig::default()
            .read_buffer_size(FRAME_BUFFER)
            .write_buffer_size(RECORD)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        State {
            tls,
            frames: WebSocketContext::from_partially_read(rest, role, Some(config)),
            outbox: Outbox::default(),
            queue: QUEUE + max_message,
            draining: false,
            closing: false,
            closed: None,
            lost: None,
        }
    }

    /// The next message in what has arrived, opening `bytes` as far as needed. `None` when all of it has been heard; then what
    /// was answered meanwhile is sent. Pongs, and the answer to a Close, are sent on the way.
    ///
    /// One at a time, because a Close ends what may be said: whatever came before it must be answered before it is read.
    pub fn next(&mut self, socket: &TcpStream, bytes: &mut &[u8]) -> Result<Option<Message>, Ended> {
        loop {
            match self.read_frame(socket, bytes)? {
                Some(message) => return Ok(Some(message)),
                None if bytes.is_empty() => break,
                None => self.open(socket, bytes)?,
            }
        }
        let _ = self.flush(socket); // if the socket is gone, the next recv(2) says why
        Ok(None)
    }

    /// A few records from the socket. rustls takes no more before they are read.
    fn open(&mut self, socket: &TcpStream, bytes: &mut &[u8]) -> Result<(), Ended> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        tls.read_tls(bytes).map_err(|e| Ended::Lost(Failure::Io(e)))?;
        if let Err(e) = tls.process_new_packets() {
            let _ = self.flush(socket); // the alert about it
            return Err(Ended::Lost(Failure::Tls(e)));
        }
        Ok(())
    }

    /// The next whole message that the session holds, or, on ws://, that is in `clear`.
    fn read_frame(&mut self, socket: &TcpStream, clear: &mut &[u8]) -> Result<Option<Message>, Ended> {
        let State { tls, frames, outbox, closed, .. } = self;
        let mut nothing: &[u8] = &[];
        let clear = if tls.is_some() { &mut nothing } else { clear };
        let mut pipe = Pipe { tls, socket, outbox, clear };
        loop {
            match frames.read(&mut pipe) {
                Ok(Message::Close(frame)) => *closed = Some(frame),
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => return Ok(Some(message)),
                Ok(_) => {} // a Ping was answered, a Pong is a sign of life
                Err(Problem::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(Problem::ConnectionClosed | Problem::AlreadyClosed) => return Err(Ended::Closed(closed.take().flatten())),
                Err(problem) => return Err(judge(problem)),
            }
        }
    }

    /// Frames and seals one message. It leaves with the next [`flush`](State::flush), or before.
    pub fn say(&mut self, socket: &TcpStream, message: Message) -> Result<(), Over> {
        let State { tls, frames, outbox, .. } = self;
        frames.write(&mut Pipe { tls, socket, outbox, clear: &mut &[][..] }, message).map_err(|_| Over)
    }

    /// Sends what was said, as far as the socket takes it.
    pub fn flush(&mut self, socket: &TcpStream) -> Result<(), Over> {
        let State { tls, frames, outbox, .. } = self;
        let mut pipe = Pipe { tls, socket, outbox, clear: &mut &[][..] };
        frames.flush(&mut pipe).map_err(|_| Over)?;
        pipe.send_sealed().map_err(|_| Over)
    }

    /// Says Close, once.
    pub fn close(&mut self, socket: &TcpStream, code: CloseCode, reason: &str) {
        self.closing = true;
        let State { tls, frames, outbox, .. } = self;
        let frame = CloseFrame { code, reason: reason.into() };
        let _ = frames.close(&mut Pipe { tls, socket, outbox, clear: &mut &[][..] }, Some(frame));
    }

    /// Nothing came for a while: asks the peer whether it is there, unless that was asked already.
    pub fn ping(&mut self, socket: &TcpStream, asked: bool) -> Result<(), Ended> {
        if asked || self.closing {
            return Err(self.lost.take().unwrap_or(Ended::Lost(Failure::Io(io::ErrorKind::TimedOut.into()))));
        }
        let _ = self.say(socket, Message::Ping(Default::default()));
        let _ = self.flush(socket);
        Ok(())
    }

    /// recv(2) gave nothing more: how did it end?
    pub fn end_of_stream(&mut self) -> Ended {
        match (self.lost.take(), self.closed.take()) {
            (Some(reason), _) => reason,
            (None, Some(frame)) => Ended::Closed(frame),
            (None, None) => Ended::Lost(Failure::Io(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Says close_notify, unless the session has broken.
    pub fn farewell(&mut self, socket: &TcpStream) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        let _ = self.flush(socket);
        let State { tls, outbox, .. } = self;
        let _ = Pipe { tls, socket, outbox, clear: &mut &[][..] }.send_sealed();
    }

    /// More waits for the socket than may.
    pub fn too_much_waits(&self) -> bool {
        self.outbox.len() > self.queue
    }

    /// Bytes that wait for the socket.
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Sends from the queue what the socket takes at once.
    pub fn send(&mut self, socket: &TcpStream) -> io::Result<()> {
        self.outbox.send(socket)
    }

    /// Gives back what a long message needed.
    pub fn give_back(&mut self) {}
}

/// Which rule was broken, as the code to close with (RFC 6455 7.4.1).
fn judge(problem: Problem) -> Ended {
    match problem {
        Problem::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ended::Lost(Failure::Io(io::ErrorKind::UnexpectedEof.into())),
        Problem::Protocol(rule) => Ended::Refused(CloseCode::Protocol, rule.to_string().to_lowercase()),
        Problem::Capacity(limit) => Ended::Refused(CloseCode::Size, limit.to_string().to_lowercase()),
        Problem::Utf8(_) => Ended::Refused(CloseCode::Invalid, "text that is not utf-8".into()),
        Problem::Io(e) => Ended::Lost(Failure::from(e)),
        other => Ended::Refused(CloseCode::Error, other.to_string().to_lowercase()),
    }
}
