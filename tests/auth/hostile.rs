//! What strangers send: pages of other origins, bodies of every kind, and more passwords than the machine can hash.

use crate::{
    cases,
    common::{Server, certs, good, program},
    desk::{PASSWORD, auth_alone, curl, post_with, register, sign_in},
};
use serde_json::json;
use std::{fs, thread};

cases! {
    ["curl"] pages_of_our_own_ports_may_ask_and_others_may_not,
    ["curl"] bodies_that_are_no_question_are_refused_each_in_its_own_way,
    ["curl"] a_crowd_that_signs_in_at_once_is_served_or_told_to_wait_and_takes_no_more_memory,
    ["curl"] the_sign_in_page_is_here_too_and_guarded,
}

fn pages_of_our_own_ports_may_ask_and_others_may_not() {
    let server = Server::start(&[]);
    let (web, plain, auth) = (server.port("web"), server.port("plain"), server.port("auth"));
    register(&server, "alice");
    let body = json!({ "name": "alice", "password": PASSWORD }).to_string();
    for origin in [format!("https://localhost:{web}"), format!("https://127.0.0.1:{web}"), format!("http://localhost:{plain}")] {
        let field = format!("Origin: {origin}");
        let before =
            curl(&server, "/tickets", &["--request", "OPTIONS", "--header", &field, "--header", "Access-Control-Request-Method: POST"]);
        assert_eq!((before.status, before.field("Access-Control-Allow-Origin")), (200, origin.as_str()));
        assert_eq!((before.field("Access-Control-Allow-Methods"), before.field("Access-Control-Allow-Headers")), ("POST", "Content-Type"));
        let answer = post_with(&server, "/tickets", &body, &["--header", &field]);
        assert_eq!((answer.status, answer.field("Access-Control-Allow-Origin"), answer.field("Vary")), (200, origin.as_str(), "Origin"));
    }
    assert_eq!(post_with(&server, "/tickets", &body, &["--header", &format!("Origin: https://localhost:{auth}")]).status, 200);
    let foreign =
        ["https://evil.test".into(), "null".into(), format!("http://localhost:{web}"), format!("https://localhost:{web}0"), "*".into()];
    for origin in foreign {
        let field = format!("Origin: {origin}");
        for answer in
            [post_with(&server, "/tickets", &body, &["--header", &field]), curl(&server, "/tickets", &["-X", "OPTIONS", "-H", &field])]
        {
            assert_eq!((answer.status, answer.code().as_str(), answer.field("Access-Control-Allow-Origin")), (403, "foreign-origin", ""));
        }
    }
}

fn bodies_that_are_no_question_are_refused_each_in_its_own_way() {
    let server = auth_alone(&[]);
    let (deep, large) = ("[".repeat(3000), format!("{{\"name\": \"{}\"}}", "x".repeat(8_000)));
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("name=alice&password=x", 400),
        ("[]", 400),
        ("{\"name\": \"alice\"}", 400),
        ("{\"name\": [\"alice\"], \"password\": {\"$ne\": 1}}", 400),
        ("{\"name\": \"alice\", \"password\": 12345678}", 400),
        ("\u{feff}{}", 400),
        (&deep, 400),
        (&large, 413),
    ] {
        for path in ["/tickets", "/accounts"] {
            let answer = post_with(&server, path, body, &[]);
            assert_eq!(answer.status, status, "{path} {body:.80}");
            assert!(!answer.body.contains("12345678"), "{}", answer.body);
        }
    }
    assert_eq!(curl(&server, "/tickets", &["--data", "{}"]).status, 415);
    assert_eq!(curl(&server, "/tickets", &[]).status, 405);
    assert_eq!(curl(&server, "/accounts", &["-X", "DELETE"]).status, 405);
    assert_eq!(curl(&server, "/nothing", &[]).status, 404);
    let body = json!({ "name": "alice", "password": PASSWORD }).to_string();
    assert_eq!(post_with(&server, "/accounts", &body, &["--header", "Expect: 100-continue"]).status, 201);
}

fn a_crowd_that_signs_in_at_once_is_served_or_told_to_wait_and_takes_no_more_memory() {
    let server = Server::start(&["--quiet"]);
    register(&server, "alice");
    let statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..120).map(|_| scope.spawn(|| sign_in(&server, "alice", PASSWORD).status)).collect();
        // Meanwhile the others are served.
        good(program("client", certs()).arg(format!("https://localhost:{}/healthz", server.port("web"))));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(statuses.contains(&200) && statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 200 * 1024, "{peak} KiB at the most");
}

fn the_sign_in_page_is_here_too_and_guarded() {
    let server = Server::start(&[]);
    let moved = curl(&server, "/", &[]);
    assert_eq!((moved.status, moved.field("Location")), (308, "/ticket"));
    let page = curl(&server, "/ticket", &[]);
    let policy = page.field("Content-Security-Policy");
    assert!(page.status == 200 && policy.contains(&format!("https://localhost:{}", server.port("auth"))), "{policy}");
    assert_eq!((page.field("X-Content-Type-Options"), page.field("X-Frame-Options")), ("nosniff", "DENY"));
}
