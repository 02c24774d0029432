//! The auth service is away, in every way in which somebody can be away.

use super::{
    lab::{Lab, Mood, closed, token},
    peer::eventually,
};
use std::thread;

crate::cases!(
    [] without_the_auth_service_visitors_are_told_1013_and_it_recovers_by_itself,
    [] a_question_that_is_not_answered_holds_up_nobody_else,
);

fn told_later(lab: &Lab) {
    let mut socket = lab.open("/");
    socket.say(&token(&lab.auth.ticket("alice", socket.local().ip())));
    assert_eq!(closed(&mut socket), (1013, "the auth service can't be asked; try again later".into()));
}

fn without_the_auth_service_visitors_are_told_1013_and_it_recovers_by_itself() {
    let lab = Lab::start(&[]);
    lab.is_served();
    for mood in [Mood::Gone, Mood::Silent] {
        lab.auth.be(mood);
        told_later(&lab);
        lab.server.logged("unauthenticated: the auth service at localhost:");
        lab.auth.be(Mood::Answers);
        lab.is_served();
    }
    // Nobody listens there at all.
    let nobody = super::common::Server::start(&["ticket", "--auth", "https://localhost:1"]);
    let lab = Lab { server: nobody, auth: lab.auth };
    told_later(&lab);
}

fn a_question_that_is_not_answered_holds_up_nobody_else() {
    let lab = Lab::start(&["--demo-token"]);
    let mut friend = lab.enter("/room", "bob");
    lab.auth.be(Mood::Silent);
    let asked = *lab.auth.asked.lock().unwrap();
    thread::scope(|scope| {
        // More than are asked about at once.
        let waiting: Vec<_> = (0..40).map(|_| scope.spawn(|| told_later(&lab))).collect();
        eventually("questions are open", || *lab.auth.asked.lock().unwrap() >= asked + 16);
        assert_eq!(*lab.auth.asked.lock().unwrap(), asked + 16, "not all of them at once");
        friend.say(r#"{"msg":"here"}"#);
        assert_eq!(friend.hear(), r#"{"from":"bob","msg":"here"}"#);
        let mut other = lab.open("/ladder/nothing");
        assert_eq!(other.hear(), "hello stranger");
        other.close();
        waiting.into_iter().for_each(|one| one.join().unwrap());
    });
    lab.auth.be(Mood::Answers);
    lab.is_served();
    friend.close();
}
