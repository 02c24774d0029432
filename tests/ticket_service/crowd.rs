//! Ten thousand who never say who they are.

use super::{
    lab::{Lab, closed, token},
    peer::{Cost, Socket, eventually, tcp},
};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::thread;

crate::cases!(
    [] ten_thousand_strangers_who_say_nothing_do_not_keep_honest_people_out,
    [] in_a_full_house_who_has_not_said_who_they_are_goes_first,
    [] made_up_tickets_by_the_hundred_are_refused_and_leave_nothing,
);

fn ten_thousand_strangers_who_say_nothing_do_not_keep_honest_people_out() {
    const CROWD: usize = 10_000;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let lab = Lab::start(&["--quiet", "--auth-within", "600"]);
    let before = Cost::of(&lab.server);
    let crowd: Vec<_> = thread::scope(|scope| {
        let come = || (0..CROWD / 4).map(|_| lab.open_clear("/")).collect::<Vec<_>>();
        let comers: Vec<_> = (0..4).map(|_| scope.spawn(come)).collect();
        comers.into_iter().flat_map(|comer| comer.join().unwrap()).collect()
    });
    let during = Cost::of(&lab.server);
    assert!(during.descriptors > CROWD, "{during:?}");
    let each = (during.kib - before.kib) as f64 / CROWD as f64;
    assert!(each < 48.0, "{each:.1} KiB for each who says nothing");
    for _ in 0..20 {
        lab.is_served();
    }
    drop(crowd);
    eventually("nothing is left", || Cost::of(&lab.server).descriptors < before.descriptors + 100);
}

fn in_a_full_house_who_has_not_said_who_they_are_goes_first() {
    let lab = Lab::start(&["--max-connections", "50", "--auth-within", "600"]);
    let mut alice = lab.enter("/", "alice");
    let mut strangers: Vec<_> = (0..49).map(|_| lab.open("/")).collect();
    let silent: Vec<_> = (0..20).map(|_| tcp(&lab.server, "ticket")).collect(); // not even a handshake
    for n in 0..20 {
        lab.is_served();
        alice.say(&format!(r#"{{"msg":{n}}}"#));
        assert_eq!(alice.hear(), format!(r#"{{"msg":{n}}}"#), "who has proved a name stays");
    }
    let gone = closed_or_cut(&mut strangers[0]);
    assert!(gone.is_none_or(|code| code == 1013), "the oldest went first: {gone:?}");
    drop(silent);
    alice.close();
}

/// The code that it was told, if it could still be read.
fn closed_or_cut(socket: &mut Socket) -> Option<u16> {
    socket.next().ok().map(|frame| u16::from_be_bytes([frame.payload[0], frame.payload[1]]))
}

fn made_up_tickets_by_the_hundred_are_refused_and_leave_nothing() {
    let lab = Lab::start(&["--quiet"]);
    lab.is_served();
    let before = Cost::of(&lab.server);
    thread::scope(|scope| {
        for guesser in 0..8 {
            let lab = &lab;
            scope.spawn(move || {
                for n in 0..100 {
                    let mut socket = lab.open_clear("/");
                    socket.say(&token(&format!("{:032x}", guesser * 1_000 + n)));
                    assert_eq!(closed(&mut socket), (1008, "unauthenticated".into()));
                }
            });
        }
    });
    lab.is_served();
    eventually("nothing is left", || Cost::of(&lab.server).descriptors <= before.descriptors + 16);
}
