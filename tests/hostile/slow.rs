//! Peers that take their time. All in one test, because it needs the ten seconds that a stranger is given.

use super::common::Server;
use super::peer::{Socket, is_served, one_line, tcp, tls};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// What the handshake may take, and then the head. The server's clock may start a little before ours.
const DEADLINE: Duration = Duration::from_millis(9_900);
/// What a busy machine adds.
const SLACK: Duration = Duration::from_secs(3);
/// Between two bytes of somebody who is slow.
const PAUSE: Duration = Duration::from_millis(500);

#[test]
fn neither_silence_nor_a_byte_at_a_time_holds_a_thread_for_longer_than_ten_seconds() {
    let hello = [&[22, 3, 1, 2, 0, 1, 0, 1, 252][..], &[3; 252]].concat(); // about half of it
    let head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: and so on, and so on";
    let silent = "went silent in the middle of the handshake";
    let attacks = [
        Attack { at: "web", bytes: b"", at_once: 0, answer: "", line: Some(silent) },
        Attack { at: "web", bytes: &hello, at_once: hello.len(), answer: "", line: Some(silent) },
        Attack { at: "web", bytes: &hello, at_once: 0, answer: "", line: Some(silent) },
        Attack { at: "web", bytes: head, at_once: 0, answer: "HTTP/1.1 408 ", line: Some("speaks plain HTTP") },
        Attack { at: "tls", bytes: b"", at_once: 0, answer: "", line: None },
        Attack { at: "tls", bytes: head, at_once: 0, answer: "HTTP/1.1 408 ", line: Some("408") },
        Attack { at: "plain", bytes: head, at_once: 0, answer: "HTTP/1.1 408 ", line: Some("408") },
        Attack { at: "plain", bytes: b"", at_once: 0, answer: "", line: None },
    ];
    let server = Server::start(&[]);
    let mut open = Socket::open(&server, "/echo");
    thread::scope(|scope| {
        for attack in attacks {
            let server = &server;
            scope.spawn(move || attack.run(server));
        }
        is_served(&server);
    });
    open.say("still here");
    assert_eq!(open.hear(), "still here");
    open.close();
}

/// One who takes his time.
struct Attack<'a> {
    /// A port, or `tls` for the web's after the handshake.
    at: &'static str,
    bytes: &'a [u8],
    /// So many of the bytes are sent at once, the others one by one.
    at_once: usize,
    /// How what comes back has to begin.
    answer: &'static str,
    /// What the log has to say.
    line: Option<&'static str>,
}

impl Attack<'_> {
    fn run(&self, server: &Server) {
        let start = Instant::now();
        let (remote, answer) = match self.at {
            "tls" => self.send(tls(server), |tls| &tls.stream),
            port => self.send(tcp(server, port), |tcp| tcp),
        };
        let (time, what) = (start.elapsed(), format!("{} bytes at {}, {} of them at once", self.bytes.len(), self.at, self.at_once));
        assert!(time > DEADLINE && time < DEADLINE + SLACK, "{what}: ended after {time:?}");
        assert!(answer.starts_with(self.answer) && answer.is_empty() == self.answer.is_empty(), "{what}: {answer:?}");
        if let Some(expected) = self.line {
            let line = one_line(server, remote);
            assert!(line.contains(expected), "{what}: {line}");
        }
    }

    /// Sends slowly until the server has ended it, cleanly. Gives who that was, and what came back.
    fn send<S: Read + Write>(&self, mut stream: S, socket: impl Fn(&S) -> &TcpStream) -> (SocketAddr, String) {
        let (start, remote) = (Instant::now(), socket(&stream).local_addr().unwrap());
        socket(&stream).set_read_timeout(Some(PAUSE)).unwrap();
        let (first, others) = self.bytes.split_at(self.at_once);
        stream.write_all(first).unwrap();
        let mut others = others.iter();
        let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            if let Some(byte) = others.next().filter(|_| answer.is_empty()) {
                let _ = stream.write_all(&[*byte]);
            }
            match stream.read(&mut piece) {
                Ok(0) => return (remote, String::from_utf8(answer).unwrap()),
                Ok(n) => answer.extend_from_slice(&piece[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    assert!(start.elapsed() < 2 * DEADLINE, "no end of it");
                }
                Err(e) => panic!("{} bytes at {}: cut: {e}", self.bytes.len(), self.at),
            }
        }
    }
}
