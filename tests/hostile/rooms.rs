//! Many people at once, and some of them don't read, or are suddenly gone.

use super::common::Server;
use super::peer::{BINARY, CLOSE, Cost, Frame, Socket, TEXT, eventually, handshake, header, is_served, masked, tcp_narrow};
use std::{io::Write, thread, time::Duration};

#[test]
fn twenty_clients_at_once_get_each_number_exactly_once() {
    let server = Server::start(&["--quiet"]);
    let mut numbers: Vec<usize> = thread::scope(|scope| {
        let clients: Vec<_> = (0..20).map(|_| scope.spawn(|| count(&server, 5_000, 50))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=20 * 5_050));
}

/// Says so many messages without waiting for any answer, then others one by one. Gives the numbers that came back.
fn count(server: &Server, at_once: usize, one_by_one: usize) -> Vec<usize> {
    let mut socket = Socket::open(server, "/");
    assert_eq!(socket.hear(), "welcome");
    let number = |text: String| text.strip_prefix("counter: ").unwrap().parse().unwrap();
    socket.send(&masked(TEXT, b"count").repeat(at_once));
    let mut numbers: Vec<usize> = (0..at_once).map(|_| number(socket.hear())).collect();
    for _ in 0..one_by_one {
        socket.say("count");
        numbers.push(number(socket.hear()));
    }
    socket.close();
    assert!(numbers.is_sorted(), "one connection's numbers grow");
    numbers
}

#[test]
fn everybody_in_the_room_hears_everything_in_each_speakers_order() {
    let server = Server::start(&["--quiet"]);
    let mut sockets: Vec<_> = (0..10).map(|_| seated(Socket::open(&server, "/room"))).collect();
    for (speaker, socket) in sockets.iter_mut().enumerate() {
        (0..20).for_each(|n| socket.say(&format!("{speaker}: {n}")));
    }
    for socket in &mut sockets {
        let mut next = [0; 10];
        let mut heard = 0;
        while heard < 200 {
            let frame = socket.next().unwrap();
            if frame.first == BINARY {
                continue; // somebody took a seat
            }
            let said = String::from_utf8(frame.payload).unwrap();
            let (speaker, n) = said.split_once(": ").unwrap();
            let next = &mut next[speaker.parse::<usize>().unwrap()];
            assert_eq!(n.parse(), Ok(*next), "{said}");
            *next += 1;
            heard += 1;
        }
    }
    sockets.into_iter().for_each(Socket::close);
}

/// Somebody in /room who is known to be in: it has heard itself.
fn seated(mut socket: Socket) -> Socket {
    socket.send(&masked(BINARY, b"here"));
    assert_eq!(socket.next(), Ok(Frame { first: BINARY, payload: b"here".to_vec() }));
    socket
}

#[test]
fn who_stops_reading_in_the_room_is_dropped_and_nobody_else_notices() {
    const MESSAGES: usize = 400; // 24 MB: more than the server's socket and queue hold together
    let server = Server::start(&[]);
    is_served(&server);
    let before = Cost::of(&server);
    let mut stuck = seated(Socket::over(handshake(tcp_narrow(&server, "web")).unwrap(), "/room"));
    let mut listener = seated(Socket::open(&server, "/room"));
    let mut speaker = seated(Socket::open(&server, "/room"));
    assert_eq!(listener.next().unwrap().payload, b"here"); // the speaker's
    for n in 0..MESSAGES {
        speaker.send(&masked(BINARY, &[n as u8; 60 * 1024]));
        for other in [&mut speaker, &mut listener] {
            assert!(other.next().unwrap().payload == [n as u8; 60 * 1024], "message {n}");
        }
    }
    let during = Cost::of(&server);
    assert!(during.kib < before.kib + 8 * 1024, "{before:?} became {during:?}");
    let line = server.logged(&format!("{} dropped", stuck.local()));
    assert_eq!(line, format!("mailbox: {} dropped: it does not read what is sent to it", stuck.local()));
    // What it had taken by then is whole. Close says why, if it read again early enough.
    let (frames, _) = stuck.rest();
    let (last, taken) = frames.split_last().unwrap();
    assert!(taken.iter().all(|frame| frame.first == BINARY) && taken.len() < MESSAGES);
    assert!(last.first == BINARY || *last == Frame { first: CLOSE, payload: [&1013u16.to_be_bytes()[..], b"too slow"].concat() });
    speaker.close();
    listener.close();
    eventually("nothing is left", || Cost::of(&server).descriptors <= before.descriptors);
}

#[test]
fn an_echo_that_is_never_read_stops_only_its_own_sender() {
    let server = Server::start(&[]);
    is_served(&server);
    let before = Cost::of(&server);
    let stream = tcp_narrow(&server, "web");
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut stuck = Socket::over(handshake(stream).unwrap(), "/echo");
    // Says much and reads nothing, until the server takes no more of it.
    let message = masked(BINARY, &[7; 60 * 1024]);
    let taken = (0..2_000).take_while(|_| stuck.stream.write_all(&message).is_ok()).count();
    assert!(taken < 2_000, "120 MB were taken from somebody who reads nothing");
    assert_eq!(count(&server, 10, 10).len(), 20);
    let during = Cost::of(&server);
    assert!(during.kib < before.kib + 8 * 1024, "{before:?} became {during:?}");
    let line = format!("{} lost", stuck.local());
    stuck.vanish();
    server.logged(&line);
    eventually("nothing is left", || Cost::of(&server).descriptors <= before.descriptors);
}

#[test]
fn a_peer_that_vanishes_is_one_line_and_leaves_nothing() {
    let server = Server::start(&[]);
    is_served(&server);
    let before = Cost::of(&server);
    for path in ["/", "/echo", "/room"] {
        for unfinished in [vec![], masked(TEXT & 0x7f, b"half a mess"), header(BINARY, 60_000, true), vec![0x81]] {
            let mut socket = Socket::open(&server, path);
            let remote = socket.local().to_string();
            socket.send(&unfinished);
            socket.vanish();
            let line = server.logged(&format!("{remote} lost"));
            assert!(line.starts_with("websocket: "), "{line}");
            let lines = server.log().into_iter().filter(|line| line.contains(&remote)).count();
            assert_eq!(lines, 3, "the request, that it is connected, that it is lost");
        }
    }
    eventually("nothing is left", || Cost::of(&server).descriptors <= before.descriptors);
}
