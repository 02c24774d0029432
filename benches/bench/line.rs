//! One connection of the load generator: what is asked on it, and what is answered.

use crate::{
    process::{Kind, Process},
    raw,
};
use padlock::{
    tls::{self, Failure, Tls},
    websocket::{self, NoUpgrade},
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::Duration,
};
use tungstenite::{
    Message, WebSocket,
    protocol::{Role, WebSocketConfig},
};

/// Nothing here takes long. Whoever does not answer within this has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub enum Line {
    Wss(Box<WebSocket<Tls<TcpStream>>>),
    Https(Box<BufReader<Tls<TcpStream>>>),
    Raw(TcpStream),
}

/// What is asked again and again, in the tongue of each kind of line.
#[derive(Clone)]
pub struct Question {
    /// Where on the server: the path of an upgrade, or of a page.
    path: String,
    /// The answer that makes it a success; for a page its length is enough.
    answer: Vec<u8>,
    frame: Vec<u8>,
    page: bool,
}

impl Question {
    pub fn echo(size: usize) -> Question {
        let answer = vec![b'.'; size];
        Question { path: "/echo".into(), frame: raw::frame(raw::ECHO, &answer), answer, page: false }
    }

    pub fn room(size: usize) -> Question {
        let answer = vec![b'.'; size];
        Question { path: "/room".into(), frame: raw::frame(raw::ROOM, &answer), answer, page: false }
    }

    pub fn get(size: usize) -> Question {
        let frame = raw::frame(raw::GET, &(size as u32).to_be_bytes());
        Question { path: format!("/{size}"), frame, answer: vec![b'x'; size], page: true }
    }
}

impl Line {
    /// Connects to where the question can be asked.
    pub fn open(server: &Process, config: &Arc<ClientConfig>, question: &Question) -> io::Result<Line> {
        if server.kind == Kind::Raw {
            return connect(server.web).map(Line::Raw);
        }
        if question.page {
            let tls = secure(connect(server.web)?, config)?;
            return Ok(Line::Https(BufReader::with_capacity(64 * 1024, tls).into()));
        }
        let mut tls = secure(connect(server.wss)?, config)?;
        let rest = websocket::connect(&mut tls, "localhost", &question.path, None).map_err(|no| match no {
            NoUpgrade::Answer(e) => io::Error::other(e.cause),
            NoUpgrade::Broken(failure) => failure.into(),
        })?;
        let small = WebSocketConfig::default().read_buffer_size(16 * 1024);
        Ok(Line::Wss(WebSocket::from_partially_read(tls, rest, Role::Client, Some(small)).into()))
    }

    pub fn ask(&mut self, question: &Question) -> io::Result<()> {
        match self {
            Line::Wss(socket) => socket.send(Message::binary(question.answer.clone())).map_err(io::Error::other),
            Line::Https(stream) => write!(stream.get_mut(), "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", question.path),
            Line::Raw(stream) => stream.write_all(&question.frame),
        }
    }

    /// Waits for the answer, and fails if it is another.
    pub fn answer(&mut self, question: &Question) -> io::Result<()> {
        let good = match self {
            Line::Wss(socket) => socket.read().map_err(io::Error::other)?.into_data()[..] == question.answer[..],
            Line::Https(stream) => page(stream)? == question.answer.len(),
            Line::Raw(stream) => raw::read(stream)?.1 == question.answer,
        };
        if good { Ok(()) } else { Err(io::Error::new(ErrorKind::InvalidData, "another answer than the one expected")) }
    }
}

/// Without TCP_NODELAY the generator's own habits would be measured.
pub fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

pub fn secure(stream: TcpStream, config: &Arc<ClientConfig>) -> io::Result<Tls<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    tls::connect(stream, name, config).map_err(|(failure, _): (Failure, _)| failure.into())
}

/// Ends a healthy connection: we say so, and wait until the server has said and done so too.
pub fn part(mut tls: Tls<TcpStream>) -> io::Result<()> {
    tls.close()?;
    tls.stream.shutdown(Shutdown::Write)?;
    io::copy(&mut tls, &mut io::sink()).map(drop) // a server's tickets are read here
}

/// Reads a response with status 200. Gives the length of its body.
fn page(stream: &mut BufReader<Tls<TcpStream>>) -> io::Result<usize> {
    let (mut good, mut length, mut line) = (false, 0, String::new());
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        good |= line.starts_with("HTTP/1.1 200 ");
        if let Some((_, value)) = line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("Content-Length")) {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let body = io::copy(&mut stream.take(length), &mut io::sink())?;
    if good { Ok(body as usize) } else { Err(io::Error::other("another status than 200")) }
}
