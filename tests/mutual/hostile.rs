//! What peers of the hello service get wrong, on purpose or not. Each costs one line in the log, and nobody else notices.

use super::{
    cases,
    common::{Server, certs},
    peer::{all, localhost, one_line, tcp, tcp_narrow},
    people::House,
};
use padlock::{
    authority::Places,
    certificate::Identity,
    tls::{self, Settings, Tls},
    trust::Trust,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
};

cases! {
    [] a_line_without_an_end_is_refused_past_64_kib,
    [] a_line_that_is_no_text_is_refused,
    [] garbage_instead_of_a_record_is_answered_with_an_alert,
    [] whoever_never_reads_is_given_up,
    [] whoever_vanishes_costs_one_line,
    [] each_of_two_connections_gets_its_own_readings_in_order,
}

/// Greeted as alice, over this TCP connection.
fn alice(house: &House, stream: TcpStream) -> BufReader<Tls<TcpStream>> {
    let mut tls = BufReader::new(shake_hands(stream, &house.alice()));
    assert_eq!(line(&mut tls), "hello alice\n");
    tls
}

pub fn shake_hands(stream: TcpStream, who: &Identity) -> Tls<TcpStream> {
    let trust = Trust::lab(&Places::new(certs())).unwrap();
    let config = tls::client(Some(who), &trust, Default::default(), &Settings::default()).unwrap();
    tls::connect(stream, localhost(), &config).map_err(|(failure, _)| failure).unwrap()
}

pub fn line(tls: &mut BufReader<Tls<TcpStream>>) -> String {
    let mut line = String::new();
    tls.read_line(&mut line).unwrap();
    line
}

pub fn is_echoed(tls: &mut BufReader<Tls<TcpStream>>) {
    tls.get_mut().write_all(b"still here\n").unwrap();
    assert_eq!(line(tls), "still here\n");
}

/// What the log says about this connection beyond who it is: one line.
fn one_incident(server: &Server, stream: &TcpStream, what: &str) {
    let remote = stream.local_addr().unwrap();
    server.logged(&format!("{remote}{what}"));
    let lines: Vec<_> = server.log().into_iter().filter(|line| line.contains(&remote.to_string())).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].ends_with(" is alice"), "{lines:?}");
}

fn a_line_without_an_end_is_refused_past_64_kib() {
    is_refused(&[b'x'; 1 << 20], "a line is longer than 65536 bytes");
}

fn a_line_that_is_no_text_is_refused() {
    is_refused(b"\xff\xfe\x00\x01\n", "a line is not UTF-8");
}

/// Said in words, ended with close_notify, logged, and not noticed by the next one.
fn is_refused(bytes: &[u8], why: &str) {
    let house = House::new();
    let server = house.open(&[]);
    let mut other = alice(&house, tcp(&server, "hello"));
    let mut tls = alice(&house, tcp(&server, "hello"));
    tls.get_mut().write_all(bytes).unwrap();
    let (heard, clean) = all(&mut tls);
    assert_eq!((String::from_utf8(heard).unwrap(), clean), (format!("refused: {why}\n"), true));
    one_incident(&server, &tls.get_ref().stream, &format!(" refused: {why}"));
    is_echoed(&mut other);
}

fn garbage_instead_of_a_record_is_answered_with_an_alert() {
    let house = House::new();
    let server = house.open(&[]);
    let mut other = alice(&house, tcp(&server, "hello"));
    for (garbage, alert) in [(&[0xff; 64][..], "DecodeError"), (b"\x17\x03\x03\x00\x20garbage garbage garbage garbage.", "BadRecordMac")] {
        let mut tls = alice(&house, tcp(&server, "hello"));
        tls.get_mut().stream.write_all(garbage).unwrap();
        let failed = tls.read(&mut [0; 64]).unwrap_err().to_string();
        assert!(failed.contains(alert), "{failed}");
        one_incident(&server, &tls.get_ref().stream, ": ");
    }
    is_echoed(&mut other);
}

fn whoever_never_reads_is_given_up() {
    let house = House::new();
    let server = house.open(&[]);
    let mut other = alice(&house, tcp(&server, "hello"));
    let mut tls = alice(&house, tcp_narrow(&server, "hello"));
    let lines = "never read\n".repeat(6_000);
    // Until it takes no more: everything that is said has to be said again, and nobody takes that.
    while tls.get_mut().write_all(lines.as_bytes()).is_ok() {}
    one_incident(&server, &tls.get_ref().stream, ": the client went silent");
    is_echoed(&mut other);
}

fn whoever_vanishes_costs_one_line() {
    let house = House::new();
    let server = house.open(&[]);
    let mut other = alice(&house, tcp(&server, "hello"));
    let tls = alice(&house, tcp(&server, "hello"));
    let stream = tls.get_ref().stream.try_clone().unwrap();
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    one_incident(&server, &stream, ": the client closed in the middle of the session, without a word");
    is_echoed(&mut other);
    // Before it has said a word.
    let stream = tcp(&server, "hello");
    let remote = stream.local_addr().unwrap();
    drop(stream);
    assert!(one_line(&server, remote).contains("closed in the middle of the handshake"));
    is_echoed(&mut other);
}

fn each_of_two_connections_gets_its_own_readings_in_order() {
    let house = House::new();
    let server = house.open(&[]);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut tls = alice(&house, tcp(&server, "hello"));
                tls.get_mut().write_all(b"telemetry 10\n").unwrap();
                let readings: Vec<u64> = (0..10)
                    .map(|_| serde_json::from_str::<serde_json::Value>(&line(&mut tls)).unwrap()["seqNo"].as_u64().unwrap())
                    .collect();
                assert_eq!(readings, (0..10).collect::<Vec<_>>());
                is_echoed(&mut tls);
            });
        }
    });
}
