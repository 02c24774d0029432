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
    // Where, what is sent of which the first so many bytes at once, what comes back, and what the log says.
    let attacks: [(&str, &[u8], usize, &str, Option<&str>); 8] = [
        ("web", b"", 0, "", Some(silent)),
        ("web", &hello, hello.len(), "", Some(silent)),
        ("web", &hello, 0, "", Some(silent)),
        ("web", head, 0, "HTTP/1.1 408 ", Some("speaks plain HTTP")),
        ("tls", b"", 0, "", None),
        ("tls", head, 0, "HTTP/1.1 408 ", Some("408")),
        ("plain", head, 0, "HTTP/1.1 408 ", Some("408")),
        ("plain", b"", 0, "", None),
    ];
    let server = Server::start(&[]);
    let mut open = Socket::open(&server, "/echo");
    thread::scope(|scope| {
        for (port, bytes, at_once, expected, line) in attacks {
            let server = &server;
            scope.spawn(move || {
                let what = format!("{} bytes at {port}, {at_once} of them at once", bytes.len());
                let (remote, answer, clean, time) = match port {
                    "tls" => attack(tls(server), |tls| &tls.stream, bytes, at_once),
                    port => attack(tcp(server, port), |tcp| tcp, bytes, at_once),
                };
                assert!(time > DEADLINE && time < DEADLINE + SLACK, "{what}: ended after {time:?}");
                assert!(answer.starts_with(expected) && answer.is_empty() == expected.is_empty(), "{what}: {answer:?}");
                assert!(clean, "{what}: cut");
                let said = line.map(|line| (line, one_line(server, remote)));
                assert!(said.is_none_or(|(line, said)| said.contains(line)), "{what}");
            });
        }
        is_served(&server);
    });
    open.say("still here");
    assert_eq!(open.hear(), "still here");
    open.close();
}

/// Sends so many bytes at once and the others one by one. Gives what came back, whether the end was clean, and how long it took.
fn attack<S: Read + Write>(
    mut stream: S,
    socket: impl Fn(&S) -> &TcpStream,
    bytes: &[u8],
    at_once: usize,
) -> (SocketAddr, String, bool, Duration) {
    let (start, remote) = (Instant::now(), socket(&stream).local_addr().unwrap());
    socket(&stream).set_read_timeout(Some(PAUSE)).unwrap();
    let (first, others) = bytes.split_at(at_once);
    stream.write_all(first).unwrap();
    let mut others = others.iter();
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    let clean = loop {
        if let Some(byte) = others.next().filter(|_| answer.is_empty())
            && stream.write_all(&[*byte]).is_err()
        {
            break false;
        }
        match stream.read(&mut piece) {
            Ok(0) => break true,
            Ok(n) => answer.extend_from_slice(&piece[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                assert!(start.elapsed() < 2 * DEADLINE, "no end of it");
            }
            Err(_) => break false,
        }
    };
    (remote, String::from_utf8(answer).unwrap(), clean, start.elapsed())
}
