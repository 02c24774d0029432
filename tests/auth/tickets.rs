//! Tickets over the wire: redeemed once, by those who may, and refused to all others in the same words.

use crate::{
    cases,
    common::{Server, certs, good, own_certs, program, text},
    desk::{HERE, PASSWORD, auth_alone, curl_as, post, register, service, service_of, sign_in, ticket},
};
use padlock::authority::Places;
use serde_json::json;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
    process::Command,
    sync::Barrier,
    thread,
};

cases! {
    ["curl"] of_sixty_four_services_that_redeem_one_ticket_at_once_one_gets_the_name,
    ["curl"] a_refused_ticket_is_told_in_one_way_and_logged_in_four,
    ["curl"] only_the_services_that_may_redeem,
    ["curl"] an_auth_service_that_was_stopped_is_said_and_found_again,
    [] an_auth_service_that_never_answers_holds_nobody_up,
    ["curl"] a_service_whose_certificate_was_taken_back_redeems_no_more_on_the_connection_that_it_has,
    ["curl"] in_a_full_house_strangers_go_first_and_a_service_that_redeems_stays,
    ["curl"] wrong_tickets_by_the_thousand_change_nothing,
    ["curl"] neither_ticket_nor_password_is_ever_logged,
}

fn of_sixty_four_services_that_redeem_one_ticket_at_once_one_gets_the_name() {
    let server = auth_alone(&["--quiet"]);
    let auth = service(server.port("auth"), "ticket");
    let mut given = 0;
    for round in 0..3 {
        let (ticket, start) = (ticket(&server, &format!("alice-{round}")), Barrier::new(64));
        let results: Vec<_> = thread::scope(|scope| {
            let show = || {
                start.wait();
                auth.redeem(&ticket, HERE)
            };
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(show)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let names: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert!(names.len() <= 1 && names.iter().all(|name| **name == format!("alice-{round}")), "{names:?}");
        given += names.len();
        // On a very busy machine an answer may come too late. It is never a second name.
        let known = ["ticket-refused", "auth-unavailable"];
        assert!(results.iter().filter_map(|result| result.as_ref().err()).all(|e| known.contains(&e.code)), "{results:?}");
    }
    assert!(given > 0);
}

fn a_refused_ticket_is_told_in_one_way_and_logged_in_four() {
    let server = auth_alone(&[]);
    let auth = service(server.port("auth"), "ticket");
    let elsewhere = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let (used, stolen) = (ticket(&server, "alice"), ticket(&server, "bob"));
    assert_eq!(auth.redeem(&used, HERE).unwrap(), "alice");
    let refused = [("", HERE), (&"0".repeat(32), HERE), (&used, HERE), (&stolen, elsewhere), (&stolen, HERE)];
    let told: Vec<_> = refused.iter().map(|(ticket, address)| auth.redeem(ticket, *address).unwrap_err()).collect();
    assert!(told.iter().all(|error| *error == told[0] && error.code == "ticket-refused"), "{told:?}");
    for reason in ["127.0.0.1: unknown", "127.0.0.1: used before", "127.0.0.2: issued to another address"] {
        server.logged(&format!("was refused a ticket shown from {reason}"));
    }
}

fn only_the_services_that_may_redeem() {
    let server = auth_alone(&[]);
    let places = Places::new(certs());
    let shown = |ticket: &str| json!({ "ticket": ticket, "address": HERE });
    let asked = ticket(&server, "alice");
    let person = post(&server, "/tickets/redeem", &shown(&asked));
    assert_eq!((person.status, person.code().as_str()), (403, "may-not-redeem"));
    let (chain, key) = places.user("guest");
    let user = curl_as(&server, &chain, &key, &shown(&asked));
    assert_eq!((user.status, user.code().as_str()), (403, "may-not-redeem"));
    server.logged("may not redeem: guest");
    for name in ["ticket", "authority"] {
        let (chain, key) = places.service(name);
        let answer = curl_as(&server, &chain, &key, &shown(&ticket(&server, name)));
        assert_eq!((answer.status, answer.json()), (200, json!({ "name": name })));
    }
    // Nobody's certificate, or one that is for being called: there is no session at all.
    let connect = format!("127.0.0.1:{}", server.port("auth"));
    // Without -ign_eof it hangs up at the end of its input, often before the server's refusal arrives: in TLS 1.3 its own handshake is done by then.
    let out =
        Command::new("openssl").args(["s_client", "-ign_eof", "-connect", &connect, "-servername", "auth.services.test"]).output().unwrap();
    let said = text(&out.stdout) + &text(&out.stderr);
    assert!(said.contains("certificate required"), "{said}");
    assert_eq!(service(server.port("auth"), "auth").redeem(&asked, HERE).unwrap_err().code, "auth-unavailable");
    assert_eq!(service(server.port("auth"), "ticket").redeem(&asked, HERE).unwrap(), "alice");
}

fn an_auth_service_that_was_stopped_is_said_and_found_again() {
    let server = auth_alone(&[]);
    let port = server.port("auth");
    let auth = service(port, "ticket");
    assert_eq!(auth.redeem(&ticket(&server, "alice"), HERE).unwrap(), "alice");
    assert!(server.stop().success());
    let error = auth.redeem("some ticket", HERE).unwrap_err();
    assert_eq!(error.code, "auth-unavailable");
    assert!(error.cause.contains(&port.to_string()) && error.hint.contains("./server auth"), "{error:?}");
    let again = auth_alone(&["--port", &port.to_string()]);
    assert_eq!(auth.redeem(&ticket(&again, "bob"), HERE).unwrap(), "bob");
    // The connection that was kept has ended with the server; the next one is made without anybody noticing.
    drop(again);
    let third = auth_alone(&["--port", &port.to_string()]);
    assert_eq!(auth.redeem(&ticket(&third, "carol"), HERE).unwrap(), "carol");
}

fn an_auth_service_that_never_answers_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let auth = service(silent.local_addr().unwrap().port(), "ticket");
    let error = auth.redeem("some ticket", HERE).unwrap_err();
    assert_eq!(error.code, "auth-unavailable");
}

fn a_service_whose_certificate_was_taken_back_redeems_no_more_on_the_connection_that_it_has() {
    let (_folder, certs) = own_certs();
    let server = Server::start_with(&certs, |command| command.arg("auth"));
    let auth = service_of(&certs, server.port("auth"), "ticket");
    let ask = |name: &str| {
        let body = json!({ "name": name, "password": PASSWORD }).to_string();
        let url = |path: &str| format!("https://localhost:{}{path}", server.port("auth"));
        let post = |path: &str| {
            let mut curl = Command::new("curl");
            good(curl.args(["--silent", "--cacert"]).arg(certs.join("ca/root.crt")).args(["--json", &body, &url(path)]))
        };
        post("/accounts");
        let answer: serde_json::Value = serde_json::from_str(&post("/tickets")).unwrap();
        answer["ticket"].as_str().unwrap().to_owned()
    };
    let (first, second) = (ask("alice"), ask("bob"));
    assert_eq!(auth.redeem(&first, HERE).unwrap(), "alice");
    good(program("ca", &certs).arg("revoke").arg(certs.join("services/ticket/fullchain.pem")));
    server.logged("certificate: loaded again");
    let refused = auth.redeem(&second, HERE).unwrap_err();
    assert!(refused.code == "auth-unavailable" && refused.cause.contains("does not let us redeem"), "{refused:?}");
    server.logged("may not redeem: ticket.services.test's certificate ");
    // A new connection comes to nothing in its handshake, and other services are let in as before.
    assert!(auth.redeem(&second, HERE).unwrap_err().cause.contains("taken back"));
    assert_eq!(service_of(&certs, server.port("auth"), "authority").redeem(&second, HERE).unwrap(), "bob");
}

fn in_a_full_house_strangers_go_first_and_a_service_that_redeems_stays() {
    let server = auth_alone(&["--max-connections", "20"]);
    let auth = service(server.port("auth"), "ticket");
    assert_eq!(auth.redeem(&ticket(&server, "alice"), HERE).unwrap(), "alice"); // its connection is kept, the oldest of all
    let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(("127.0.0.1", server.port("auth"))).unwrap()).collect();
    for number in 0..5 {
        let ticket = ticket(&server, &format!("name-{number}"));
        assert_eq!(auth.redeem(&ticket, HERE).unwrap(), format!("name-{number}"));
    }
    let handshakes =
        server.log().iter().filter(|line| line.contains(" POST /tickets/redeem 200")).map(|line| remote(line)).collect::<BTreeSet<_>>();
    assert_eq!(handshakes.len(), 1, "all on the connection that was kept");
    drop(silent);
}

/// `http: 127.0.0.1:40000 POST …`
fn remote(line: &str) -> String {
    line.split(' ').nth(1).unwrap().to_owned()
}

fn wrong_tickets_by_the_thousand_change_nothing() {
    let server = auth_alone(&["--quiet"]);
    let auth = service(server.port("auth"), "ticket");
    let good = ticket(&server, "alice");
    for number in 0..2_000 {
        assert_eq!(auth.redeem(&format!("{number:032x}"), HERE).unwrap_err().code, "ticket-refused");
    }
    assert_eq!(auth.redeem(&good, HERE).unwrap(), "alice");
}

fn neither_ticket_nor_password_is_ever_logged() {
    let server = auth_alone(&["-vv"]);
    let auth = service(server.port("auth"), "ticket");
    let first = ticket(&server, "alice");
    register(&server, "alice");
    sign_in(&server, "alice", "a wrong password");
    sign_in(&server, PASSWORD, PASSWORD); // typed into the wrong field
    post(&server, "/tickets", &json!({ "name": "alice", "password": [PASSWORD] }));
    for _ in 0..2 {
        let _ = auth.redeem(&first, HERE);
    }
    server.logged("used before");
    let log = server.log().join("\n");
    for secret in [PASSWORD, "a wrong password", &first, "argon2"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
