//! The auth service is away, in every way in which somebody can be away; or it is not to be believed any more, or we are somebody new.

use super::{
    common::{good, own_certs, program},
    lab::{Lab, Mood, closed, token},
    peer::eventually,
};
use std::thread;

crate::cases!(
    [] without_the_auth_service_visitors_are_told_1013_and_it_recovers_by_itself,
    [] a_question_that_is_not_answered_holds_up_nobody_else,
    [] an_auth_service_whose_certificate_was_taken_back_is_asked_no_more,
    [] sighup_loads_the_identity_again_that_the_auth_service_sees,
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

fn an_auth_service_whose_certificate_was_taken_back_is_asked_no_more() {
    let (_folder, certs) = own_certs();
    let lab = Lab::start_with(&certs, &[]);
    lab.is_served(); // a connection is kept
    let asked = *lab.auth.asked.lock().unwrap();
    good(program("ca", &certs).arg("revoke").arg(certs.join("services/auth/fullchain.pem")));
    lab.server.logged("certificate: loaded again");
    told_later(&lab);
    lab.server.logged("taken back");
    assert_eq!(*lab.auth.asked.lock().unwrap(), asked, "not one more ticket is shown to it");
}

fn sighup_loads_the_identity_again_that_the_auth_service_sees() {
    let (_folder, certs) = own_certs();
    let lab = Lab::start_with(&certs, &[]);
    lab.is_served(); // a connection is kept
    let before = lab.auth.asker.lock().unwrap().clone();
    let chain = certs.join("services/ticket/fullchain.pem");
    good(program("ca", &certs).arg("sign").arg(certs.join("services/ticket/ticket.csr")).arg("--out").arg(chain));
    lab.server.signal("HUP");
    lab.server.logged("certificate: loaded again");
    lab.is_served();
    let after = lab.auth.asker.lock().unwrap().clone();
    assert!(before.is_some() && after.is_some() && before != after, "the new certificate is shown");
}
