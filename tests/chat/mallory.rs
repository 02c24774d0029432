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
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

cases! {
    [] mallory_who_answers_as_bob_is_refused,
    [] mallory_who_calls_as_bob_is_refused_and_bob_still_gets_through,
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
    let config = tls::client(Some(&identity(lab, who)), &trust(lab), Default::default(), &Settings::default()).unwrap();
    tls::connect(stream(TcpStream::connect(at).unwrap()), server_name(whom).unwrap(), &config).map_err(|(failure, _)| failure).unwrap()
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
