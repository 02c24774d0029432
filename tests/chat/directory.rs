//! The house rules of the directory, and what it does with people who break them.

use super::{
    cases,
    common::{Server, program, run, text},
    peer::eventually,
    person::Lab,
};
use padlock::{
    authority::Places,
    certificate::Identity,
    chat::{Ended, FromDirectory, Link, ToDirectory, frame},
    listener::{Stream, prepare},
    tls::{self, Settings, Tls},
    trust::Trust,
};
use rustls::pki_types::ServerName;
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

cases! {
    [] one_more_than_there_is_room_for_is_told_so_and_comes_in_when_somebody_leaves,
    [] a_name_is_logged_in_once_and_free_as_soon_as_its_client_is_killed,
    [] only_people_log_in,
    [] who_comes_with_the_wrong_program_is_told_which_is_right,
    [] the_certificate_says_who_speaks,
    [] what_is_no_message_ends_that_conversation_and_no_other,
    [] who_reads_nothing_is_thrown_out_and_nobody_waits,
    [] who_says_too_much_throws_nobody_out,
    [] whom_we_hung_up_on_is_not_heard,
    [] nobody_takes_all_groups_and_none_is_called_like_somebody_who_is_here,
}

fn one_more_than_there_is_room_for_is_told_so_and_comes_in_when_somebody_leaves() {
    let lab = Lab::of(&["alice", "bob", "carol"]);
    let directory = lab.directory(&["--max-users", "2"]);
    let port = directory.port("chat");
    let (mut alice, bob) = (lab.person("alice", port, &[]), lab.person("bob", port, &[]));
    alice.hears("logged in");
    bob.hears("logged in");
    let carol = lab.person("carol", port, &[]);
    carol.hears("server too busy");
    assert_eq!(carol.ends().code(), Some(1));
    alice.types("logout");
    assert!(alice.ends().success());
    directory.logged("alice is out");
    lab.person("carol", port, &[]).hears("logged in as carol");
}

fn a_name_is_logged_in_once_and_free_as_soon_as_its_client_is_killed() {
    let lab = Lab::of(&["alice"]);
    let directory = lab.directory(&[]);
    let port = directory.port("chat");
    let alice = lab.person("alice", port, &[]);
    alice.hears("logged in");
    let again = lab.person("alice", port, &[]);
    again.hears("alice is logged in already.");
    assert_eq!(again.ends().code(), Some(1));
    alice.kill();
    directory.logged("alice lost");
    lab.person("alice", port, &[]).hears("logged in as alice");
}

fn only_people_log_in() {
    let lab = Lab::of(&[]);
    lab.ca(&["sign", "service", "robot"]);
    let directory = lab.directory(&[]);
    let there = format!("tls://localhost:{}", directory.port("chat"));
    let chain = |what: &str| lab.certs.join(format!("services/robot/{what}")).display().to_string();
    let out = run(program("client", &lab.certs).args([
        "chat",
        "robot",
        "--directory",
        &there,
        "--cert",
        &chain("fullchain.pem"),
        "--key",
        &chain("robot.key"),
    ]));
    assert!(text(&out.stderr).contains("Only people can log in"), "{}", text(&out.stderr));
    let out = run(program("client", &lab.certs).args(["chat", "nobody", "--directory", &there]));
    assert_eq!(out.status.code(), Some(58), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("./client enrol nobody"));
}

fn who_comes_with_the_wrong_program_is_told_which_is_right() {
    let lab = Lab::of(&["alice"]);
    let directory = lab.directory(&[]);
    let (chain, key) = Places::new(&lab.certs).user("alice");
    let mut client = program("client", &lab.certs);
    client.arg(format!("tls://localhost:{}", directory.port("chat"))).arg("--cert").arg(chain).arg("--key").arg(key);
    let out = run(&mut client);
    assert!(text(&out.stdout).contains("\"welcome\""), "{}", text(&out.stdout));
    assert_eq!(text(&out.stderr).matches("./client chat NAME").count(), 1, "{}", text(&out.stderr));
}

/// A session with the directory, by hand.
pub fn session(lab: &Lab, directory: &Server, name: &str) -> Tls<Stream> {
    let places = Places::new(&lab.certs);
    let (chain, key) = places.user(name);
    let config =
        tls::client(Some(&Identity::load(&chain, &key).unwrap()), &Trust::lab(&places).unwrap(), Default::default(), &Settings::default());
    let socket = TcpStream::connect(("127.0.0.1", directory.port("chat"))).unwrap();
    prepare(&socket).unwrap();
    let stream = Stream::new(Arc::new(socket), Duration::from_secs(60)).unwrap();
    tls::connect(stream, ServerName::try_from("localhost").unwrap(), &config.unwrap()).map_err(|(failure, _)| failure).unwrap()
}

fn the_certificate_says_who_speaks() {
    let lab = Lab::of(&["alice", "mallory"]);
    let directory = lab.directory(&[]);
    let alice = lab.person("alice", directory.port("chat"), &[]);
    alice.hears("logged in");
    let mut mallory = session(&lab, &directory, "mallory");
    // A claim is no member of any message, and so no message.
    let claim = br#"{"type":"request","to":"alice","group":null,"from":"bob"}"#;
    mallory.write_all(&[&(claim.len() as u32).to_be_bytes(), &claim[..]].concat()).unwrap();
    directory.logged("mallory refused: a frame holds no message that we know");
    let mut mallory = session(&lab, &directory, "mallory");
    mallory.write_all(&frame(&ToDirectory::Request { to: "alice".into(), group: None })).unwrap();
    alice.hears("Received chat request from: mallory");
}

fn what_is_no_message_ends_that_conversation_and_no_other() {
    let lab = Lab::of(&["alice", "mallory"]);
    let directory = lab.directory(&[]);
    let mut alice = lab.person("alice", directory.port("chat"), &[]);
    alice.hears("logged in");
    let deep = [&[0, 0, 16, 0][..], &[b'['; 4096]].concat();
    let bad: [(&[u8], &str); 7] = [
        (&[0, 0, 0, 0], "a frame is empty"),
        (&[0xff, 0xff, 0xff, 0xff], "a frame is longer"),
        (&[0, 0, 0, 2, 0xff, 0xfe], "no message"),
        (&[0, 0, 0, 16, b'{', b'"', b't', b'y', b'p', b'e', b'"', b':', b'"', b'r', b'o', b'o', b't', b'"', b'}', b' '], "no message"),
        (&deep, "no message"),
        (b"GET / HTTP/1.1\r\n\r\n", "a frame is longer"),
        (&[0, 0, 0, 9, b'{'], "cut short"),
    ];
    for (n, (bytes, why)) in bad.iter().enumerate() {
        let mut mallory = session(&lab, &directory, "mallory");
        mallory.write_all(bytes).unwrap();
        mallory.close().unwrap();
        let mut rest = Vec::new();
        let _ = mallory.read_to_end(&mut rest);
        directory.logged(why);
        eventually(why, || directory.log().iter().filter(|line| line.contains("mallory refused: ")).count() == n + 1);
    }
    let mut mallory = session(&lab, &directory, "mallory");
    mallory.write_all(&frame(&ToDirectory::Who {}).repeat(10_000)).unwrap();
    mallory.close().unwrap();
    alice.types("who");
    alice.hears("online:");
}

fn who_reads_nothing_is_thrown_out_and_nobody_waits() {
    let lab = Lab::of(&["alice", "mallory"]);
    let directory = lab.directory(&[]);
    let mut alice = lab.person("alice", directory.port("chat"), &[]);
    alice.hears("logged in");
    let link = Link::new(session(&lab, &directory, "mallory"));
    let asks = link.clone();
    // Asks and asks, and reads no answer.
    std::thread::spawn(move || while asks.say(&ToDirectory::Who {}).is_ok() {});
    directory.logged("mallory is out: it reads nothing");
    alice.types("who");
    alice.hears("online: alice");
    assert!(matches!(link.listen(|_: FromDirectory| {}), Ended::Lost(_) | Ended::Closed));
}

fn who_says_too_much_throws_nobody_out() {
    let lab = Lab::of(&["alice", "mallory"]);
    let directory = lab.directory(&[]);
    let mut alice = lab.person("alice", directory.port("chat"), &[]);
    alice.hears("logged in");
    let mut mallory = session(&lab, &directory, "mallory");
    let to = || "alice".to_owned();
    let flood = [frame(&ToDirectory::Request { to: to(), group: None }), frame(&ToDirectory::Decline { to: to() })].concat().repeat(500);
    // Alice reads, only not as fast as Mallory writes.
    std::thread::spawn(move || while mallory.write_all(&flood).is_ok() {});
    std::thread::sleep(Duration::from_secs(5));
    alice.types("who");
    alice.hears("online: alice mallory");
    assert!(!directory.log().iter().any(|line| line.contains("alice is out")));
}

fn whom_we_hung_up_on_is_not_heard() {
    let lab = Lab::of(&["alice", "mallory"]);
    let directory = lab.directory(&[]);
    let mut alice = lab.person("alice", directory.port("chat"), &[]);
    alice.hears("logged in");
    let mut mallory = session(&lab, &directory, "mallory");
    let more = ToDirectory::Request { to: "alice".into(), group: None };
    mallory.write_all(&[frame(&ToDirectory::Logout {}), frame(&more)].concat()).unwrap();
    directory.logged("mallory is out: logged out");
    alice.types("who");
    alice.hears("online: alice");
    assert!(!alice.all().iter().any(|line| line.contains("chat request")));
}

fn nobody_takes_all_groups_and_none_is_called_like_somebody_who_is_here() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let (mut alice, mut bob) = (lab.person("alice", directory.port("chat"), &[]), lab.person("bob", directory.port("chat"), &[]));
    alice.hears("logged in");
    bob.hears("logged in");
    for n in 1..=5 {
        alice.types(&format!("create club{n}"));
        alice.hears(&format!("club{n}: nobody else yet"));
    }
    alice.types("create club6");
    alice.hears("You are in 5 groups, and that is the limit.");
    bob.types("create club6");
    bob.hears("club6: nobody else yet");
    alice.types("join club6");
    alice.hears("You are in 5 groups, and that is the limit.");
    alice.types("join club1");
    alice.hears("club1: nobody else yet");
    bob.types("create alice");
    bob.hears("alice is somebody who is here: call the group otherwise.");
}
