//! Mallory has a good certificate of the same authority, and stands where somebody else should. A directory that helps her does not
//! help her.

use super::{cases, person::Lab};
use padlock::{
    authority::Places,
    certificate::Identity,
    chat::{FromDirectory, Link, ToDirectory, server_name},
    listener::{Stream, prepare},
    tls::{self, Settings, Tls},
    trust::{ClientAuth, Trust},
};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

cases! {
    [] mallory_who_answers_as_bob_is_refused,
    [] mallory_who_calls_as_bob_is_refused_and_bob_still_gets_through,
    [] a_directory_puts_nobody_into_a_group_and_says_nothing_that_a_terminal_obeys,
    [] a_directory_that_says_nothing_is_not_waited_for,
    [] whoever_is_revoked_during_the_handshake_is_not_let_in,
}

fn identity(lab: &Lab, name: &str) -> Identity {
    let places = Places::new(&lab.certs);
    let (chain, key) = if name == "localhost" { places.server(name) } else { places.user(name) };
    Identity::load(&chain, &key).unwrap()
}

fn trust(lab: &Lab) -> Trust {
    Trust::lab(&Places::new(&lab.certs)).unwrap()
}

pub fn stream(socket: TcpStream) -> Stream {
    prepare(&socket).unwrap();
    Stream::new(Arc::new(socket), Duration::from_secs(60)).unwrap()
}

fn accept(lab: &Lab, listener: &TcpListener, who: &str) -> Option<Tls<Stream>> {
    let config = tls::server(&identity(lab, who), Some((&trust(lab), ClientAuth::Require)), &Settings::default()).unwrap();
    tls::accept(stream(listener.accept().unwrap().0), &config).ok()
}

pub fn connect(lab: &Lab, at: SocketAddr, who: &str, whom: &str) -> Tls<Stream> {
    prove(lab, TcpStream::connect(at).unwrap(), who, whom)
}

/// The handshake of `who` with `whom`, on a socket that may have been made in an odd way.
pub fn prove(lab: &Lab, socket: TcpStream, who: &str, whom: &str) -> Tls<Stream> {
    let config = tls::client(Some(&identity(lab, who)), &trust(lab), Default::default(), &Settings::default()).unwrap();
    tls::connect(stream(socket), server_name(whom).unwrap(), &config).map_err(|(failure, _)| failure).unwrap()
}

/// A directory that lies: `on` is told what somebody says, with the link to them.
fn lying(lab: &Lab, on: impl Fn(&Arc<Link>, ToDirectory)) -> (u16, impl FnOnce()) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let link = Link::new(accept(lab, &listener, "localhost").unwrap());
        link.post(&FromDirectory::Welcome { name: "alice".into(), number: 2 }).unwrap();
        link.listen(|message| on(&link, message));
    };
    (port, serve)
}

fn mallory_who_answers_as_bob_is_refused() {
    let lab = Lab::of(&["alice", "mallory"]);
    let house = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = house.local_addr().unwrap();
    let (port, serve) = lying(&lab, |link, message| {
        if let ToDirectory::Request { to, .. } = message {
            link.post(&FromDirectory::Accepted { from: to, at }).unwrap();
        }
    });
    thread::scope(|scope| {
        scope.spawn(serve);
        let mallory = scope.spawn(|| accept(&lab, &house, "mallory").is_some());
        let mut alice = lab.person("alice", port, &[]);
        alice.types("chat bob");
        alice.hears("bob has accepted");
        alice.types("connect bob");
        alice.hears("refused: certificate is for mallory, expected bob");
        assert!(!mallory.join().unwrap(), "the handshake itself has to fail");
        assert!(!alice.all().iter().any(|line| line.contains("VERIFIED")));
        alice.kill();
    });
}

fn mallory_who_calls_as_bob_is_refused_and_bob_still_gets_through() {
    let lab = Lab::of(&["alice", "bob", "mallory"]);
    let (sends, told) = mpsc::channel();
    let (port, serve) = lying(&lab, move |link, message| match message {
        ToDirectory::Who {} => link.post(&FromDirectory::Request { from: "bob".into(), group: None }).unwrap(),
        ToDirectory::Accept { at, .. } => sends.send(at).unwrap(),
        _ => {}
    });
    thread::scope(|scope| {
        scope.spawn(serve);
        let mut alice = lab.person("alice", port, &[]);
        alice.types("who");
        alice.hears("Received chat request from: bob");
        alice.types("accept bob");
        let at = told.recv().unwrap();
        assert_ne!(at.ip().to_string(), "127.0.0.1", "an address of her own");
        drop(connect(&lab, at, "mallory", "alice"));
        alice.hears("refused: certificate is for mallory, expected bob");
        let bob = Link::new(connect(&lab, at, "bob", "alice"));
        alice.hears("bob certificate successfully VERIFIED.");
        bob.say(&padlock::chat::Peer::Text { text: "it is me".into(), group: None }).unwrap();
        alice.hears("Message: it is me");
        alice.kill();
    });
}

fn a_directory_puts_nobody_into_a_group_and_says_nothing_that_a_terminal_obeys() {
    let lab = Lab::of(&["alice"]);
    let (sends, told) = mpsc::channel();
    let (port, serve) = lying(&lab, move |link, message| match message {
        ToDirectory::Who {} => {
            link.post(&FromDirectory::Group { group: "bob".into(), members: vec!["mallory".into()] }).unwrap();
            link.post(&FromDirectory::Request { from: "\u{1b}[2Jbob".into(), group: Some("bob".into()) }).unwrap();
        }
        other => sends.send(other).unwrap(),
    });
    thread::scope(|scope| {
        scope.spawn(serve);
        let mut alice = lab.person("alice", port, &[]);
        alice.types("who");
        alice.hears("a group that we did not ask for: bob");
        alice.hears("Received chat request from: \\u{1b}[2Jbob");
        alice.types("msg bob for his ears alone");
        alice.hears("You are not connected to bob");
        assert!(told.try_recv().is_err(), "nobody is asked for a chat because of it");
        alice.kill();
    });
}

fn a_directory_that_says_nothing_is_not_waited_for() {
    let lab = Lab::of(&["alice"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::scope(|scope| {
        let silent = scope.spawn(|| accept(&lab, &listener, "localhost"));
        let alice = lab.person("alice", port, &[]);
        alice.hears("the directory did not let us in: it has said nothing");
        assert_eq!(alice.ends().code(), Some(56));
        drop(silent.join().unwrap());
    });
}

/// Says a ClientHello at once, and all else when it is told to.
struct Halting {
    stream: Stream,
    go_on: mpsc::Receiver<()>,
    said: bool,
}

impl Read for Halting {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.read(bytes)
    }
}

impl Write for Halting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::replace(&mut self.said, true) {
            let _ = self.go_on.recv();
        }
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The handshake knows the list of when it began.
fn whoever_is_revoked_during_the_handshake_is_not_let_in() {
    let lab = Lab::of(&["alice", "bob"]);
    let (sends, told) = mpsc::channel();
    let list = lab.certs.join("crl/intermediate.crl");
    let (port, serve) = lying(&lab, move |link, message| match message {
        ToDirectory::Who {} => {
            let list = std::fs::read_to_string(&list).unwrap();
            link.post(&FromDirectory::Revoked { list }).unwrap();
            link.post(&FromDirectory::Online { names: vec!["alice".into()] }).unwrap();
        }
        ToDirectory::Request { .. } => link.post(&FromDirectory::Request { from: "bob".into(), group: None }).unwrap(),
        ToDirectory::Accept { at, .. } => sends.send(at).unwrap(),
        _ => {}
    });
    thread::scope(|scope| {
        scope.spawn(serve);
        let mut alice = lab.person("alice", port, &[]);
        alice.types("chat bob");
        alice.hears("Received chat request from: bob");
        alice.types("accept bob");
        let at = told.recv().unwrap();
        let (go, go_on) = mpsc::channel();
        let (who, settings) = (identity(&lab, "bob"), Settings::default());
        let config = tls::client(Some(&who), &trust(&lab), Default::default(), &settings).unwrap();
        let stream = Halting { stream: stream(TcpStream::connect(at).unwrap()), go_on, said: false };
        let bob = scope.spawn(move || tls::connect(stream, server_name("alice").unwrap(), &config).is_ok());
        thread::sleep(Duration::from_millis(500)); // she has begun the handshake, and believes what she believed then
        lab.ca(&["revoke", "bob", "--reason", "keyCompromise"]);
        alice.types("who");
        alice.hears("online: alice");
        go.send(()).unwrap();
        drop(go);
        assert!(bob.join().unwrap(), "his side of the handshake is done before she has judged");
        alice.hears("refused: we refused the client's certificate: CN=bob was taken back");
        assert!(!alice.all().iter().any(|line| line.contains("VERIFIED")));
        alice.kill();
    });
}
