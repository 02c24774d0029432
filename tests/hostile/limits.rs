//! More connections than there may be, and more than there can be.

use super::common::Server;
use super::peer::{Cost, Socket, all, ask, eventually, handshake, is_served, tcp, tcp_from, tls};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::net::{Ipv4Addr, TcpStream};

#[test]
fn one_connection_too_many_is_told_503_and_the_next_one_after_somebody_left_is_served() {
    let server = Server::start(&["--max-connections", "5"]);
    let mut inside: Vec<_> = (0..5).map(|_| Socket::open(&server, "/")).collect();
    for _ in 0..2 {
        let answer = ask(&mut tls(&server), "GET /");
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nRetry-After: 5\r\n"), "{answer}");
        assert!(answer.contains("as many connections as it takes: 5"), "{answer}");
        let answer = ask(&mut tcp(&server, "plain"), "GET /trust");
        assert!(answer.starts_with("HTTP/1.1 503 "), "both ports are one house: {answer}");
    }
    assert_eq!(inside[4].hear(), "welcome");
    inside.pop().unwrap().close();
    eventually("there is room again", || ask(&mut tls(&server), "GET /healthz").starts_with("HTTP/1.1 200 "));
    inside.into_iter().for_each(|mut socket| {
        assert_eq!(socket.hear(), "welcome");
        socket.close();
    });
}

#[test]
fn far_too_many_are_closed_without_a_word_and_hold_no_thread() {
    let server = Server::start(&["--max-connections", "5"]);
    let crowd: Vec<_> = (0..200).map(|_| tcp(&server, "web")).collect();
    let remote = crowd[199].local_addr().unwrap();
    let line = server.logged(&remote.to_string());
    assert!(line.contains("turned away"), "{line}");
    assert_eq!(all(&mut &crowd[199]).0, b"");
    // Five inside, and those that wait on seven ports; each of the crowd has had a thread while it was turned away.
    eventually("their threads are gone", || Cost::of(&server).threads < 5 + 7 * 16 + 8);
    drop(crowd);
    eventually("there is room again", || {
        let stream = handshake(tcp(&server, "web")); // some of the crowd may still be counted
        stream.is_ok_and(|mut tls| ask(&mut tls, "GET /healthz").starts_with("HTTP/1.1 200 "))
    });
}

#[test]
fn one_address_can_not_take_all_the_room() {
    let server = Server::start(&["--max-per-address", "3"]);
    let [greedy, other] = [2, 3].map(|last| Ipv4Addr::new(127, 0, 0, last));
    let from = |address| handshake(tcp_from(&server, "web", address)).unwrap();
    let inside: Vec<_> = (0..3).map(|_| Socket::over(from(greedy), "/")).collect();
    let answer = ask(&mut from(greedy), "GET /");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("127.0.0.2 has as many connections as one address gets: 3"), "{answer}");
    assert!(ask(&mut from(other), "GET /").starts_with("HTTP/1.1 200 "));
    inside.into_iter().for_each(Socket::close);
    eventually("it may come back", || ask(&mut from(greedy), "GET /").starts_with("HTTP/1.1 200 "));
}

#[test]
fn loopback_is_not_counted_unless_asked_for() {
    let server = Server::start(&["--quiet"]);
    let crowd: Vec<_> = (0..300).map(|_| tcp(&server, "web")).collect(); // 256 are allowed from one address elsewhere
    is_served(&server);
    drop(crowd);
}

#[test]
fn running_out_of_file_descriptors_is_survived_and_said_no_more_often_than_it_happens() {
    let server = Server::start(&[]);
    let mut open = Socket::open(&server, "/echo");
    // From here on it may have a few more than it has.
    let limit = Some(Cost::of(&server).descriptors as u64 + 20);
    let pid = Pid::from_raw(server.pid() as i32);
    prlimit(pid, Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
    let crowd: Vec<_> = (0..60).map(|_| tcp(&server, "web")).collect();
    server.logged("out of file descriptors");
    let unheard = || crowd.iter().filter(|stream| is_closed(stream)).count();
    eventually("those who find no room are closed", || unheard() >= 60 - 20);
    open.say("still here");
    assert_eq!(open.hear(), "still here");
    let lines = || server.log().iter().filter(|line| line.contains("out of file descriptors")).count();
    assert!(lines() <= unheard(), "{} lines about {} connections", lines(), unheard());
    drop(crowd);
    eventually("it serves again", || {
        let stream = handshake(tcp(&server, "web"));
        stream.is_ok_and(|mut tls| ask(&mut tls, "GET /healthz").starts_with("HTTP/1.1 200 "))
    });
    open.close();
}

/// Whether the server has closed this connection, without waiting for it.
fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let closed = stream.peek(&mut [0]).is_ok_and(|n| n == 0) || stream.take_error().unwrap().is_some();
    stream.set_nonblocking(false).unwrap();
    closed
}
