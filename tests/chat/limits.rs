//! How many people, and how many chats; and what a peer learns who asks nobody for a certificate.

use super::{
    cases,
    common::Server,
    directory::session,
    mallory::{connect, prove, stream},
    person::Lab,
};
use padlock::{
    authority::Places,
    chat::{FromDirectory, Link, Peer, ToDirectory, server_name},
    tls::{self, Settings},
    trust::Trust,
};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::net::{SocketAddr, TcpStream};

cases! {
    [] twenty_people_fit_and_twenty_chats,
    [] who_asks_for_no_certificate_is_told_that_this_may_be_anybody,
    [] to_agree_twice_is_to_agree_once,
    [] strangers_who_say_nothing_do_not_hold_up_who_was_invited,
    [] a_peer_who_reads_nothing_does_not_hold_up_whoever_types,
}

/// As many as there is room for, and one more.
const PEOPLE: usize = 21;

/// More than may knock at once.
const STRANGERS: usize = 100;

/// Asks for a chat, without a client, and gives the address where it is waited for.
pub fn introduced(lab: &Lab, directory: &Server, from: &str, to: &str) -> SocketAddr {
    let link = Link::new(session(lab, directory, from));
    link.post(&ToDirectory::Request { to: to.into(), group: None }).unwrap();
    let mut there = None;
    link.listen(|message: FromDirectory| {
        if let FromDirectory::Accepted { at, .. } = message {
            there = Some(at);
            link.hang_up("that was all");
        }
    });
    directory.logged(&format!("{from} left"));
    there.expect("nobody has agreed")
}

fn twenty_people_fit_and_twenty_chats() {
    let names: Vec<String> = (1..=PEOPLE).map(|n| format!("p{n}")).collect();
    let lab = Lab::of(&[&["alice"][..], &names.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    let directory = lab.directory(&[]);
    let alice = lab.person("alice", directory.port("chat"), &["--yes"]);
    alice.hears("logged in");
    let meet = |name: &String| Link::new(connect(&lab, introduced(&lab, &directory, name, "alice"), name, "alice"));
    let (last, others) = names.split_last().unwrap();
    let links: Vec<_> = others.iter().map(meet).collect();
    others.iter().for_each(|_| drop(alice.hears("VERIFIED")));
    let (one_more, mut told) = (meet(last), Vec::new());
    alice.hears(&format!("No chat with {last}: 20 chats are open, and that is the limit."));
    one_more.listen(|message: Peer| told.push(message));
    assert_eq!(told, [Peer::Bye { reason: "20 chats are open, and that is the limit".into() }]);
    links[0].hang_up("there is room again");
    alice.hears("p1 has left the chat.");
    let _link = meet(last);
    alice.hears(&format!("{last} certificate successfully VERIFIED."));
    // Alice is here, and so there are 19 places.
    let _online: Vec<_> = names[..19].iter().map(|name| session(&lab, &directory, name)).collect();
    directory.logged("p19 logged in");
    let _one_more = session(&lab, &directory, "p20");
    directory.logged("turned away: server too busy");
}

fn who_asks_for_no_certificate_is_told_that_this_may_be_anybody() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    for how in ["none", "request"] {
        let bob = lab.person("bob", directory.port("chat"), &["--yes", "--client-auth", how]);
        bob.hears("Careful: peers who connect need no certificate, so nobody's name is checked.");
        bob.hears("logged in");
        let at = introduced(&lab, &directory, "alice", "bob");
        let nobody = tls::client(None, &Trust::lab(&Places::new(&lab.certs)).unwrap(), Default::default(), &Settings::default());
        let tls = tls::connect(stream(TcpStream::connect(at).unwrap()), server_name("bob").unwrap(), &nobody.unwrap());
        let link = Link::new(tls.map_err(|(failure, _)| failure).unwrap());
        bob.hears("alice has shown no certificate: this may be anybody.");
        link.say(&Peer::Text { text: "it is me".into(), group: None }).unwrap();
        bob.hears("Message: it is me");
        bob.kill();
        directory.logged("bob lost");
    }
}

fn to_agree_twice_is_to_agree_once() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let (mut alice, mut bob) = (lab.person("alice", directory.port("chat"), &[]), lab.person("bob", directory.port("chat"), &[]));
    bob.hears("logged in");
    alice.types("chat bob");
    bob.hears("Received chat request from: alice");
    bob.types("accept alice");
    bob.types("accept alice");
    bob.hears("alice has not sent you a chat request, or is gone.");
    alice.hears("bob has accepted your chat request.");
    alice.types("connect bob");
    alice.hears("bob certificate successfully VERIFIED.");
    bob.hears("alice certificate successfully VERIFIED.");
}

fn strangers_who_say_nothing_do_not_hold_up_who_was_invited() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let bob = lab.person("bob", directory.port("chat"), &["--yes"]);
    bob.hears("logged in");
    let at = introduced(&lab, &directory, "alice", "bob");
    // Each may stay for 10 s, and Bob waits for a minute.
    let strangers: Vec<_> = (0..STRANGERS).map(|_| TcpStream::connect(at).unwrap()).collect();
    let _alice = Link::new(connect(&lab, at, "alice", "bob"));
    bob.hears("alice certificate successfully VERIFIED.");
    drop(strangers);
    TcpStream::connect(at).expect_err("who was waited for is here, and nobody else is");
}

fn a_peer_who_reads_nothing_does_not_hold_up_whoever_types() {
    let lab = Lab::of(&["alice", "bob", "carol"]);
    let directory = lab.directory(&[]);
    let (mut bob, mut carol) = (lab.person("bob", directory.port("chat"), &["--yes"]), lab.person("carol", directory.port("chat"), &[]));
    bob.hears("logged in");
    carol.hears("logged in");
    carol.types("chat bob");
    carol.hears("bob has accepted");
    carol.types("connect bob");
    carol.hears("bob certificate successfully VERIFIED.");
    let socket = TcpStream::connect(introduced(&lab, &directory, "alice", "bob")).unwrap();
    set_socket_recv_buffer_size(&socket, 64 * 1024).unwrap();
    let _alice = prove(&lab, socket, "alice", "bob");
    bob.hears("alice certificate successfully VERIFIED.");
    // More than the systems of both sides hold, and more than may wait.
    let line = format!("msg alice {}", "\u{1f512}".repeat(920));
    (0..4_000).for_each(|_| bob.types(&line));
    bob.types("msg carol I have not waited");
    carol.hears("Message: I have not waited");
    bob.hears("The chat with alice is over: it reads nothing");
}
