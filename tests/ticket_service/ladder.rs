//! Seven ways to say who opens a WebSocket, and the attack on each.

use super::{
    common::{Server, certs, good, run, scratch, text},
    lab::{HERE, Lab, closed, token, upgrade, wss},
    peer::{Socket, all, localhost, tcp, tcp_from},
};
use padlock::{
    authority::Places,
    certificate::Identity,
    tls::{self, Settings, Tls},
    trust::Trust,
};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
};

crate::cases!(
    [] one_nothing_keeps_nobody_out,
    [] two_a_token_in_the_url_is_found_in_the_log_and_works_again,
    [] three_a_cookie_goes_along_with_a_page_of_another_port,
    [] four_with_a_list_of_origins_that_page_is_told_403_before_101,
    [] five_a_token_as_subprotocol_is_not_said_again_but_who_sees_the_head_has_it,
    [] six_a_ticket_that_was_seen_is_of_no_use,
    [] seven_without_the_certificate_there_is_no_way_in,
    [] a_ticket_signs_in_once_and_pages_of_others_can_not_do_it,
    ["curl"] curl_signs_in_and_its_cookie_opens_the_socket,
    [] the_table_of_the_ladder_is_there_for_pages,
);

/// Where an attacker's page is: the same site, another origin.
const EVIL: &str = "Origin: https://localhost:9999\r\n";

/// POST without the rest of a browser. Gives the whole answer.
fn post(lab: &Lab, path: &str, fields: &str, body: &str) -> String {
    let mut stream = wss(lab);
    send(&mut stream, path, fields, body)
}

fn send(stream: &mut (impl Read + Write), path: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n");
    stream.write_all((head + body).as_bytes()).unwrap();
    let (answer, clean) = all(stream);
    assert!(clean);
    String::from_utf8(answer).unwrap()
}

/// alice signs in from 127.0.0.1: her cookie, as a browser keeps it, and her token.
fn signed_in(lab: &Lab) -> (String, String) {
    let mut stream = handshake_from(lab, Ipv4Addr::LOCALHOST);
    let ticket = lab.auth.ticket("alice", HERE);
    let answer = send(&mut stream, "/ladder/sign-in", "", &format!(r#"{{"ticket":"{ticket}"}}"#));
    let cookie = answer.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).unwrap();
    for rule in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(cookie.split("; ").any(|part| part == rule), "{cookie}");
    }
    let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["name"], "alice");
    let cookie = cookie.split(';').next().unwrap();
    assert!(!answer.contains(&format!("\"{}\"", cookie.split_once('=').unwrap().1)), "scripts are not given the cookie");
    (cookie.to_owned(), body["token"].as_str().unwrap().to_owned())
}

fn handshake_from(lab: &Lab, address: Ipv4Addr) -> Tls<TcpStream> {
    super::peer::handshake(tcp_from(&lab.server, "ticket", address)).unwrap()
}

/// Opens, and says who the server takes us for; or the status of its refusal.
fn who(lab: &Lab, path: &str, fields: &str) -> Result<String, String> {
    let mut stream = wss(lab);
    let head = upgrade(&mut stream, path, fields);
    if !head.starts_with("HTTP/1.1 101 ") {
        return Err(head.split(' ').nth(1).unwrap().to_owned());
    }
    let mut frame = [0; 2];
    stream.read_exact(&mut frame).unwrap();
    let mut text = vec![0; frame[1].into()];
    stream.read_exact(&mut text).unwrap();
    Ok(String::from_utf8(text).unwrap())
}

fn refused(status: &str) -> Result<String, String> {
    Err(status.into())
}

fn hello(name: &str) -> Result<String, String> {
    Ok(format!("hello {name}"))
}

fn one_nothing_keeps_nobody_out() {
    let lab = Lab::start(&[]);
    for fields in ["", EVIL, "Origin: null\r\n", "Cookie: __Host-session=alice\r\n"] {
        assert_eq!(who(&lab, "/ladder/nothing", fields), hello("stranger"));
    }
    let mut socket = lab.open("/ladder/nothing");
    assert_eq!(socket.hear(), "hello stranger");
    socket.say(r#"{"msg":"I am root","from":"root"}"#);
    assert_eq!(socket.hear(), r#"{"msg":"I am root","from":"root"}"#, "whatever they say");
    socket.close();
}

fn two_a_token_in_the_url_is_found_in_the_log_and_works_again() {
    let lab = Lab::start(&[]);
    let (cookie, token) = signed_in(&lab);
    let secret = cookie.split_once('=').unwrap().1;
    for query in ["", "?token=", "?token=00112233445566778899aabbccddeeff", &format!("?token={secret}"), &format!("?other={token}")] {
        assert_eq!(who(&lab, &format!("/ladder/url{query}"), ""), refused("403"), "{query}");
    }
    assert_eq!(who(&lab, &format!("/ladder/url?token={token}"), ""), hello("alice"));
    // Whoever may read the access log …
    let line = lab.server.logged(&format!("token={token} 101"));
    let found = line.split("token=").nth(1).unwrap().split(' ').next().unwrap();
    // … comes in, from anywhere.
    assert_eq!(who(&lab, &format!("/ladder/url?token={found}"), EVIL), hello("alice"));
}

fn three_a_cookie_goes_along_with_a_page_of_another_port() {
    let lab = Lab::start(&[]);
    let (cookie, token) = signed_in(&lab);
    for fields in ["", "Cookie: __Host-session=\r\n", &format!("Cookie: __Host-session={token}\r\n"), &format!("Cookie: x{cookie}\r\n")] {
        assert_eq!(who(&lab, "/ladder/cookie", fields), refused("403"), "{fields}");
    }
    // What alice's browser sends when a page of another port opens the socket.
    assert_eq!(who(&lab, "/ladder/cookie", &format!("{EVIL}Cookie: other=1; {cookie}\r\n")), hello("alice"), "hijacked");
}

fn four_with_a_list_of_origins_that_page_is_told_403_before_101() {
    let lab = Lab::start(&[]);
    let (cookie, _) = signed_in(&lab);
    let with = |origin: &str| who(&lab, "/ladder/origin", &format!("{origin}Cookie: {cookie}\r\n"));
    assert_eq!(with(EVIL), refused("403"));
    for origin in ["null", "https://localhost", "https://localhost:1234.evil.test", "http://localhost:1234", "https://evil.test"] {
        assert_eq!(with(&format!("Origin: {origin}\r\n")), refused("403"), "{origin}");
    }
    let own = format!("https://localhost:{}", lab.server.port("ticket"));
    assert_eq!(with(&format!("Origin: {own}\r\nOrigin: https://evil.test\r\n")), refused("403"));
    assert_eq!(with(&format!("Origin: {own}\r\n")), hello("alice"));
    assert_eq!(with("Origin: https://localhost:1234\r\n"), hello("alice"), "a web service of another process");
    assert_eq!(who(&lab, "/ladder/origin", &format!("Origin: {own}\r\n")), refused("403"), "an origin proves nobody");
    // A program says whatever it likes.
    assert_eq!(with(""), hello("alice"));
}

fn five_a_token_as_subprotocol_is_not_said_again_but_who_sees_the_head_has_it() {
    let lab = Lab::start(&[]);
    let (_, token) = signed_in(&lab);
    let offer = |offer: &str| format!("Sec-WebSocket-Protocol: {offer}\r\n");
    for wrong in ["ticket.v1", "ticket.v1, token.", "token.00112233445566778899aabbccddeeff", &token] {
        assert_eq!(who(&lab, "/ladder/subprotocol", &offer(wrong)), refused("403"), "{wrong}");
    }
    // In the clear, so that somebody on the way sees the head.
    let mut stream = tcp(&lab.server, "ticket-ws");
    let fields = offer(&format!("ticket.v1, token.{token}"));
    let answer = upgrade(&mut stream, "/ladder/subprotocol", &fields);
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("Sec-WebSocket-Protocol: ticket.v1\r\n"), "{answer}");
    assert!(!answer.contains(&token), "the answer says it again: {answer}");
    assert_eq!(who(&lab, "/ladder/subprotocol", &fields), hello("alice"), "seen, and used again");
    lab.is_served();
    assert!(!lab.server.log().iter().any(|line| line.contains(&token)), "our own log leaves fields out");
}

fn six_a_ticket_that_was_seen_is_of_no_use() {
    let lab = Lab::start(&[]);
    let come = |address, ticket: &str| {
        let mut socket = Socket::over(handshake_from(&lab, address), "/ladder/ticket");
        socket.say(&token(ticket));
        socket
    };
    let (here, there) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2));
    let ticket = lab.auth.ticket("alice", here);
    let mut alice = come(here, &ticket);
    assert_eq!(alice.hear(), "Successfully authenticated.");
    for address in [here, there] {
        assert_eq!(closed(&mut come(address, &ticket)), (1008, "unauthenticated".into()), "replayed from {address}");
    }
    // Stolen before alice could show it: it is spent, and alice learns that something is wrong.
    let ticket = lab.auth.ticket("alice", here);
    assert_eq!(closed(&mut come(there, &ticket)).0, 1008, "from another address");
    assert_eq!(closed(&mut come(here, &ticket)).0, 1008);
    alice.close();
}

fn seven_without_the_certificate_there_is_no_way_in() {
    let lab = Lab::start(&["--client-auth", "request"]);
    let path = "/ladder/certificate";
    assert_eq!(who(&lab, path, ""), refused("403"));
    assert_eq!(who(&lab, path, "Cookie: __Host-session=guest\r\nAuthorization: Basic Z3Vlc3Q6\r\n"), refused("403"));
    let mut clear = tcp(&lab.server, "ticket-ws");
    assert!(upgrade(&mut clear, path, "").starts_with("HTTP/1.1 403 "), "nobody proves a key in the clear");
    let places = Places::new(certs());
    let (chain, key) = places.user("guest");
    let guest = Identity::load(&chain, &key).unwrap();
    let with = |who: &Identity, origin: &str| -> Result<String, std::io::Error> {
        let trust = Trust::lab(&places).unwrap();
        let config = tls::client(Some(who), &trust, Default::default(), &Settings::default()).unwrap();
        let mut stream = tls::connect(tcp(&lab.server, "ticket"), localhost(), &config).map_err(|(failure, _)| failure)?;
        stream.write_all(b"")?;
        let mut probe = Vec::new();
        stream.write_all(
            format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{origin}\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            .as_bytes(),
        )?;
        let mut piece = [0; 1024];
        while !probe.ends_with(b"guest") && !probe.starts_with(b"HTTP/1.1 4") {
            match stream.read(&mut piece)? {
                0 => break,
                n => probe.extend_from_slice(&piece[..n]),
            }
        }
        Ok(String::from_utf8_lossy(&probe).into_owned())
    };
    let answer = with(&guest, "").unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("hello guest"), "{answer}");
    assert!(with(&guest, EVIL).unwrap().starts_with("HTTP/1.1 403 "), "a browser shows the certificate to any page's socket");
    let stranger = super::common::pki::self_signed(&["guest.users.test"], |_| {});
    assert!(with(&stranger, "").is_err(), "a certificate that nobody vouches for ends the handshake");
}

fn a_ticket_signs_in_once_and_pages_of_others_can_not_do_it() {
    let lab = Lab::start(&[]);
    let path = "/ladder/sign-in";
    let body = |ticket: &str| format!(r#"{{"ticket":"{ticket}"}}"#);
    for (fields, sent, status) in [
        ("", "", "400"),
        ("", "{}", "400"),
        ("", "[[[[[[[[[[", "400"),
        ("", r#"{"ticket":"00112233445566778899aabbccddeeff"}"#, "401"),
        (EVIL, "{}", "403"),
    ] {
        let answer = post(&lab, path, fields, sent);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && !answer.contains("Set-Cookie"), "{sent}: {answer}");
    }
    assert!(post(&lab, path, "", &body(&"a".repeat(2_000))).starts_with("HTTP/1.1 413 "));
    let mut clear = tcp(&lab.server, "ticket-ws");
    assert!(send(&mut clear, path, "", &body("a")).starts_with("HTTP/1.1 403 "), "not in the clear");
    let ticket = lab.auth.ticket("alice", HERE);
    let own = format!("Origin: https://localhost:{}\r\n", lab.server.port("ticket"));
    let mut stream = handshake_from(&lab, Ipv4Addr::LOCALHOST);
    let answer = send(&mut stream, path, &own, &body(&ticket));
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\nAccess-Control-Allow-Credentials: true\r\n"), "{answer}");
    assert!(post(&lab, path, "", &body(&ticket)).starts_with("HTTP/1.1 401 "), "once");
    assert!(!lab.server.log().iter().any(|line| line.contains(&ticket)));
}

fn curl_signs_in_and_its_cookie_opens_the_socket() {
    let lab = Lab::start(&[]);
    let (folder, root) = (scratch(), certs().join("ca/root.crt"));
    let jar = folder.path().join("jar");
    let base = format!("https://localhost:{}", lab.server.port("ticket"));
    let curl = || {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--http1.1", "--max-time", "20", "--cacert"])
            .arg(&root)
            .arg("--cookie-jar")
            .arg(&jar)
            .arg("--cookie")
            .arg(&jar);
        curl
    };
    let ticket = format!(r#"{{"ticket":"{}"}}"#, lab.auth.ticket("alice", HERE));
    let answer = good(curl().args(["--data", &ticket, "-H", "Content-Type: application/json"]).arg(format!("{base}/ladder/sign-in")));
    assert!(answer.contains(r#""name":"alice""#), "{answer}");
    let fields = ["-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H", "Sec-WebSocket-Version: 13"];
    let key = ["-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
    let ask = |path: &str, origin: &str| {
        let out = run(curl().args(fields).args(key).args(["-H", origin, "--max-time", "0.5", "-i"]).arg(format!("{base}{path}")));
        text(&out.stdout)
    };
    assert!(ask("/ladder/cookie", "Origin: https://localhost:9999").contains("hello alice"));
    assert!(ask("/ladder/origin", "Origin: https://localhost:9999").starts_with("HTTP/1.1 403 "));
    assert!(ask("/ladder/origin", "Origin: https://localhost:1234").contains("hello alice"));
}

fn the_table_of_the_ladder_is_there_for_pages() {
    let server = Server::start(&["ticket"]);
    let mut stream = tcp(&server, "ticket-ws");
    let answer = super::peer::ask(&mut stream, "GET /ladder");
    let table: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let paths: Vec<&str> = table.as_array().unwrap().iter().map(|rung| rung["path"].as_str().unwrap()).collect();
    let names = ["nothing", "url", "cookie", "origin", "subprotocol", "ticket", "certificate"];
    assert_eq!(paths, names.map(|name| format!("/ladder/{name}")));
}
