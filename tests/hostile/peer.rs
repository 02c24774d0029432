//! The attacker's tools: TCP from any loopback address, TLS, HTTP, WebSocket frames byte by byte, and a look at the server's
//! threads and memory.

use super::common::{PATIENCE, Server, certs};
use padlock::{
    authority::Places,
    tls::{self, Failure, Settings, Tls},
    trust::Trust,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt::set_socket_recv_buffer_size};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    fs,
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream},
    os::fd::OwnedFd,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// A TCP connection to one of the server's ports, from an address of its own: this machine has 16 million on loopback, and so
/// whatever the log says about this one names it and no other.
pub fn tcp(server: &Server, service: &str) -> TcpStream {
    tcp_from(server, service, own_address())
}

fn own_address() -> Ipv4Addr {
    static LAST: AtomicU32 = AtomicU32::new(u32::from_be_bytes([127, 1, 0, 0]));
    LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).into()
}

pub fn tcp_from(server: &Server, service: &str, source: Ipv4Addr) -> TcpStream {
    let socket = new_socket();
    bind(&socket, &SocketAddrV4::new(source, 0)).unwrap();
    dial(server, service, socket)
}

/// The same, to somebody whose system takes few bytes for it while it does not read. Usually that would be 32 MiB.
pub fn tcp_narrow(server: &Server, service: &str) -> TcpStream {
    let socket = new_socket();
    set_socket_recv_buffer_size(&socket, 64 * 1024).unwrap();
    bind(&socket, &SocketAddrV4::new(own_address(), 0)).unwrap();
    dial(server, service, socket)
}

/// One that no server inherits which another test starts meanwhile.
fn new_socket() -> OwnedFd {
    socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap()
}

fn dial(server: &Server, service: &str, socket: OwnedFd) -> TcpStream {
    connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, server.port(service))).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A client that trusts the lab's root, as every honest one does.
pub fn client(alpn: &[&str]) -> Arc<ClientConfig> {
    let trust = Trust::lab(&Places::new(certs())).unwrap();
    let settings = Settings { alpn: alpn.iter().map(|name| name.as_bytes().to_vec()).collect(), ..Settings::default() };
    tls::client(None, &trust, Default::default(), &settings).unwrap()
}

pub fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

pub fn handshake(stream: TcpStream) -> Result<Tls<TcpStream>, Failure> {
    static CLIENT: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    tls::connect(stream, localhost(), CLIENT.get_or_init(|| client(&["http/1.1"]))).map_err(|(failure, _)| failure)
}

pub fn tls(server: &Server) -> Tls<TcpStream> {
    handshake(tcp(server, "web")).unwrap()
}

/// Everything up to the end, and whether that was a clean one: close_notify on TLS, FIN on TCP.
pub fn all(stream: &mut impl Read) -> (Vec<u8>, bool) {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return (bytes, true),
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => panic!("no end within {PATIENCE:?}"),
            Err(_) => return (bytes, false),
        }
    }
}

/// Sends a request that asks for the connection to be closed, and gives the answer, which has to end with close_notify.
pub fn ask(stream: &mut (impl Read + Write), request: &str) -> String {
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let (answer, clean) = all(stream);
    let answer = String::from_utf8(answer).unwrap();
    assert!(clean, "{request}: the connection broke after {answer:?}");
    answer
}

/// An honest client: it must get its page.
pub fn is_served(server: &Server) {
    let answer = ask(&mut tls(server), "GET /healthz");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// One line of the log is about `peer`, and only one; it is given, waited for if need be.
pub fn one_line(server: &Server, peer: SocketAddr) -> String {
    let line = server.logged(&peer.to_string());
    is_served(server); // whatever else is logged about the peer would be there by now
    let lines: Vec<_> = server.log().into_iter().filter(|line| line.contains(&peer.to_string())).collect();
    assert_eq!(lines.len(), 1, "one line for each incident: {lines:?}");
    line
}

/// Gives up after [`PATIENCE`] on what has to become true by itself.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "never came true: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a program costs at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub threads: usize,
    pub descriptors: usize,
    pub kib: usize,
}

impl Cost {
    pub fn of(server: &Server) -> Cost {
        Cost::of_process(server.pid())
    }

    pub fn of_process(pid: u32) -> Cost {
        let process = format!("/proc/{pid}");
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let descriptors = fs::read_dir(format!("{process}/fd")).unwrap().count();
        Cost { threads: number("Threads:"), kib: number("VmRSS:"), descriptors }
    }
}

/// A WebSocket whose owner writes the frames by hand.
pub struct Socket<S = Tls<TcpStream>> {
    pub stream: S,
    ahead: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN, the reserved bits, the opcode.
    pub first: u8,
    pub payload: Vec<u8>,
}

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;

impl Socket {
    pub fn open(server: &Server, path: &str) -> Socket {
        Socket::over(tls(server), path)
    }

    pub fn local(&self) -> SocketAddr {
        self.stream.stream.local_addr().unwrap()
    }

    /// Ends as a pulled cable would: no Close, no close_notify.
    pub fn vanish(self) {
        let _ = self.stream.stream.shutdown(Shutdown::Both);
    }
}

impl<S: Read + Write> Socket<S> {
    pub fn over(stream: S, path: &str) -> Socket<S> {
        Socket::try_over(stream, path).unwrap_or_else(|| panic!("no WebSocket at {path}"))
    }

    pub fn try_over(mut stream: S, path: &str) -> Option<Socket<S>> {
        let ahead = padlock::websocket::connect(&mut stream, "localhost", path, None).ok()?;
        Some(Socket { stream, ahead })
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn say(&mut self, text: &str) {
        self.send(&masked(TEXT, text.as_bytes()));
    }

    /// The next frame, or how the stream ended: `Ok` with close_notify, `Err` without.
    pub fn next(&mut self) -> Result<Frame, bool> {
        let mut piece = vec![0; 64 * 1024];
        loop {
            if let Some((frame, length)) = parse(&self.ahead) {
                self.ahead.drain(..length);
                return Ok(frame);
            }
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(true),
                Ok(n) => self.ahead.extend_from_slice(&piece[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => panic!("no frame within {PATIENCE:?}"),
                Err(_) => return Err(false),
            }
        }
    }

    /// The next message, which has to be a text.
    pub fn hear(&mut self) -> String {
        let frame = self.next().unwrap_or_else(|clean| panic!("the end instead of a text, clean: {clean}"));
        assert_eq!(frame.first, TEXT, "{frame:?}");
        String::from_utf8(frame.payload).unwrap()
    }

    /// Every frame up to the end, and whether the end was clean.
    pub fn rest(&mut self) -> (Vec<Frame>, bool) {
        let mut frames = Vec::new();
        loop {
            match self.next() {
                Ok(frame) => frames.push(frame),
                Err(clean) => return (frames, clean),
            }
        }
    }

    /// The orderly end: Close with 1000, the server's Close, close_notify.
    pub fn close(mut self) {
        self.send(&masked(CLOSE, &1000u16.to_be_bytes()));
        let (frames, clean) = self.rest();
        assert_eq!(frames.last(), Some(&Frame { first: CLOSE, payload: 1000u16.to_be_bytes().to_vec() }));
        assert!(clean, "a conversation ends with close_notify");
    }
}

/// A frame as a client has to send it (RFC 6455 5.2, 5.3).
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = header(first, payload.len() as u64, true);
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The first bytes of a frame, up to its mask.
pub fn header(first: u8, length: u64, masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    match length {
        0..126 => vec![first, mask | length as u8],
        126..0x1_0000 => [&[first, mask | 126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, mask | 127][..], &length.to_be_bytes()].concat(),
    }
}

/// A whole frame of the server's at the start of `bytes`, and its length there. It must not be masked.
fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (first, short) = (*bytes.first()?, *bytes.get(1)?);
    assert!(short < 0x80, "a server masks nothing (RFC 6455 5.1)");
    let (start, length) = match short {
        126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()) as usize),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()) as usize),
        length => (2, length as usize),
    };
    let payload = bytes.get(start..start + length)?.to_vec();
    Some((Frame { first, payload }, start + length))
}
