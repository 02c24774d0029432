use super::*;
use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr},
    sync::mpsc,
    time::Instant,
};

/// A short deadline, and what a busy machine may add to it.
const SHORT: Duration = Duration::from_millis(150);
const SLACK: Duration = Duration::from_secs(2);
/// Longer than any test here takes.
const LONG: Duration = Duration::from_secs(60);

fn tcp() -> (Arc<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (Arc::new(listener.accept().unwrap().0), client)
}

fn stream(allowed: Duration) -> (Stream, TcpStream) {
    let (socket, client) = tcp();
    prepare(&socket).unwrap();
    (Stream::new(&socket, allowed).unwrap(), client)
}

/// Reads until it fails, and gives how long that took, and how it failed.
fn until_it_fails(stream: &mut Stream) -> (Duration, ErrorKind) {
    let start = Instant::now();
    loop {
        match stream.read(&mut [0; 16]) {
            Ok(0) => return (start.elapsed(), ErrorKind::UnexpectedEof),
            Ok(_) => {}
            Err(e) => return (start.elapsed(), e.kind()),
        }
    }
}

fn is_about(time: Duration, expected: Duration) -> bool {
    time >= expected - Duration::from_millis(5) && time < expected + SLACK
}

#[test]
fn silence_ends_a_phase_at_its_deadline() {
    let (mut stream, _client) = stream(SHORT);
    let (time, kind) = until_it_fails(&mut stream);
    assert!(kind == ErrorKind::TimedOut && is_about(time, SHORT), "{kind} after {time:?}");
}

#[test]
fn a_byte_at_a_time_does_not_move_the_deadline() {
    let deadline = Duration::from_millis(1_300);
    let (mut stream, mut client) = stream(deadline);
    let trickle = thread::spawn(move || {
        while client.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(50))
        }
    });
    let (time, kind) = until_it_fails(&mut stream);
    assert!(kind == ErrorKind::TimedOut && is_about(time, deadline), "{kind} after {time:?}");
    drop(stream);
    trickle.join().unwrap();
}

#[test]
fn waiting_for_the_first_byte_does_not_count_and_from_there_the_clock_runs() {
    let (mut stream, mut client) = stream(LONG);
    stream.expect(LONG, SHORT);
    client.write_all(b"x").unwrap();
    let (time, kind) = until_it_fails(&mut stream);
    assert!(kind == ErrorKind::TimedOut && is_about(time, SHORT), "{kind} after {time:?}");
}

#[test]
fn a_long_phase_after_a_short_one_is_long() {
    let (mut stream, mut client) = stream(SHORT);
    client.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    stream.expect(LONG, LONG);
    let late = thread::spawn(move || {
        thread::sleep(2 * SHORT); // the first phase would be over by now
        client.write_all(b"y").unwrap();
        client
    });
    stream.read_exact(&mut [0]).unwrap();
    late.join().unwrap();
}

#[test]
fn first_bytes_are_looked_at_and_still_there_to_be_read() {
    let (mut stream, mut client) = stream(LONG);
    client.write_all(b"GET /").unwrap();
    assert_eq!(stream.first_bytes().unwrap(), b"GET /");
    assert_eq!(stream.first_bytes().unwrap(), b"GET /");
    client.write_all(b" HTTP").unwrap();
    drop(client);
    let (mut first, mut rest) = ([0; 2], String::new());
    stream.read_exact(&mut first).unwrap();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!((&first, rest.as_str()), (b"GE", "T / HTTP"));
}

#[test]
fn who_says_nothing_has_no_first_bytes() {
    let (mut gone, client) = stream(LONG);
    drop(client);
    assert_eq!(gone.first_bytes().unwrap(), b"");
    let (mut silent, _client) = stream(SHORT);
    assert_eq!(silent.first_bytes().unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn last_words_are_read_although_the_peer_was_still_talking() {
    let (mut stream, mut client) = stream(LONG);
    client.write_all(&[b'x'; 100 * 1024]).unwrap();
    stream.write_all(b"enough").unwrap();
    let parting = thread::spawn(move || farewell(stream.socket()));
    let mut words = String::new();
    client.read_to_string(&mut words).unwrap(); // a reset would be an error
    assert_eq!(words, "enough");
    drop(client);
    parting.join().unwrap();
}

#[test]
fn farewell_does_not_wait_for_a_peer_that_stays() {
    let (stream, _client) = stream(LONG);
    let start = Instant::now();
    farewell(stream.socket());
    assert!(start.elapsed() < SLACK);
}

fn gate(total: usize, per_address: usize, strict: bool) -> Arc<Gate> {
    Gate::new(Limits { total, per_address, strict, ..Limits::default() })
}

/// Somebody at the gate, and the socket they hold.
fn comes(gate: &Arc<Gate>, address: IpAddr) -> (Option<Pass>, TcpStream) {
    let (socket, client) = tcp();
    let socket = Arc::try_unwrap(socket).unwrap();
    (gate.enter(socket, address), client)
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FAR_AWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

#[test]
fn who_is_too_many_is_told_so_and_the_place_of_who_leaves_is_free() {
    let gate = gate(2, 100, false);
    let enter = || comes(&gate, HERE).0.unwrap();
    let (first, _second, third) = (enter(), enter(), enter());
    assert_eq!(first.refused(), None);
    assert!(third.refused().unwrap().contains("as it takes: 2"));
    drop((first, third));
    assert_eq!(enter().refused(), None);
}

#[test]
fn far_too_many_are_not_even_told() {
    let gate = gate(0, 100, false);
    let told: Vec<_> = (0..64).map(|_| comes(&gate, HERE).0.unwrap()).collect();
    assert!(told.iter().all(|pass| pass.refused().is_some()));
    assert!(comes(&gate, HERE).0.is_none());
    drop(told);
    assert!(comes(&gate, HERE).0.is_some());
}

#[test]
fn an_address_is_counted_alone_and_loopback_only_when_asked_for() {
    for (strict, counted) in [(false, ELSEWHERE), (true, ELSEWHERE), (true, HERE)] {
        let gate = gate(100, 1, strict);
        let first = comes(&gate, counted).0.unwrap();
        assert_eq!(first.refused(), None);
        assert!(comes(&gate, counted).0.unwrap().refused().unwrap().contains(&counted.to_string()));
        assert_eq!(comes(&gate, FAR_AWAY).0.unwrap().refused(), None);
        drop(first);
        assert_eq!(comes(&gate, counted).0.unwrap().refused(), None, "they may come back");
    }
    let gate = gate(100, 1, false);
    let all: Vec<_> = (0..3).map(|_| comes(&gate, HERE).0.unwrap()).collect();
    assert!(all.iter().all(|pass| pass.refused().is_none()));
}

#[test]
fn closing_ends_the_reading_of_all_but_those_who_converse_and_waits_for_the_last() {
    let gate = gate(100, 100, false);
    let (reads, _reader) = comes(&gate, HERE);
    let (converses, _other) = comes(&gate, HERE);
    let (reads, converses) = (reads.unwrap(), converses.unwrap());
    converses.converses();
    assert_eq!(gate.close(SHORT), 2, "both are still here");
    assert_eq!((&**reads.socket()).read(&mut [0]).unwrap(), 0);
    converses.socket().set_read_timeout(Some(SHORT)).unwrap();
    assert_eq!((&**converses.socket()).read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(comes(&gate, HERE).0.is_none(), "nobody comes in any more");
    let leaving = thread::spawn(move || drop((reads, converses)));
    assert_eq!(gate.close(LONG), 0);
    leaving.join().unwrap();
}

#[test]
fn a_conversation_that_panics_ends_alone() {
    let (tell, told) = mpsc::channel();
    let gate = gate(100, 100, false);
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address();
    let converse = move |mut connection: Connection| {
        let word = connection.stream.first_bytes().unwrap().to_vec();
        assert_ne!(word, b"panic");
        tell.send(word).unwrap();
    };
    listener.serve(&gate, converse).unwrap();
    for word in ["one", "panic", "panic", "two"] {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(word.as_bytes()).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0, "the end");
    }
    assert_eq!([told.recv(), told.recv()], [Ok(b"one".to_vec()), Ok(b"two".to_vec())]);
    assert_eq!(gate.close(LONG), 0, "who panicked is not counted any more");
    // The port is given back when its last thread has gone.
    let start = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(start.elapsed() < LONG);
        thread::yield_now();
    }
}

#[test]
fn in_a_full_house_the_oldest_on_probation_goes_and_who_has_proved_a_name_stays() {
    let gate = gate(3, 100, false);
    let mut inside: Vec<_> = (0..3).map(|_| comes(&gate, HERE)).collect();
    for (pass, _) in &inside {
        let pass = pass.as_ref().unwrap();
        let socket = pass.socket().clone();
        pass.on_probation(move || drop(socket.shutdown(std::net::Shutdown::Both)));
    }
    let is_proven = |(pass, _): &(Option<Pass>, TcpStream)| pass.as_ref().unwrap().proven();
    assert!(is_proven(&inside[0]));
    let newcomer = comes(&gate, HERE);
    assert_eq!(newcomer.0.as_ref().unwrap().refused(), None, "there is room for it");
    assert_eq!(inside[1].1.read(&mut [0]).unwrap(), 0, "the oldest of those on probation");
    assert!(!is_proven(&inside[1]) && is_proven(&inside[2]) && is_proven(&newcomer));
    assert!(comes(&gate, HERE).0.unwrap().refused().is_some(), "nobody is on probation any more");
    inside.remove(1);
    assert!(comes(&gate, HERE).0.unwrap().refused().is_some(), "its place was taken");
    inside.clear();
    assert_eq!(comes(&gate, HERE).0.unwrap().refused(), None);
}
