//! What `./wiretap` owes to both sides: neither waits for the other, nor for whoever watches, and how one ends, so ends the other.

use super::{
    cases,
    client::lines,
    common::{PATIENCE, certs, own_certs, scratch},
    peer::{Cost, eventually, localhost},
    wiretap::Wiretap,
};
use padlock::{
    authority::Places,
    certificate::{self, Identity},
    tls::{self, Settings, Tls},
    trust::Trust,
};
use rustix::net::sockopt::set_socket_linger;
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

cases! {
    [] a_reset_is_a_reset_for_the_other_side_too,
    ["tshark"] a_reset_is_a_reset_in_the_capture,
    [] where_no_server_is_the_connection_is_reset,
    [] a_terminal_that_nobody_reads_holds_nobody_up,
    [] a_thousand_connections_leave_nothing_behind,
    [] a_circle_ends_with_an_answer,
    [] in_the_middle_nobody_waits_for_the_other_and_who_has_said_all_still_listens,
}

/// Connections that a wiretap takes at once.
const CONNECTIONS: usize = 256;
/// Descriptors of an idle one at most: the standard three, its port twice, a spare one, two for signals, and a few to be sure.
const OPEN: usize = 12;
/// Threads of an idle wiretap at most: those that wait for a connection, for signals, and for something to print.
const WAITING: usize = 16 + 2;

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn dial(port: u16) -> TcpStream {
    patient(TcpStream::connect(("127.0.0.1", port)).unwrap())
}

fn accept(listener: &TcpListener) -> TcpStream {
    patient(listener.accept().unwrap().0)
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn reset(stream: TcpStream) {
    set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
}

fn is_reset(mut stream: &TcpStream) -> bool {
    stream.read(&mut [0; 100]).is_err_and(|e| e.kind() == ErrorKind::ConnectionReset)
}

fn a_reset_is_a_reset_for_the_other_side_too() {
    let (server, port) = listener();
    let tap = Wiretap::start(certs(), port, &[]);
    for (number, by_the_client, after_its_end) in [(1, true, false), (2, false, false), (3, true, true), (4, false, true)] {
        let mut client = dial(tap.port);
        let mut served = accept(&server);
        client.write_all(b"one\n").unwrap();
        assert_eq!(tap.shown.recv_timeout(PATIENCE).unwrap(), format!("{number} one"));
        served.read_exact(&mut [0; 4]).unwrap();
        let (gone, other) = if by_the_client { (client, served) } else { (served, client) };
        if after_its_end {
            other.shutdown(Shutdown::Write).unwrap();
            assert_eq!((&gone).read(&mut [0]).unwrap(), 0);
        }
        reset(gone);
        assert!(is_reset(&other), "{number}: a reset became something else");
        let shown = tap.shown.recv_timeout(PATIENCE).unwrap();
        assert_eq!(shown.trim_start(), format!("{number} (cut off: connection reset by peer)"));
        assert_eq!(shown.starts_with(' '), !by_the_client, "it stands in the column of who did it: {shown}");
    }
}

fn a_reset_is_a_reset_in_the_capture() {
    let (server, port) = listener();
    let folder = scratch();
    let file = folder.path().join("reset.pcapng");
    let tap = Wiretap::start(certs(), port, &["--capture", file.to_str().unwrap()]);
    let mut client = dial(tap.port);
    let mut served = accept(&server);
    client.write_all(b"one\n").unwrap();
    served.read_exact(&mut [0; 4]).unwrap();
    reset(served);
    assert!(is_reset(&client));
    tap.stop();
    let from = |filter| super::capture::tshark(&file, &["-Y", filter, "-T", "fields", "-e", "tcp.srcport"]);
    assert_eq!(from("tcp.flags.reset == 1"), format!("{port}\n"));
    assert_eq!(from("tcp.flags.fin == 1"), "", "nobody has said goodbye");
}

fn where_no_server_is_the_connection_is_reset() {
    let (nobody, port) = listener();
    drop(nobody);
    let tap = Wiretap::start(certs(), port, &[]);
    assert!(is_reset(&dial(tap.port)));
}

fn a_terminal_that_nobody_reads_holds_nobody_up() {
    const LINES: usize = 100_000;
    let (server, port) = listener();
    let (tap, stdout) = Wiretap::unread(certs(), port, &[]);
    let client = dial(tap.port);
    let served = accept(&server);
    thread::scope(|scope| {
        scope.spawn(|| {
            (&client).write_all("swordfish\n".repeat(LINES).as_bytes()).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
        });
        let mut heard = Vec::new();
        (&served).read_to_end(&mut heard).unwrap();
        assert_eq!(heard.len(), "swordfish\n".len() * LINES);
    });
    // It is said once or more often: whoever prints may have been held up before the pipe was full, too.
    let (shown, mut read, mut left_out) = (lines(stdout), 0, 0);
    while read + left_out < LINES {
        let line = shown.recv_timeout(PATIENCE).expect("nothing is said of what was left out");
        match line.split_once(" lines left out: nobody was reading)") {
            Some((number, _)) => left_out += number.trim_start_matches('(').parse::<usize>().unwrap(),
            None => read += usize::from(line == "1 swordfish"),
        }
    }
    assert!(read + left_out == LINES && left_out > 0, "{read} read, {left_out} left out");
    drop(tap);
}

fn a_thousand_connections_leave_nothing_behind() {
    let (server, port) = listener();
    let tap = Wiretap::start(certs(), port, &[]);
    thread::spawn(move || {
        for served in server.incoming().map(Result::unwrap) {
            thread::spawn(move || std::io::copy(&mut &served, &mut &served));
        }
    });
    let cost = || Cost::of_process(tap.pid());
    let converse = |number: usize| {
        let mut client = dial(tap.port);
        client.write_all(&[b'x'; 100_000]).unwrap();
        match number % 4 {
            0 => reset(client),
            _ => {
                client.shutdown(Shutdown::Write).unwrap();
                let mut heard = Vec::new();
                client.read_to_end(&mut heard).unwrap();
                assert_eq!(heard.len(), 100_000);
            }
        }
    };
    let quiet = |connections: usize| {
        for _ in 0..connections / 20 {
            thread::scope(|scope| (0..20).for_each(|number| drop(scope.spawn(move || converse(number)))));
        }
        eventually("no thread is left", || cost().threads <= WAITING);
        eventually("no descriptor is left", || cost().descriptors <= OPEN);
        cost()
    };
    let after_a_hundred = quiet(100);
    let after_a_thousand = quiet(900);
    assert!(after_a_thousand.kib < after_a_hundred.kib + 4 * 1024, "{after_a_hundred:?} became {after_a_thousand:?}");
}

/// We stand for the second of two wiretaps that pass everything on to each other.
fn a_circle_ends_with_an_answer() {
    let (other, port) = listener();
    let tap = Wiretap::start(certs(), port, &[]);
    let mut rounds = vec![dial(tap.port)];
    let mut served = Vec::new();
    for _ in 0..CONNECTIONS {
        served.push(accept(&other));
        rounds.push(dial(tap.port));
    }
    assert!(is_reset(&rounds.pop().unwrap()), "one more is turned away");
    let shown = tap.shown.recv_timeout(PATIENCE).unwrap() + &tap.shown.recv_timeout(PATIENCE).unwrap();
    assert!(shown.contains("(turned away: too many connections") && shown.contains(&port.to_string()), "{shown}");
    served.into_iter().for_each(reset);
    assert!(rounds.iter().all(is_reset), "and so the whole circle comes undone");
    eventually("no descriptor is left", || Cost::of_process(tap.pid()).descriptors <= OPEN);
    drop(dial(tap.port));
    accept(&other);
}

/// A client and a server of TLS, with a wiretap between them whose authority the client has imported.
fn fooled(certs: &Path) -> (Wiretap, Tls<TcpStream>, Tls<TcpStream>) {
    let places = Places::new(certs);
    let (chain, key) = places.server("localhost");
    let config = tls::server(&Identity::load(&chain, &key).unwrap(), None, &Settings::default()).unwrap();
    let (server, port) = listener();
    let tap = Wiretap::start(certs, port, &["--mitm", "trusted"]);
    let roots = certificate::load_chain(&certs.join("attacker/root.crt")).unwrap();
    let trust = Trust::certificates("the attacker", &roots).unwrap();
    let served = thread::spawn(move || tls::accept(accept(&server), &config).map_err(|(failure, _)| failure).unwrap());
    let config = tls::client(None, &trust, Default::default(), &Settings::default()).unwrap();
    let client = tls::connect(dial(tap.port), localhost(), &config).map_err(|(failure, _)| failure).unwrap();
    (tap, client, served.join().unwrap())
}

fn in_the_middle_nobody_waits_for_the_other_and_who_has_said_all_still_listens() {
    const MUCH: usize = 32 << 20;
    let (_folder, certs) = own_certs();
    let (_tap, mut client, mut server) = fooled(&certs);
    let incoming = server.stream.try_clone().unwrap();
    let hears = thread::spawn(move || {
        let mut sealed = Vec::new();
        (&incoming).read_to_end(&mut sealed).map(|_| sealed).unwrap()
    });
    let serves = thread::spawn(move || {
        server.write_all(&vec![b's'; MUCH]).unwrap();
        // By now the client has read, so it had said all, and ended.
        let (heard, is_end) = tls::open(&mut server.session, &hears.join().unwrap()).unwrap();
        assert!(is_end && heard.len() == MUCH, "{} bytes came", heard.len());
        server.write_all(b"last words").unwrap();
        server.close().unwrap();
    });
    client.write_all(&vec![b'c'; MUCH]).unwrap(); // and reads nothing meanwhile
    client.close().unwrap();
    client.stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).unwrap();
    serves.join().unwrap();
    assert!(heard.len() == MUCH + 10 && heard.ends_with(b"slast words"), "{} bytes came", heard.len());
}
