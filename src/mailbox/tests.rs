mod rules;

use super::*;
use crate::{
    certificate::Identity,
    tls,
    wire::{Direction, Socket, Watcher},
};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

const MAX: usize = 16 * 1024 * 1024;

/// Two ends of a TCP connection.
fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, client)
}

/// Two ends of a TLS session: server, client.
fn tls_pair() -> (tls::Tls<TcpStream>, tls::Tls<TcpStream>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let identity = Identity { chain: vec![made.cert.der().clone()], key };
    let trust = crate::trust::Trust::certificates("the test's own", &identity.chain).unwrap();
    let server = tls::server(&identity, None, &tls::Settings::default()).unwrap();
    let client = tls::client(None, &trust, Default::default(), &tls::Settings::default()).unwrap();
    let (there, here) = tcp();
    let accepting = thread::spawn(move || tls::accept(there, &server).map_err(|(e, _)| e).unwrap());
    let connected = tls::connect(here, ServerName::try_from("localhost").unwrap(), &client).map_err(|(e, _)| e).unwrap();
    (accepting.join().unwrap(), connected)
}

fn mailbox(tls: tls::Tls<TcpStream>, role: Role) -> Arc<Mailbox> {
    Mailbox::new(Arc::new(tls.stream), Some(tls.session), role, Vec::new(), MAX)
}

fn pair() -> (Arc<Mailbox>, Arc<Mailbox>) {
    let (server, client) = tls_pair();
    (mailbox(server, Role::Server), mailbox(client, Role::Client))
}

/// Listens on a thread, and gives what was heard and how it ended.
fn hear_all(mailbox: &Arc<Mailbox>) -> thread::JoinHandle<(Vec<Message>, Ended)> {
    let mailbox = mailbox.clone();
    thread::spawn(move || {
        let mut heard = Vec::new();
        let ended = mailbox.listen(|message| heard.push(message));
        (heard, ended)
    })
}

fn echo(mailbox: &Arc<Mailbox>) -> thread::JoinHandle<Ended> {
    let mailbox = mailbox.clone();
    thread::spawn(move || mailbox.listen(|message| drop(mailbox.answer(message))))
}

/// A masked frame with a mask of zeros.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

#[test]
fn what_is_said_comes_back_and_both_sides_agree_on_the_end() {
    let (server, client) = pair();
    let server = echo(&server);
    let (tell, told) = mpsc::channel();
    let listening = client.clone();
    let end = thread::spawn(move || listening.listen(|message| tell.send(message).unwrap()));
    for size in [0, 1, 125, 126, 4_096, 65_535, 65_536, 1_000_000, 8_000_000] {
        let message = Message::binary(vec![7; size]);
        client.send(message.clone()).unwrap();
        assert!(told.recv().unwrap() == message, "{size} bytes came back changed");
    }
    client.close(CloseCode::Normal, "bye");
    assert!(matches!(end.join().unwrap(), Ended::Closed(Some(frame)) if frame.code == CloseCode::Normal));
    assert!(matches!(server.join().unwrap(), Ended::Closed(Some(frame)) if frame.reason == "bye"));
    assert!(client.post(Message::text("more")).is_err(), "nothing is said after the end");
}

/// Both queues fill up: neither side may stop to read because it has more to say.
#[test]
fn who_has_much_to_say_to_an_echo_hears_all_of_it() {
    const COUNT: usize = 400;
    let (server, client) = pair();
    let (echoing, listener) = (echo(&server), client.clone());
    let hearing = thread::spawn(move || {
        let mut heard = 0;
        listener.listen(|_| {
            if heard == 0 {
                thread::sleep(Duration::from_millis(500)); // so that all buffers on the way are full
            }
            heard += 1;
        });
        heard
    });
    let said = Message::text("x".repeat(60_000));
    (0..COUNT).for_each(|_| client.send(said.clone()).unwrap());
    client.close(CloseCode::Normal, "");
    assert_eq!(hearing.join().unwrap(), COUNT);
    echoing.join().unwrap();
}

#[test]
fn messages_from_many_threads_arrive_whole_and_each_threads_in_order() {
    let (server, client) = pair();
    let heard = hear_all(&client);
    let listening = hear_all(&server);
    thread::scope(|scope| {
        for who in 0..8 {
            let server = &server;
            scope.spawn(move || (0..1_000).for_each(|n| server.post(Message::text(format!("{who} {n}"))).unwrap()));
        }
    });
    server.close(CloseCode::Normal, "");
    let (messages, _) = heard.join().unwrap();
    listening.join().unwrap();
    assert_eq!(messages.len(), 8_000);
    for who in 0..8 {
        let prefix = format!("{who} ");
        let numbers = messages.iter().filter_map(|m| m.to_text().unwrap().strip_prefix(&prefix)).map(|n| n.parse::<usize>().unwrap());
        assert!(numbers.eq(0..1_000), "thread {who} was heard out of order");
    }
}

#[test]
fn a_listener_that_stops_reading_is_dropped_and_the_others_hear_everything() {
    let room = Arc::new(Room::default());
    let (stuck, _keeps_the_line_open) = tls_pair();
    let stuck = mailbox(stuck, Role::Server);
    let seat = room.join(&stuck);
    let stuck_end = hear_all(&stuck);
    let good: Vec<_> = (0..3).map(|_| pair()).collect();
    let seats: Vec<_> = good.iter().map(|(server, _)| room.join(server)).collect();
    let servers: Vec<_> = good.iter().map(|(server, _)| hear_all(server)).collect();
    // The good ones acknowledge, so that the speaker never runs far ahead of them.
    let heard = AtomicUsize::new(0);
    thread::scope(|scope| {
        for (_, client) in &good {
            scope.spawn(|| {
                client.listen(|_| {
                    heard.fetch_add(1, Ordering::SeqCst);
                })
            });
        }
        let message = Message::binary(vec![1; 64 * 1024]);
        for n in 1..=400 {
            room.say(&message);
            while heard.load(Ordering::SeqCst) < 3 * n {
                thread::yield_now();
            }
        }
        good.iter().for_each(|(server, _)| server.close(CloseCode::Normal, ""));
    });
    assert_eq!(heard.load(Ordering::SeqCst), 3 * 400);
    assert!(matches!(stuck_end.join().unwrap().1, Ended::TooSlow));
    drop((seat, seats));
    servers.into_iter().for_each(|server| assert!(matches!(server.join().unwrap().1, Ended::Closed(_))));
    assert!(room.is_empty());
}

#[test]
fn who_comes_after_the_room_has_closed_is_told_too() {
    let room = Arc::new(Room::default());
    room.close(CloseCode::Away, "the server stops");
    let (server, client) = pair();
    let _seat = room.join(&server);
    let listening = hear_all(&server);
    let (heard, ended) = hear_all(&client).join().unwrap();
    assert!(heard.is_empty() && matches!(ended, Ended::Closed(Some(frame)) if frame.code == CloseCode::Away));
    listening.join().unwrap();
}

#[test]
fn a_peer_that_reads_late_gets_every_answer() {
    let (server, client) = tls_pair();
    let server = echo(&mailbox(server, Role::Server));
    let mut socket = tungstenite::WebSocket::from_raw_socket(client, Role::Client, None);
    let message = Message::binary((0..3_000_000).map(|n| n as u8).collect::<Vec<_>>());
    // More than sockets hold: the server has to wait for us, and we are still writing.
    let sent = message.clone();
    for _ in 0..4 {
        socket.send(sent.clone()).unwrap();
        assert!(socket.read().unwrap() == message);
    }
    socket.close(None).unwrap();
    while socket.read().is_ok() {}
    assert!(matches!(server.join().unwrap(), Ended::Closed(None)));
}

/// What passed, by direction: sent, received.
#[derive(Default)]
struct Passed(Mutex<[Vec<u8>; 2]>);

impl Watcher for Passed {
    fn seen(&self, direction: Direction, bytes: &[u8]) {
        self.0.lock().unwrap()[usize::from(direction == Direction::Received)].extend_from_slice(bytes);
    }
}

/// A reader that reads late: most of what is said waits in the queue, and a thread of its own sends it.
#[test]
fn a_watcher_sees_what_the_socket_took_in_its_order() {
    let (there, mut here) = tcp();
    let passed = Arc::new(Passed::default());
    let mut socket = Socket::from(Arc::new(there));
    socket.watch(passed.clone());
    let mailbox = Mailbox::new(socket, None, Role::Server, Vec::new(), MAX);
    let listening = echo(&mailbox);
    for n in 0..200u8 {
        mailbox.post(Message::binary(vec![n; 40_000])).unwrap();
    }
    let said = masked(0x88, b"");
    here.write_all(&said).unwrap();
    let mut heard = Vec::new();
    here.read_to_end(&mut heard).unwrap();
    drop(here);
    listening.join().unwrap();
    let [sent, received] = &*passed.0.lock().unwrap();
    assert!(sent.len() > 200 * 40_000 && sent == &heard, "{} of {} bytes were seen", sent.len(), heard.len());
    assert_eq!(received, &said);
}

#[test]
fn a_deadline_is_kept_however_much_the_peer_says_and_one_that_was_lifted_is_not() {
    const MOMENT: Duration = Duration::from_millis(50);
    let [(late, late_peer), (free, free_peer)] = [pair(), pair()];
    let echoes = [&late, &free].map(echo);
    drop(free.close_in(MOMENT, CloseCode::Policy, "lifted"));
    let _deadline = late.close_in(MOMENT, CloseCode::Policy, "too late");
    let listening = hear_all(&late_peer);
    while late_peer.send(Message::text("and so on")).is_ok() {} // until it has heard Close
    let (_, ended) = listening.join().unwrap();
    assert!(matches!(&ended, Ended::Closed(Some(frame)) if frame.code == CloseCode::Policy && &*frame.reason == "too late"), "{ended:?}");
    // The other's time has passed before that.
    let listening = hear_all(&free_peer);
    free_peer.send(Message::text("still here")).unwrap();
    free_peer.close(CloseCode::Normal, "");
    let (heard, ended) = listening.join().unwrap();
    assert_eq!(heard, [Message::text("still here")]);
    assert!(matches!(&ended, Ended::Closed(Some(frame)) if frame.code == CloseCode::Normal), "{ended:?}");
    let _ = echoes.map(|echo| echo.join().unwrap());
}
