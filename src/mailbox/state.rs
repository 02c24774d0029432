use super::{
    Ended, Over,
    edge::Edge,
    ending::{judge, parted},
    outbox::{Outbox, Pipe},
};
use crate::{tls::Failure, wire::Socket};
use rustls::Connection;
use std::{
    io::{self, Read, Write},
    time::{Duration, Instant},
};
use tungstenite::{
    Error as Problem, Message,
    protocol::{
        CloseFrame, Role, WebSocketConfig, WebSocketContext,
        frame::{
            FrameHeader,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

/// What is read into at once. tungstenite's default of 128 KiB is zeroed on every read, and kept by every connection.
const FRAME_BUFFER: usize = 2 * 1024;
/// What may wait for a slow reader, besides one message. Past it the reader is dropped: the others must not pay for it.
const QUEUE: usize = 1024 * 1024;
/// A Ping, Pong or Close holds at most so much (RFC 6455 5.5), and may, however short messages have to be.
const CONTROL_MAX: usize = 125;
/// Small frames that leave together are sealed together, into one record.
const RECORD: usize = 16 * 1024;
/// Up to this length malloc(3) keeps what is freed, for whoever asks next.
const CHEAP: usize = 100 * 1024;
/// A buffer of frames that is kept for the next ones.
const KEEP: usize = 1024;

/// The session and its frames: everything of a connection that only computes.
pub struct State {
    pub tls: Option<Connection>,
    frames: WebSocketContext,
    outbox: Outbox,
    /// How much may be in it.
    queue: usize,
    role: Role,
    edge: Edge,
    /// The longest message for which buffers have grown.
    grown: usize,
    /// Frames that were made and not sealed: small ones that leave together become one record.
    ready: Vec<u8>,
    /// What is left to read on the way out.
    nothing: &'static [u8],
    /// Some thread is emptying the outbox.
    pub draining: bool,
    /// When we said Close.
    closing: Option<Instant>,
    /// Rounds of the keeper in which nothing came.
    pub silent: u32,
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
            .max_frame_size(Some(max_message.max(CONTROL_MAX)));
        let mut edge = Edge::default();
        edge.pass(&rest);
        State {
            role,
            edge,
            grown: 0,
            ready: Vec::new(),
            nothing: &[],
            tls,
            frames: WebSocketContext::from_partially_read(rest, role, Some(config)),
            outbox: Outbox::default(),
            queue: QUEUE + max_message,
            draining: false,
            closing: None,
            silent: 0,
            closed: None,
            lost: None,
        }
    }

    /// Takes messages up to this length from now on.
    pub fn limit(&mut self, max_message: usize) {
        self.queue = QUEUE + max_message;
        self.frames.set_config(|config| {
            config.max_message_size = Some(max_message);
            config.max_frame_size = Some(max_message.max(CONTROL_MAX));
        });
    }

    /// The next message in what has arrived, opening `bytes` as far as needed. `None` when all of it has been heard; then what
    /// was answered meanwhile is sent. Pongs, and the answer to a Close, are sent on the way.
    ///
    /// One at a time, because a Close ends what may be said: whatever came before it must be answered before it is read.
    pub fn next(&mut self, socket: &Socket, bytes: &mut &[u8]) -> Result<Option<Message>, Ended> {
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
    fn open(&mut self, socket: &Socket, bytes: &mut &[u8]) -> Result<(), Ended> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        tls.read_tls(bytes).map_err(|e| Ended::Lost(Failure::Io(e)))?;
        if let Err(e) = tls.process_new_packets() {
            let _ = self.flush(socket); // the alert about it
            return Err(Ended::Lost(Failure::Tls(e)));
        }
        Ok(())
    }

    /// The next whole message that the session holds, or, on ws://, that is in `clear`.
    fn read_frame(&mut self, socket: &Socket, clear: &mut &[u8]) -> Result<Option<Message>, Ended> {
        let mut nothing: &[u8] = &[];
        let clear = if self.tls.is_some() { &mut nothing } else { clear };
        let State { tls, frames, outbox, edge, closed, grown, ready, .. } = self;
        let mut pipe = Pipe { tls, socket, outbox, clear, edge };
        loop {
            match frames.read(&mut pipe) {
                Ok(Message::Close(frame)) => {
                    *closed = Some(frame);
                    pipe.write_all(ready).map_err(|e| Ended::Lost(e.into()))?; // answers to what came before it
                    ready.clear();
                }
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                    *grown = message.len().max(*grown);
                    return Ok(Some(message));
                }
                Ok(_) => {} // a Ping was answered, a Pong is a sign of life
                Err(Problem::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(Problem::ConnectionClosed | Problem::AlreadyClosed) => return Err(parted(closed.take().flatten())),
                // Behind a Close nothing is heard (RFC 6455 1.4), nor judged.
                Err(problem) => return Err(closed.take().map_or_else(|| judge(problem), parted)),
            }
        }
    }

    /// Frames one message. It leaves with the next [`flush`](State::flush), or before.
    ///
    /// A server's frames are not masked, so there is nothing to do to a message but to put a few bytes in front (RFC 6455 5.2).
    /// That is done here: tungstenite would copy the message into a buffer first, and keep the buffer.
    pub fn say(&mut self, socket: &Socket, message: Message) -> Result<(), Over> {
        let opcode = match (&message, self.role) {
            (Message::Text(_), Role::Server) => OpCode::Data(Data::Text),
            (Message::Binary(_), Role::Server) => OpCode::Data(Data::Binary),
            _ => return self.say_by_library(socket, message),
        };
        if !self.frames.can_write() {
            return Err(Over);
        }
        let payload = message.into_data();
        FrameHeader { opcode, ..FrameHeader::default() }.format(payload.len() as u64, &mut self.ready).map_err(|_| Over)?;
        if self.ready.len() + payload.len() <= RECORD {
            self.ready.extend_from_slice(&payload);
            return Ok(());
        }
        self.send_ready(socket)?;
        self.out(socket).1.write_all(&payload).map_err(|_| Over)
    }

    fn say_by_library(&mut self, socket: &Socket, message: Message) -> Result<(), Over> {
        self.grown = message.len().max(self.grown);
        let (frames, mut pipe) = self.out(socket);
        frames.write(&mut pipe, message).map_err(|_| Over)
    }

    /// Seals the frames that are ready, together.
    fn send_ready(&mut self, socket: &Socket) -> Result<(), Over> {
        if self.ready.is_empty() {
            return Ok(());
        }
        let ready = std::mem::take(&mut self.ready);
        let sent = self.out(socket).1.write_all(&ready);
        if ready.capacity() <= KEEP {
            self.ready = ready;
            self.ready.clear();
        }
        sent.map_err(|_| Over)
    }

    /// Sends what was said, as far as the socket takes it.
    pub fn flush(&mut self, socket: &Socket) -> Result<(), Over> {
        self.send_ready(socket)?;
        let (frames, mut pipe) = self.out(socket);
        let flushed = frames.flush(&mut pipe);
        pipe.send_sealed().map_err(|_| Over)?; // close_notify, tickets: what is no frame
        flushed.map_err(|_| Over)
    }

    /// Says Close, once.
    pub fn close(&mut self, socket: &Socket, code: CloseCode, reason: &str) {
        self.closing.get_or_insert_with(Instant::now);
        let _ = self.send_ready(socket);
        let (frames, mut pipe) = self.out(socket);
        let _ = frames.close(&mut pipe, Some(CloseFrame { code, reason: reason.into() }));
    }

    /// The frames, and the way out for them.
    fn out<'a>(&'a mut self, socket: &'a Socket) -> (&'a mut WebSocketContext, Pipe<'a, 'static>) {
        let State { tls, frames, outbox, edge, nothing, .. } = self;
        (frames, Pipe { tls, socket, outbox, clear: nothing, edge })
    }

    /// Asks the peer whether it is there.
    pub fn ping(&mut self, socket: &Socket) {
        let _ = self.say(socket, Message::Ping(Default::default()));
        let _ = self.flush(socket);
    }

    /// How long ago we said Close.
    pub fn closing_since(&self) -> Option<Duration> {
        self.closing.map(|then| then.elapsed())
    }

    /// recv(2) gave nothing more, or failed: how did it end? Behind a Close, `why` says nothing new: a peer that hangs up at once,
    /// our answer unread, makes a reset.
    pub fn end_of_stream(&mut self, why: io::Error) -> Ended {
        match (self.lost.take(), self.closed.take()) {
            (Some(reason), _) => reason,
            (None, Some(frame)) => parted(frame),
            (None, None) => Ended::Lost(Failure::Io(why)),
        }
    }

    /// Says close_notify, unless the session has broken.
    pub fn farewell(&mut self, socket: &Socket) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        let _ = self.flush(socket);
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
    pub fn send(&mut self, socket: &Socket) -> io::Result<()> {
        self.outbox.send(socket)
    }

    /// All that arrived was heard: gives back what a long message needed. The allocator hands a buffer of some size to the next
    /// connection at once; a very large one it returns to the system and fetches again, which costs more than the message. So
    /// that is left to the keeper.
    pub fn rest(&mut self) {
        if self.grown <= CHEAP {
            self.give_back();
        }
    }

    /// Gives back what long messages needed: between two messages, all that tungstenite holds is buffers.
    pub fn give_back(&mut self) {
        if self.grown <= RECORD {
            return;
        }
        if self.edge.reached() && self.frames.can_write() {
            self.frames = WebSocketContext::new(self.role, Some(*self.frames.get_config()));
        }
        if let Some(tls) = &mut self.tls {
            let _ = tls.read_tls(&mut Nothing); // before it reads, rustls shrinks a buffer that is empty
        }
        self.grown = 0;
    }
}

/// A stream that has nothing to read just now.
struct Nothing;

impl Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
