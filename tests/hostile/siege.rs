//! What an attack leaves behind: nothing. Each kind is run again and again, and threads, descriptors and memory are as after
//! the first time.

use super::common::Server;
use super::peer::{BINARY, Cost, Socket, TEXT, all, ask, eventually, handshake, header, is_served, masked, tcp, tls};
use std::{
    io::Write,
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};

/// Threads of an idle server at most: those of its seven ports that wait for a connection, and those that wait for signals and for
/// revocations.
const WAITING: usize = 7 * 16 + 2;
/// Of them, those that one port under attack leaves: its own, one or two for each other port, and a few that are there from the start.
const LEFT: usize = 16 + 6 * 2 + 8;

#[test]
fn two_hundred_silent_connections_slow_nobody_down() {
    let server = Server::start(&[]);
    is_served(&server);
    let silent: Vec<_> = (0..200).map(|n| tcp(&server, if n % 4 == 0 { "plain" } else { "web" })).collect();
    let after_the_handshake: Vec<_> = (0..50).map(|_| tls(&server)).collect();
    let start = Instant::now();
    for _ in 0..20 {
        is_served(&server);
        let mut socket = Socket::open(&server, "/");
        assert_eq!(socket.hear(), "welcome");
        socket.close();
    }
    assert!(start.elapsed() < Duration::from_secs(5), "40 conversations took {:?}", start.elapsed());
    assert!(Cost::of(&server).threads >= 250, "each has its own thread");
    drop((silent, after_the_handshake));
    eventually("their threads are gone", || Cost::of(&server).threads <= WAITING);
}

#[test]
fn threads_descriptors_and_memory_are_back_after_every_kind_of_attack() {
    let server = Server::start(&[]);
    let honest = &mut Socket::open(&server, "/echo");
    let round = |server: &Server| {
        thread::scope(|scope| (0..40).for_each(|_| drop(scope.spawn(|| attack(server)))));
        is_served(server);
    };
    round(&server);
    round(&server);
    let settled = quiet(&server);
    for _ in 0..6 {
        round(&server);
        honest.say("still here");
        assert_eq!(honest.hear(), "still here");
    }
    let after = quiet(&server);
    assert!(after.threads <= settled.threads.max(LEFT) && after.descriptors <= settled.descriptors.max(64), "{settled:?} became {after:?}");
    assert!(after.kib < settled.kib + 4 * 1024, "{settled:?} became {after:?}: six more rounds must not cost memory");
}

/// The cost when all that is over has been cleared away: the honest client is left, and threads that wait.
fn quiet(server: &Server) -> Cost {
    eventually("all attackers are gone", || Cost::of(server).threads <= WAITING + 1);
    // Each of the seven ports takes two, and there are the standard ones, signals, the honest client's.
    eventually("all sockets are closed", || Cost::of(server).descriptors < 28);
    Cost::of(server)
}

/// One of each.
fn attack(server: &Server) {
    let raw = |bytes: &[u8]| {
        let mut stream = tcp(server, "web");
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        all(&mut stream);
    };
    raw(b"");
    raw(&[22, 3, 1, 0xff]);
    raw(&[0x55; 3_000]);
    raw(b"GET / HTTP/1.1\r\n\r\n");
    let mut large = tls(server);
    let _ = large.write_all(&[b'x'; 300_000]);
    all(&mut large);
    drop(handshake(tcp(server, "web")));
    ask(&mut tls(server), "GET /docs/");
    for frames in [
        vec![0x81, 1, b'x'],
        [header(BINARY, 1 << 63, true), vec![1, 2, 3, 4]].concat(),
        masked(0xf1, b"x"),
        masked(TEXT, b"\xff"),
        [masked(TEXT & 0x7f, b"x"), masked(0x88, b"")].concat(),
        masked(BINARY, &[0; 64 * 1024]),
    ] {
        let mut socket = Socket::open(server, "/echo");
        socket.send(&frames);
        let _ = socket.next();
        socket.vanish();
    }
}
