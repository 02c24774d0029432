//! What one says all hear, with the name that was proved.

use super::lab::token;
use super::{
    lab::{Lab, closed},
    peer::{BINARY, CLOSE, Cost, Socket, TEXT, handshake, masked, tcp_narrow},
};

crate::cases!(
    [] all_hear_all_under_the_speakers_proved_name,
    [] who_does_not_read_is_dropped_and_nobody_else_notices,
);

fn all_hear_all_under_the_speakers_proved_name() {
    let lab = Lab::start(&[]);
    let mut people: Vec<_> = ["alice", "bob", "carol"].map(|name| lab.enter("/room", name)).into();
    // Each hears itself last of all, so all are seated now.
    for (n, name) in ["alice", "bob", "carol"].iter().enumerate() {
        people[n].say(&format!(r#"{{"from":"root","msg":{{"n":{n},"from":"root"}}, "more":1}}"#));
        for person in &mut people {
            assert_eq!(person.hear(), format!(r#"{{"from":"{name}","msg":{{"n":{n},"from":"root"}}}}"#));
        }
    }
    let mut gone = people.pop().unwrap();
    gone.say("nonsense");
    assert_eq!(closed(&mut gone).0, 1007);
    people[0].say(r#"{"msg":"she is gone"}"#);
    for mut person in people {
        assert_eq!(person.hear(), r#"{"from":"alice","msg":"she is gone"}"#);
        person.close();
    }
}

fn who_does_not_read_is_dropped_and_nobody_else_notices() {
    const MESSAGES: usize = 400; // 24 MB: more than the server's socket and queue hold together
    let lab = Lab::start(&["--quiet"]);
    let before = Cost::of(&lab.server);
    let mut stuck = Socket::over(handshake(tcp_narrow(&lab.server, "ticket")).unwrap(), "/room");
    stuck.say(&token(&lab.auth.ticket("stuck", stuck.local().ip())));
    assert_eq!(stuck.hear(), "Successfully authenticated.");
    stuck.say(r#"{"msg":1}"#);
    stuck.hear();
    let (mut listener, mut speaker) = (lab.enter("/room", "bob"), lab.enter("/room", "alice"));
    let long = format!(r#"{{"msg":"{}"}}"#, "x".repeat(60 * 1024));
    listener.say(r#"{"msg":1}"#);
    assert_eq!(speaker.hear(), listener.hear());
    for n in 0..MESSAGES {
        speaker.say(&long);
        for other in [&mut speaker, &mut listener] {
            assert!(other.hear().len() > 60 * 1024, "message {n}");
        }
    }
    let during = Cost::of(&lab.server);
    assert!(during.kib < before.kib + 12 * 1024, "{before:?} became {during:?}");
    let (frames, _) = stuck.rest();
    let (last, taken) = frames.split_last().unwrap();
    assert!(taken.len() < MESSAGES && taken.iter().all(|frame| frame.first == TEXT && frame.first != BINARY));
    assert!(last.first == TEXT || (last.first == CLOSE && last.payload.starts_with(&1013_u16.to_be_bytes())), "{last:?}");
    speaker.send(&masked(CLOSE, &1000_u16.to_be_bytes()));
    listener.close();
}
