//! What is said: the first message, and those after it.

use super::{
    common::{run, text},
    lab::{Lab, Mood, closed, token},
    peer::{BINARY, CLOSE, Frame, PING, PONG, Socket, TEXT, eventually, handshake, header, masked, tcp, tcp_from},
};
use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

crate::cases!(
    [] a_good_ticket_opens_and_every_message_comes_back_as_it_was,
    [] a_ticket_opens_once_from_its_address_and_all_refusals_look_alike,
    [] the_code_for_strangers_is_1008_or_what_the_options_say,
    [] each_bad_message_has_its_code_before_and_after_the_ticket,
    [] nothing_is_done_before_the_ticket,
    [] deep_json_does_not_end_the_server,
    [] who_shows_no_ticket_in_time_is_sent_away_whatever_they_do_meanwhile,
    [] the_log_tells_each_step_and_no_secret,
    [] the_demo_token_works_only_when_asked_for_and_the_server_says_so,
    [] interrupted_it_says_1001_to_all_and_ends_with_0,
    [] pings_fragments_and_one_byte_at_a_time_change_nothing,
    ["node", "npm:ws"] node_comes_in_with_a_ticket,
);

fn a_good_ticket_opens_and_every_message_comes_back_as_it_was() {
    let lab = Lab::start(&[]);
    for said in [r#"{"msg": "hello"}"#, r#" { "msg" :null} "#, r#"{"msg":{"deep":[1,2.50,"ü\u00fc"]},"more":true}"#] {
        let mut socket = lab.enter("/", "alice");
        socket.say(said);
        assert_eq!(socket.hear(), said);
        socket.close();
    }
    let mut clear = lab.open_clear("/");
    clear.say(&token(&lab.auth.ticket("bob", clear.stream.local_addr().unwrap().ip())));
    assert_eq!(clear.hear(), "Successfully authenticated.");
    clear.say(r#"{"msg":1}"#);
    assert_eq!(clear.hear(), r#"{"msg":1}"#);
    clear.close();
}

fn a_ticket_opens_once_from_its_address_and_all_refusals_look_alike() {
    let lab = Lab::start(&[]);
    let from = |address, ticket: &str| {
        let mut socket = Socket::over(handshake(tcp_from(&lab.server, "ticket", address)).unwrap(), "/ladder/ticket");
        socket.say(&token(ticket));
        socket
    };
    let (here, there) = (Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2));
    let ticket = lab.auth.ticket("alice", here);
    let mut alice = from(here, &ticket);
    assert_eq!(alice.hear(), "Successfully authenticated.");
    let refused = (1008, "unauthenticated".to_owned());
    assert_eq!(closed(&mut from(here, &ticket)), refused, "used before");
    let stolen = lab.auth.ticket("alice", here);
    assert_eq!(closed(&mut from(there, &stolen)), refused, "stolen");
    assert_eq!(closed(&mut from(here, "00112233445566778899aabbccddeeff")), refused, "made up");
    assert_eq!(closed(&mut from(here, "")), refused);
    assert_eq!(closed(&mut from(here, &"f".repeat(800))), refused);
    alice.close();
}

fn the_code_for_strangers_is_1008_or_what_the_options_say() {
    for (args, wrong, late) in [
        (&["--auth-within", "0.1"][..], 1008, 1008),
        (&["--auth-within", "0.1", "--compat-1011"], 1011, 1011),
        (&["--auth-within", "0.1", "--close-codes", "iana"], 3000, 3008),
    ] {
        let lab = Lab::start(args);
        let mut socket = lab.open("/");
        assert_eq!(closed(&mut socket), (late, "unauthenticated: no ticket in time".into()), "{args:?}");
        let patient = Lab::start(&args[2..]);
        let mut socket = patient.open("/");
        socket.say(&token("wrong"));
        assert_eq!(closed(&mut socket), (wrong, "unauthenticated".into()), "{args:?}");
    }
}

fn each_bad_message_has_its_code_before_and_after_the_ticket() {
    let lab = Lab::start(&[]);
    let long = format!(r#"{{"token":"{}"}}"#, "a".repeat(1024));
    for (first, payload, code) in [
        (TEXT, "", 1007),
        (TEXT, "{", 1007),
        (TEXT, "token", 1007),
        (TEXT, r#"{"token":"a"}{"#, 1007),
        (TEXT, "[[[[[[[[[[", 1007),
        (TEXT, "[]", 1008),
        (TEXT, "\"ticket\"", 1008),
        (TEXT, "null", 1008),
        (TEXT, r#"{"msg":"hello"}"#, 1008),
        (TEXT, r#"{"token":5}"#, 1008),
        (TEXT, r#"{"token":["a"]}"#, 1008),
        (TEXT, r#"{"token":null}"#, 1008),
        (TEXT, r#"{"Token":"a"}"#, 1008),
        (TEXT, r#"{"token":"a","token":"b"}"#, 1008),
        (BINARY, r#"{"token":"a"}"#, 1003),
        (TEXT, &long, 1009),
    ] {
        let mut socket = lab.open("/");
        socket.send(&masked(first, payload.as_bytes()));
        let (said, why) = closed(&mut socket);
        assert!(said == code && !why.is_empty(), "{payload}: {said} {why}");
    }
    let mut socket = lab.open("/");
    socket.say(&format!("[\"{}\"]", lab.auth.ticket("alice", socket.local().ip())));
    assert_eq!(closed(&mut socket).0, 1008, "a good ticket, but no object");
    let mut socket = lab.open("/");
    socket.send(&masked(TEXT, b"{\"token\":\"\xff\"}"));
    assert_eq!(closed(&mut socket).0, 1007, "no utf-8");

    let long = format!(r#"{{"msg":"{}"}}"#, "a".repeat(64 * 1024));
    for (first, payload, code) in [
        (TEXT, "", 1007),
        (TEXT, "{\"msg\":\"", 1007),
        (TEXT, r#"{"msg":01}"#, 1007),
        (TEXT, r#"{"msg":[[[[[[[[[]]]]]]]]]}"#, 1007),
        (TEXT, "{}", 1008),
        (TEXT, "[1]", 1008),
        (TEXT, r#"{"token":"a"}"#, 1008),
        (BINARY, r#"{"msg":1}"#, 1003),
        (TEXT, &long, 1009),
    ] {
        let mut socket = lab.enter("/", "alice");
        socket.send(&masked(first, payload.as_bytes()));
        let (said, why) = closed(&mut socket);
        assert!(said == code && !why.is_empty(), "{payload}: {said} {why}");
    }
    lab.is_served();
}

fn nothing_is_done_before_the_ticket() {
    let lab = Lab::start(&[]);
    let mut eve = lab.open("/room");
    let listener = lab.enter("/room", "bob");
    // All at once: a message, a good ticket, and a message again. The first decides.
    let ticket = lab.auth.ticket("eve", eve.local().ip());
    let asked = *lab.auth.asked.lock().unwrap();
    let all = [r#"{"msg":"too early"}"#, &token(&ticket), r#"{"msg":"too late"}"#].map(|text| masked(TEXT, text.as_bytes())).concat();
    eve.send(&all);
    assert_eq!(closed(&mut eve), (1008, "unauthenticated".into()));
    assert_eq!(*lab.auth.asked.lock().unwrap(), asked, "nobody was asked about the ticket");
    let mut listener = listener;
    listener.say(r#"{"msg":"mine"}"#);
    assert_eq!(listener.hear(), r#"{"from":"bob","msg":"mine"}"#, "the room has heard nothing of it");
    listener.close();
}

fn deep_json_does_not_end_the_server() {
    let lab = Lab::start(&[]);
    for opening in ["{\"msg\":[", "[", "{\"a\":"] {
        let mut socket = lab.enter("/", "alice");
        let text: String = opening.repeat(60_000 / opening.len());
        socket.say(&text);
        assert_eq!(closed(&mut socket).0, 1007);
        let mut socket = lab.open_clear("/");
        socket.say(&text[..1_000]);
        assert_eq!(closed(&mut socket).0, 1007);
    }
    lab.is_served();
}

fn who_shows_no_ticket_in_time_is_sent_away_whatever_they_do_meanwhile() {
    const MOMENT: Duration = Duration::from_millis(1_500);
    let lab = Lab::start(&["--auth-within", "1.5"]);
    let start = Instant::now();
    let (mut silent, mut busy, mut slow) = (lab.open("/"), lab.open("/room"), lab.open_clear("/"));
    let mut half = masked(TEXT, token("00112233445566778899aabbccddeeff").as_bytes()).into_iter();
    busy.stream.stream.set_nonblocking(false).unwrap();
    while start.elapsed() < MOMENT {
        // A sign of life moves nothing, nor does a byte of a message that does not end.
        let _ = busy.try_send(&masked(PING, b"here"));
        if start.elapsed() < MOMENT / 2 {
            slow.send(&[half.next().unwrap()]);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let late = (1008, "unauthenticated: no ticket in time".to_owned());
    assert_eq!(closed(&mut silent), late);
    let mut frames = busy.rest().0;
    let last = frames.pop().unwrap();
    assert!(last.first == CLOSE && frames.iter().all(|frame| frame.first == PONG), "{last:?}");
    assert_eq!(slow.next(), Ok(Frame { first: CLOSE, payload: [&1008_u16.to_be_bytes()[..], late.1.as_bytes()].concat() }));
    lab.is_served();
}

fn the_log_tells_each_step_and_no_secret() {
    let lab = Lab::start(&["-v"]);
    let mut socket = lab.open("/?token=in-the-address");
    let ticket = lab.auth.ticket("alice", socket.local().ip());
    let remote = socket.local().to_string();
    socket.say(&token(&ticket));
    socket.hear();
    socket.say("{\"msg\":\"one\\u001b[2J two\"}");
    socket.hear();
    socket.close();
    lab.server.logged("disconnected");
    let mut refused = lab.open("/");
    refused.say(&token(&ticket));
    closed(&mut refused);
    let other = refused.local().to_string();
    lab.server.logged(&format!("{other} disconnected"));
    let lines = lab.server.log();
    let about = |who: &str| -> Vec<String> {
        let lines = lines.iter().filter(|line| line.starts_with("ticket: "));
        lines.filter_map(|line| line.strip_prefix(&format!("ticket: {who} "))).map(str::to_owned).collect()
    };
    let steps = ["connected to /", "alice authenticated", r#"alice received "one\u001b[2J two""#, "alice disconnected: 1000"];
    assert_eq!(about(&remote), steps);
    assert_eq!(about(&other)[..2], ["connected to /", "unauthenticated: the ticket was refused"]);
    for secret in [ticket.as_str(), "in-the-address"] {
        assert!(!lines.iter().any(|line| line.contains(secret)), "{lines:?}");
    }
}

const DEMO: &str = "ebfb7ff0-b2f6-41c8-bef3-4fba17be410c";

fn the_demo_token_works_only_when_asked_for_and_the_server_says_so() {
    let lab = Lab::start(&["--demo-token", "--quiet"]);
    lab.server.logged("DANGER: --demo-token");
    for _ in 0..2 {
        let mut socket = lab.open("/room");
        socket.say(&token(DEMO));
        assert_eq!(socket.hear(), "Successfully authenticated.");
        socket.say(r#"{"msg":"hi","from":"alice"}"#);
        assert_eq!(socket.hear(), r#"{"from":"demo","msg":"hi"}"#);
        socket.close();
    }
    let lab = Lab::start(&[]);
    let mut socket = lab.open("/");
    socket.say(&token(DEMO));
    assert_eq!(closed(&mut socket), (1008, "unauthenticated".into()));
    assert!(!lab.server.log().iter().any(|line| line.contains("DANGER")));
}

fn interrupted_it_says_1001_to_all_and_ends_with_0() {
    let lab = Lab::start(&[]);
    let (mut alice, mut bob, mut stranger) = (lab.enter("/", "alice"), lab.enter("/room", "bob"), lab.open("/"));
    let mut clear = lab.open_clear("/ladder/nothing");
    assert_eq!(clear.hear(), "hello stranger");
    // One whose ticket is being looked at, by somebody who does not answer.
    lab.auth.be(Mood::Silent);
    let mut waiting = lab.open("/");
    waiting.say(&token("00112233445566778899aabbccddeeff"));
    eventually("the question is there", || *lab.auth.asked.lock().unwrap() == 3);
    let Lab { server, .. } = lab;
    let start = Instant::now();
    server.signal("INT");
    for socket in [&mut alice, &mut bob, &mut stranger, &mut waiting] {
        let frame = socket.next().unwrap();
        assert_eq!((frame.first, &frame.payload[..2]), (CLOSE, &1001_u16.to_be_bytes()[..]));
        let _ = socket.try_send(&masked(CLOSE, &frame.payload[..2]));
    }
    assert_eq!(closed(&mut clear).0, 1001);
    assert!(server.stop().success());
    assert!(start.elapsed() < Duration::from_millis(2_900), "it took {:?}", start.elapsed());
}

fn pings_fragments_and_one_byte_at_a_time_change_nothing() {
    let lab = Lab::start(&[]);
    let mut socket = lab.open_clear("/");
    let text = token(&lab.auth.ticket("alice", socket.stream.local_addr().unwrap().ip()));
    let (one, two) = text.as_bytes().split_at(9);
    for byte in [masked(TEXT & 0x7f, one), masked(PING, b"?"), masked(0x80, two)].concat() {
        socket.send(&[byte]);
    }
    assert_eq!(socket.next(), Ok(Frame { first: PONG, payload: b"?".to_vec() }));
    assert_eq!(socket.hear(), "Successfully authenticated.");
    // 16 MiB are announced, and refused before they come.
    socket.send(&[&header(TEXT, 16 * 1024 * 1024, true)[..], &[1, 2, 3, 4]].concat());
    assert_eq!(closed(&mut socket).0, 1009);
    // A WebSocket's key, a page's request, and TLS at the wrong door.
    let mut plain = tcp(&lab.server, "ticket");
    let answer = super::peer::ask(&mut plain, "GET /");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    lab.is_served();
}

fn node_comes_in_with_a_ticket() {
    const SCRIPT: &str = r#"
        const WebSocket = require(process.argv[3] + "/ws");
        const socket = new WebSocket(process.argv[1]);
        socket.onopen = () => socket.send(JSON.stringify({ token: process.argv[2] }));
        socket.onmessage = ({ data }) => {
            console.log(String(data));
            if (data === "Successfully authenticated.") socket.send(JSON.stringify({ msg: "from node" }));
            else socket.close(1000);
        };
        socket.onclose = ({ code, reason }) => console.log(code, String(reason));
        socket.onerror = ({ message }) => console.log(message);
    "#;
    let lab = Lab::start(&[]);
    let modules = super::common::checkout().join("tests/browser/node_modules");
    let node = |ticket: &str| {
        let url = format!("ws://127.0.0.1:{}/", lab.server.port("ticket-ws"));
        let out = run(std::process::Command::new("node").args(["-e", SCRIPT, &url, ticket]).arg(&modules));
        text(&out.stdout)
    };
    let ticket = lab.auth.ticket("alice", Ipv4Addr::LOCALHOST);
    assert_eq!(node(&ticket), "Successfully authenticated.\n{\"msg\":\"from node\"}\n1000 \n");
    assert_eq!(node(&ticket), "1008 unauthenticated\n");
}
