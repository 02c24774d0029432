//! What people do: meet, talk, make groups, leave.

use super::{
    cases,
    common::{good, text},
    person::{Lab, connect},
};
use std::process::Command;

cases! {
    [] people_meet_and_talk_with_and_without_a_slash,
    [] a_text_has_920_characters_at_most,
    [] a_group_is_connected_pairwise,
    ["tshark"] no_word_of_a_chat_passes_the_directory,
    [] a_killed_directory_ends_no_chat_and_is_found_again,
    [] a_peer_who_does_not_come_in_time_is_waited_for_no_more,
    [] what_is_typed_wrong_is_answered,
}

fn people_meet_and_talk_with_and_without_a_slash() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let (mut alice, mut bob) = (lab.person("alice", directory.port("chat"), &[]), lab.person("bob", directory.port("chat"), &[]));
    alice.hears("logged in as alice");
    bob.hears("logged in as bob");
    alice.types("/who");
    alice.hears("online: alice bob");
    alice.types("/chat bob");
    bob.hears("Received chat request from: alice");
    alice.types("connect bob");
    alice.hears("Either bob has not accepted your chat request or you have not sent a chat request to bob.");
    bob.types("/accept alice");
    alice.hears("bob has accepted your chat request.");
    alice.types("/connect bob");
    bob.hears("alice certificate successfully VERIFIED.");
    alice.hears("bob certificate successfully VERIFIED.");
    alice.types("/msg bob one");
    alice.types("msg bob two \u{1b}[31m");
    bob.hears("Received message from: alice");
    assert_eq!(bob.hears("Message: one"), "Message: one");
    assert_eq!(bob.hears("Message: two"), "Message: two \\u{1b}[31m", "nothing that a terminal would obey");
    alice.types("/logout");
    alice.hears("Successfully logged out.");
    bob.hears("alice has left the chat.");
    assert!(alice.ends().success());
    bob.types("chat alice");
    bob.hears("alice is not online.");
}

fn a_text_has_920_characters_at_most() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let (mut alice, mut bob) = (lab.person("alice", directory.port("chat"), &[]), lab.person("bob", directory.port("chat"), &[]));
    bob.hears("logged in");
    connect(&mut alice, "alice", &mut bob, "bob");
    let longest = "ü".repeat(920);
    alice.types(&format!("msg bob {longest}"));
    assert_eq!(bob.hears("Message: "), format!("Message: {longest}"));
    alice.types(&format!("msg bob {longest}x"));
    alice.hears("A message has 920 characters at most; this one has 921.");
    alice.types("msg carol hello");
    alice.hears("You are not connected to carol");
}

fn a_group_is_connected_pairwise() {
    let lab = Lab::of(&["alice", "bob", "carol"]);
    let directory = lab.directory(&[]);
    let mut people = ["alice", "bob", "carol"].map(|name| lab.person(name, directory.port("chat"), &[]));
    people.iter().for_each(|person| drop(person.hears("logged in")));
    let [alice, bob, carol] = &mut people;
    alice.types("create club");
    alice.hears("club: nobody else yet");
    bob.types("create club");
    bob.hears("There is a group club already.");
    bob.types("join nowhere");
    bob.hears("There is no group nowhere.");
    bob.types("join club");
    alice.hears("bob certificate successfully VERIFIED.");
    bob.hears("alice certificate successfully VERIFIED.");
    carol.types("join club");
    carol.hears("VERIFIED");
    carol.hears("VERIFIED");
    alice.hears("carol certificate successfully VERIFIED.");
    bob.hears("carol certificate successfully VERIFIED.");
    alice.types("msg club hello all");
    for person in [&bob, &carol] {
        person.hears("Received message from: alice in club");
        person.hears("Message: hello all");
    }
}

fn no_word_of_a_chat_passes_the_directory() {
    let lab = Lab::of(&["alice", "bob"]);
    let capture = lab.certs.join("directory.pcapng");
    let directory = lab.directory(&["--capture", capture.to_str().unwrap()]);
    let (mut alice, mut bob) = (lab.person("alice", directory.port("chat"), &[]), lab.person("bob", directory.port("chat"), &[]));
    bob.hears("logged in");
    connect(&mut alice, "alice", &mut bob, "bob");
    alice.types("msg bob a-word-between-us");
    bob.hears("a-word-between-us");
    assert!(directory.stop().success());
    let port = "tcp.port==1-65535,tls";
    let seen = |what: &str| {
        let out = good(Command::new("tshark").args(["-r", capture.to_str().unwrap(), "-d", port, "-x"]));
        out.contains(what)
    };
    // tshark prints bytes in lines of 16 characters: look for parts.
    let shown = good(Command::new("tshark").args([
        "-r",
        capture.to_str().unwrap(),
        "-d",
        port,
        "-T",
        "fields",
        "-e",
        "data.data",
        "-e",
        "tls.app_data",
    ]));
    let hex = |what: &str| what.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let plain = shown.replace([',', '\n', '\t', ':'], "");
    assert!(
        plain.contains(&hex("\"request\"")) || seen("request"),
        "the capture can't be read: {}",
        text(&shown.as_bytes()[..shown.len().min(2_000)])
    );
    assert!(!plain.contains(&hex("a-word-between-us")) && !seen("a-word-between"));
}

fn a_killed_directory_ends_no_chat_and_is_found_again() {
    let lab = Lab::of(&["alice", "bob", "carol"]);
    let directory = lab.directory(&[]);
    let port = directory.port("chat");
    let (mut alice, mut bob) = (lab.person("alice", port, &[]), lab.person("bob", port, &[]));
    bob.hears("logged in");
    connect(&mut alice, "alice", &mut bob, "bob");
    drop(directory); // SIGKILL
    alice.hears("The directory is gone.");
    bob.hears("The directory is gone.");
    alice.types("who");
    alice.hears("The directory is not there");
    alice.types("msg bob still here?");
    bob.hears("Message: still here?");
    let directory = lab.directory(&["--port", &port.to_string()]);
    alice.hears("logged in as alice");
    bob.hears("logged in as bob");
    let carol = lab.person("carol", directory.port("chat"), &[]);
    carol.hears("logged in");
    alice.types("who");
    alice.hears("online: alice bob carol");
}

fn a_peer_who_does_not_come_in_time_is_waited_for_no_more() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let mut alice = lab.person("alice", directory.port("chat"), &[]);
    let mut bob = lab.person("bob", directory.port("chat"), &["--yes", "--accept-within", "0.2"]);
    bob.hears("logged in");
    alice.types("chat bob");
    alice.hears("bob has accepted");
    bob.hears("alice did not connect in time.");
    alice.types("connect bob");
    alice.hears("refused:");
    bob.types("accept alice");
    bob.hears("alice has not sent you a chat request, or is gone.");
}

fn what_is_typed_wrong_is_answered() {
    let lab = Lab::of(&["alice"]);
    let directory = lab.directory(&[]);
    let mut alice = lab.person("alice", directory.port("chat"), &[]);
    alice.hears("logged in");
    for (typed, answer) in [
        ("nonsense", "there is no command nonsense; help lists all"),
        ("chat", "usage: chat NAME"),
        ("chat alice", "You cannot chat with yourself."),
        ("chat ../x", "because ../x does not have a certificate."),
        ("chat Alice", "because Alice does not have a certificate."),
        ("chat bob", "bob is not online."),
        ("create Club", "Club"),
        ("help", "logout            leave"),
    ] {
        alice.types(typed);
        alice.hears(answer);
    }
    alice.types("\u{1b}]0;x\u{7}");
    assert!(!alice.hears("there is no command").contains('\u{1b}'));
}
