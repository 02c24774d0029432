//! SIGHUP, SIGTERM and SIGINT, with people connected.

use super::common::{Server, good, own_certs, program, scratch};
use super::peer::{BINARY, CLOSE, Frame, Socket, all, eventually, handshake, is_served, masked, tcp, tcp_narrow, tls};
use rustls::pki_types::CertificateDer;
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

/// How long the server may take to end: 2 s, and what a busy machine adds.
const SOON: Duration = Duration::from_millis(2_900);
/// More than sockets hold, so that much of it is still to come when the signal arrives.
const LONG: usize = 16 * 1024 * 1024;

fn leaf(server: &Server) -> CertificateDer<'static> {
    tls(server).session.peer_certificates().unwrap()[0].clone().into_owned()
}

#[test]
fn sighup_shows_the_new_certificate_to_newcomers_and_keeps_every_conversation() {
    let (_folder, certs) = own_certs();
    let server = Server::start_with(&certs, |command| command);
    let mut open = Socket::open(&server, "/echo");
    let first = leaf(&server);

    good(program("ca", &certs).arg("sign").arg(certs.join("server/localhost.csr")));
    server.signal("HUP");
    server.logged("certificate: loaded again");
    let second = leaf(&server);
    assert_ne!(first, second, "newcomers see the new certificate");

    // A file that can't be used changes nothing.
    let (chain, key) = (certs.join("server/localhost.fullchain.pem"), certs.join("private/localhost.key"));
    let good = fs::read(&chain).unwrap();
    fs::write(&chain, "no certificate").unwrap();
    server.signal("HUP");
    let line = server.logged("certificate: not loaded again, the old one stays");
    assert!(line.contains("localhost.fullchain.pem"), "{line}");
    assert_eq!(leaf(&server), second);
    fs::write(&chain, good).unwrap();
    fs::remove_file(key).unwrap();
    server.signal("HUP");
    server.logged("localhost.key");
    assert_eq!(leaf(&server), second);

    open.say("still here");
    assert_eq!(open.hear(), "still here");
    open.close();
    assert!(server.stop().success());
}

#[test]
fn a_new_list_changes_nothing_where_nobody_is_asked_for_a_certificate() {
    let (_folder, certs) = own_certs();
    let server = Server::start_with(&certs, |command| command);
    let first = leaf(&server);
    good(program("ca", &certs).arg("sign").arg(certs.join("server/localhost.csr")));
    good(program("ca", &certs).arg("crl"));
    server.logged("certificate: loaded again");
    assert_eq!(leaf(&server), first, "only SIGHUP makes web look at its files");
}

#[test]
fn sigterm_and_sigint_say_1001_to_all_and_finish_what_is_under_way() {
    let root = scratch();
    fs::write(root.path().join("long.txt"), vec![b'x'; LONG]).unwrap();
    fs::write(root.path().join("index.html"), "").unwrap();
    for signal in ["TERM", "INT"] {
        let server = Server::start(&["--root", root.path().to_str().unwrap()]);
        let mut talking: Vec<_> = ["/", "/echo", "/room"].map(|path| Socket::open(&server, path)).into();
        assert_eq!(talking[0].hear(), "welcome");
        let mut idle = tls(&server);
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert!(idle.read(&mut [0; 1024]).unwrap() > 0);
        let mut fetching = handshake(tcp_narrow(&server, "web")).unwrap();
        fetching.write_all(b"GET /long.txt HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert!(fetching.read(&mut [0; 1024]).unwrap() > 0);

        let start = Instant::now();
        server.signal(signal);
        let away = |frame: &Frame| frame.first == CLOSE && frame.payload.starts_with(&1001u16.to_be_bytes());
        for socket in &mut talking {
            assert!(away(&socket.next().unwrap()));
            socket.send(&masked(CLOSE, &1001u16.to_be_bytes()));
            assert_eq!(socket.rest(), (vec![], true));
        }
        assert_eq!(all(&mut idle), (vec![], true), "an idle connection ends with close_notify");
        let (rest, clean) = all(&mut fetching);
        assert!(clean && rest.len() > LONG - 1024, "the request under way got {} bytes, clean end: {clean}", rest.len());
        assert!(server.stop().success());
        assert!(start.elapsed() < SOON, "SIG{signal} took {:?}", start.elapsed());
    }
}

#[test]
fn a_client_that_never_answers_does_not_keep_the_server_from_ending() {
    let server = Server::start(&[]);
    let silent = tcp(&server, "web");
    let half = handshake(tcp(&server, "web")).unwrap();
    let mut deaf = Socket::open(&server, "/echo");
    let mut stuck = Socket::over(handshake(tcp_narrow(&server, "web")).unwrap(), "/echo");
    stuck.stream.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    while stuck.stream.write_all(&masked(BINARY, &[7; 60 * 1024])).is_ok() {}
    deaf.say("here");
    assert_eq!(deaf.hear(), "here");
    is_served(&server);
    let start = Instant::now();
    let status = server.stop();
    assert!(status.success(), "{status}");
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
    drop((silent, half, stuck));
    assert!(matches!(deaf.next(), Ok(frame) if frame.payload.starts_with(&1001u16.to_be_bytes())));
}

#[test]
fn newcomers_while_the_server_stops_are_told_too_or_find_nobody() {
    let server = Server::start(&[]);
    let port = server.port("web");
    thread::scope(|scope| {
        let come = || {
            let mut conversations = Vec::new();
            while let Ok(stream) = TcpStream::connect(("127.0.0.1", port))
                && let Ok(tls) = handshake(stream)
                && let Some(socket) = Socket::try_over(tls, "/room")
            {
                conversations.push(socket);
            }
            conversations
        };
        let comers: Vec<_> = (0..8).map(|_| scope.spawn(come)).collect();
        server.logged("connected to /room");
        eventually("the house is busy", || server.log().len() > 400);
        server.signal("TERM");
        for mut socket in comers.into_iter().flat_map(|comer| comer.join().unwrap()) {
            let told = socket.next();
            assert!(matches!(&told, Ok(frame) if frame.payload.starts_with(&1001u16.to_be_bytes())), "{told:?}");
        }
    });
    assert!(server.stop().success());
}
