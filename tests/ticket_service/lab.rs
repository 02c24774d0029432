//! A ticket service, and an auth service that does what the test wants.

pub use super::auth::{Auth, Mood};
use super::{
    common::{Server, certs},
    peer::{CLOSE, Socket, handshake, masked, tcp},
};
use padlock::{authority::Places, tls::Tls};
use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, TcpStream},
    path::Path,
    sync::Arc,
};

/// Both services.
pub struct Lab {
    pub server: Server,
    pub auth: Arc<Auth>,
}

impl Lab {
    pub fn start(args: &[&str]) -> Lab {
        Lab::start_with(certs(), args)
    }

    /// As [`Lab::start`], with the certificates of `certs`.
    pub fn start_with(certs: &Path, args: &[&str]) -> Lab {
        let auth = Auth::start(&Places::new(certs));
        let there = format!("https://localhost:{}", auth.port);
        let server = Server::start_with(certs, |command| command.args(["ticket", "--auth", &there]).args(args));
        Lab { server, auth }
    }

    /// Over wss, before any word.
    pub fn open(&self, path: &str) -> Socket {
        Socket::over(handshake(tcp(&self.server, "ticket")).unwrap(), path)
    }

    /// The same in the clear.
    pub fn open_clear(&self, path: &str) -> Socket<TcpStream> {
        Socket::over(tcp(&self.server, "ticket-ws"), path)
    }

    /// Somebody who has shown a good ticket.
    pub fn enter(&self, path: &str, name: &str) -> Socket {
        let mut socket = self.open(path);
        let ticket = self.auth.ticket(name, socket.local().ip());
        socket.say(&token(&ticket));
        assert_eq!(socket.hear(), "Successfully authenticated.");
        socket
    }

    /// Whoever shows a good ticket is let in and heard.
    pub fn is_served(&self) {
        let mut socket = self.enter("/", "honest");
        socket.say(r#"{"msg":"still there?"}"#);
        assert_eq!(socket.hear(), r#"{"msg":"still there?"}"#);
        socket.close();
    }
}

pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub fn token(ticket: &str) -> String {
    format!(r#"{{"token":"{ticket}"}}"#)
}

/// The Close that has to come next, and the clean end that has to follow our answer.
pub fn closed<S: Read + Write>(socket: &mut Socket<S>) -> (u16, String) {
    let frame = socket.next().unwrap_or_else(|clean| panic!("the end instead of a Close, clean: {clean}"));
    assert_eq!(frame.first, CLOSE, "{:?}", String::from_utf8_lossy(&frame.payload));
    let code = u16::from_be_bytes([frame.payload[0], frame.payload[1]]);
    let _ = socket.try_send(&masked(CLOSE, &frame.payload[..2]));
    assert_eq!(socket.rest(), (vec![], true), "nothing follows a Close");
    (code, String::from_utf8(frame.payload[2..].to_vec()).unwrap())
}

/// An HTTPS or HTTP request that asks for a WebSocket; gives the answer's head.
pub fn upgrade(stream: &mut (impl Read + Write), path: &str, fields: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{:?}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A wss connection of this lab, before any request.
pub fn wss(lab: &Lab) -> Tls<TcpStream> {
    handshake(tcp(&lab.server, "ticket")).unwrap()
}
