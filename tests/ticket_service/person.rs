//! Somebody with `./client`: a name, a password, a ticket, and a prompt.

use super::{
    client::{Talk, client, ended, piped},
    common::{Server, scratch, text},
    lab::{Lab, Mood},
};
use std::net::Ipv4Addr;

crate::cases!(
    [] a_password_becomes_a_ticket_and_lines_become_messages,
    [] a_ticket_is_read_from_standard_input_and_is_good_once,
    [] a_printed_ticket_goes_through_a_pipe,
    [] without_an_auth_service_or_a_ticket_the_hint_says_what_to_type,
);

fn a_password_becomes_a_ticket_and_lines_become_messages() {
    let folder = scratch();
    let accounts = folder.path().join("accounts");
    let server = Server::start(&["auth", "ticket", "--accounts", accounts.to_str().unwrap()]);
    let auth = format!("https://localhost:{}", server.port("auth"));
    let url = |rest: &str| format!("wss://localhost:{}{rest}", server.port("ticket"));
    let password = "correct horse battery\n";
    let absent = piped(&["ticket", "alice", &url("/"), "--auth", &auth, "--password-stdin"], password);
    ended(&absent, 22, &["./client register"]);
    ended(&piped(&["register", "alice", "--auth", &auth, "--password-stdin"], password), 0, &[]);
    let wrong = piped(&["ticket", "alice", &url("/"), "--auth", &auth, "--password-stdin"], "another one\n");
    ended(&wrong, 22, &[]);
    assert!(!text(&wrong.stdout).contains("connected"));
    let input = format!("{password}hello \"you\"\n{{\"msg\": 1}}\n");
    let out = piped(&["ticket", "alice", &url("/room"), "--auth", &auth, "--password-stdin"], &input);
    ended(&out, 0, &[]);
    let said = [
        "connected to server",
        "Websocket connection established.",
        "received message: Successfully authenticated.",
        r#"received message: {"from":"alice","msg":"hello \"you\""}"#,
        r#"received message: {"from":"alice","msg":1}"#,
        "disconnected\n",
    ];
    assert_eq!(text(&out.stdout), said.join("\n"));
    server.logged("alice authenticated");
    assert!(!server.log().iter().any(|line| line.contains("correct horse")));
}

fn a_ticket_is_read_from_standard_input_and_is_good_once() {
    let lab = Lab::start(&[]);
    let url = format!("wss://localhost:{}/", lab.server.port("ticket"));
    let ticket = lab.auth.ticket("alice", Ipv4Addr::LOCALHOST);
    let args = [url.as_str(), "--ticket", "-", "--quiet"];
    let mut talk = Talk::start(&mut client(&args));
    talk.typed(&format!("{ticket}\n"));
    talk.says("Successfully authenticated.");
    talk.typed("hi\n");
    talk.says(r#"{"msg":"hi"}"#);
    ended(&talk.end(), 0, &[]);
    let again = piped(&args, &format!("{ticket}\n"));
    ended(&again, 22, &["client: the server refused the ticket; ", "close code 1008", "unauthenticated", "./client ticket NAME"]);
    let folder = scratch();
    let missing = folder.path().join("missing");
    ended(&piped(&[&url, "--ticket", missing.to_str().unwrap()], ""), 2, &["can't read a ticket from"]);
}

fn a_printed_ticket_goes_through_a_pipe() {
    let server = Server::start(&["auth", "ticket"]);
    let auth = format!("https://localhost:{}", server.port("auth"));
    let password = "correct horse battery\n";
    let ask = ["ticket", "alice", "--auth", &auth, "--password-stdin", "--print"];
    ended(&piped(&ask, password), 22, &["./client register"]);
    ended(&piped(&["register", "alice", "--auth", &auth, "--password-stdin"], password), 0, &[]);
    let printed = piped(&ask, password);
    ended(&printed, 0, &[]);
    let ticket = text(&printed.stdout);
    assert!(ticket.len() == 33 && ticket.trim_end().bytes().all(|digit| digit.is_ascii_hexdigit()), "{ticket:?}");
    let url = format!("wss://localhost:{}/", server.port("ticket"));
    let shown = piped(&[&url, "--ticket", "-", "--quiet"], &ticket);
    assert_eq!((shown.status.code(), text(&shown.stdout).as_str()), (Some(0), "Successfully authenticated.\n"), "{}", text(&shown.stderr));
    let json: serde_json::Value = serde_json::from_slice(&piped(&[&ask[..], &["--json"]].concat(), password).stdout).unwrap();
    assert!(json["version"] == 1 && json["ticket"].as_str().is_some_and(|ticket| ticket.len() == 32), "{json}");
    ended(&piped(&[&ask[..], &[&url]].concat(), password), 2, &["--print"]);
}

fn without_an_auth_service_or_a_ticket_the_hint_says_what_to_type() {
    let lab = Lab::start(&[]);
    let url = format!("wss://localhost:{}/", lab.server.port("ticket"));
    ended(&piped(&[&url], "hello\n"), 56, &["close code 1007"]);
    ended(&piped(&[&url], "{\"msg\":\"hello\"}\n"), 56, &["./client ticket NAME", "./client register NAME"]);
    lab.auth.be(Mood::Gone);
    let out = piped(&[&url, "--ticket", "-"], "00112233445566778899aabbccddeeff\n");
    ended(&out, 56, &["close code 1013", "start the auth service: ./server"]);
    let out = piped(&["ticket", "alice", &url, "--auth", "https://localhost:1", "--password-stdin"], "correct horse battery\n");
    ended(&out, 7, &["./server auth"]);
    let out = piped(&["ticket", "alice", "https://localhost:1/", "--password-stdin"], "x\n");
    ended(&out, 2, &["a ticket opens a WebSocket"]);
    let out = piped(&["ticket", "alice", &url], "x\n");
    ended(&out, 2, &["--password-stdin"]);
}
