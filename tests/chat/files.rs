//! Files from one person to another.

use super::{
    cases,
    limits::introduced,
    mallory::connect as call,
    peer::eventually,
    person::{Lab, connect},
};
use padlock::chat::{Link, Peer};
use std::fs;

cases! {
    [] a_file_arrives_whole_and_replaces_nothing,
    [] files_sent_at_once_arrive_one_after_the_other,
    [] a_file_too_large_is_refused_by_either_side,
    [] received_has_room_for_so_many_files,
    [] what_a_killed_client_has_left_is_swept_and_nothing_else,
    [] a_peer_who_never_says_that_a_file_is_kept_is_not_believed_to_have_it,
}

fn a_file_arrives_whole_and_replaces_nothing() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let (mut alice, mut bob) = (lab.person("alice", directory.port("chat"), &[]), lab.person("bob", directory.port("chat"), &[]));
    bob.hears("logged in");
    connect(&mut alice, "alice", &mut bob, "bob");
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    fs::write(alice.folder.path().join("photo.bin"), &bytes).unwrap();
    fs::write(alice.folder.path().join("empty"), b"").unwrap();
    alice.types("send bob photo.bin");
    let sent = alice.hears("Sent photo.bin to bob: 1000000 bytes, SHA-256");
    let sha256 = sent.rsplit(' ').next().unwrap();
    bob.hears(&format!("Received file from: alice: received/photo.bin, 1000000 bytes, SHA-256 {sha256}"));
    assert_eq!(fs::read(bob.folder.path().join("received/photo.bin")).unwrap(), bytes);
    alice.types("send bob photo.bin");
    bob.hears("received/photo.bin.1");
    alice.types("send bob empty");
    bob.hears("received/empty, 0 bytes");
    alice.types("send bob missing");
    alice.hears("missing");
    let kept = fs::read_dir(bob.folder.path().join("received")).unwrap().count();
    assert_eq!(kept, 3, "nothing half received stays");
}

fn files_sent_at_once_arrive_one_after_the_other() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| lab.person(name, directory.port("chat"), &["--max-file", "16m"]));
    bob.hears("logged in");
    connect(&mut alice, "alice", &mut bob, "bob");
    for name in ["one", "two", "three"] {
        fs::write(alice.folder.path().join(name), name.repeat(3_000_000)).unwrap();
    }
    alice.types("send bob one\nsend bob two\nsend bob three");
    for name in ["one", "two", "three"] {
        bob.hears(&format!("Received file from: alice: received/{name}"));
    }
}

fn a_file_too_large_is_refused_by_either_side() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let mut alice = lab.person("alice", directory.port("chat"), &["--max-file", "2m"]);
    let mut bob = lab.person("bob", directory.port("chat"), &[]);
    bob.hears("logged in");
    connect(&mut alice, "alice", &mut bob, "bob");
    fs::write(alice.folder.path().join("large"), vec![7; 1_500_000]).unwrap();
    fs::write(alice.folder.path().join("larger"), vec![7; 2_500_000]).unwrap();
    alice.types("send bob larger");
    alice.hears("2500000 bytes are more than the 2097152 that are taken");
    alice.types("send bob large");
    bob.hears("alice wants to send large: 1500000 bytes are more than the 1048576 that are taken");
    alice.hears("bob has not taken large: 1500000 bytes are more than the 1048576 that are taken");
    alice.types("msg bob sorry");
    bob.hears("Message: sorry");
    assert!(!alice.all().iter().any(|line| line.starts_with("Sent ")), "nothing was");
}

fn received_has_room_for_so_many_files() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let (mut alice, mut bob) = (lab.person("alice", directory.port("chat"), &[]), lab.person("bob", directory.port("chat"), &[]));
    bob.hears("logged in");
    connect(&mut alice, "alice", &mut bob, "bob");
    let received = bob.folder.path().join("received");
    fs::create_dir(&received).unwrap();
    (0..250).for_each(|n| fs::write(received.join(n.to_string()), "").unwrap());
    fs::write(alice.folder.path().join("one-more"), "hello").unwrap();
    alice.types("send bob one-more");
    alice.hears("bob has not taken one-more: 250 files are in received/ already, and that is the limit");
    fs::remove_file(received.join("7")).unwrap();
    alice.types("send bob one-more");
    alice.hears("Sent one-more to bob: 5 bytes");
}

fn what_a_killed_client_has_left_is_swept_and_nothing_else() {
    let lab = Lab::of(&["alice", "bob", "carol"]);
    let directory = lab.directory(&[]);
    let port = directory.port("chat");
    let bob = lab.person("bob", port, &["--yes"]);
    bob.hears("logged in");
    let folder = bob.folder.clone();
    let received = || -> Vec<String> {
        let entries = fs::read_dir(folder.path().join("received")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    let alice = Link::new(call(&lab, introduced(&lab, &directory, "alice", "bob"), "alice", "bob"));
    alice.say(&Peer::File { name: "half".into(), size: 10, sha256: String::new() }).unwrap();
    eventually("the file begins", || received().len() == 1);
    fs::write(folder.path().join("received/notes"), "").unwrap();
    let carol = lab.person_in(folder.clone(), "carol", port, &[]);
    carol.hears("logged in");
    assert_eq!(received().len(), 2, "what Bob receives is not Carol's to sweep");
    bob.kill();
    directory.logged("bob lost");
    assert_eq!(received().len(), 2);
    lab.person_in(folder.clone(), "bob", port, &[]).hears("logged in");
    assert_eq!(received(), ["notes"]);
}

fn a_peer_who_never_says_that_a_file_is_kept_is_not_believed_to_have_it() {
    let lab = Lab::of(&["alice", "bob"]);
    let directory = lab.directory(&[]);
    let mut bob = lab.person("bob", directory.port("chat"), &["--yes"]);
    bob.hears("logged in");
    let alice = Link::new(call(&lab, introduced(&lab, &directory, "alice", "bob"), "alice", "bob"));
    bob.hears("VERIFIED");
    fs::write(bob.folder.path().join("letter"), "hello").unwrap();
    bob.types("send alice letter");
    let mut pieces = 0;
    alice.listen(|message| match message {
        Peer::Piece { .. } => {
            pieces += 1;
            alice.hang_up("and says nothing of it");
        }
        _ => alice.say(&Peer::Kept { name: "another".into() }).unwrap(),
    });
    assert_eq!(pieces, 1);
    bob.hears("the chat with alice ended before alice had all of letter");
    assert!(!bob.all().iter().any(|line| line.starts_with("Sent ")));
}
