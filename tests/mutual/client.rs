//! Our client, towards our server and towards others.

use super::{
    cases,
    common::{
        Server, certs,
        pki::{self, Authority},
        program, run, scratch, text,
    },
    talk::{Foreign, Talk, client, ended, files, pem, piped, url},
};
use padlock::{
    certificate::Identity,
    tls::{self, Settings, Tls},
    trust::{ClientAuth, Trust},
};
use rustls::ServerConfig;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Output,
    sync::Arc,
    thread::{self, JoinHandle},
};

cases! {
    [] without_a_certificate_the_labs_guest_goes_and_says_so,
    [] who_shows_nothing_is_refused_before_it_is_connected,
    [] a_server_that_vanishes_before_its_verdict_was_never_connected_to,
    [] a_server_that_waits_for_our_first_word_gets_it,
    [] the_banner_tells_the_session_and_both_certificates,
    [] what_is_only_observed_is_never_called_verified_and_gets_no_byte,
    [] observing_a_good_server_says_so_and_ends_well,
    [] name_and_authorities_are_chosen_as_for_the_other_schemes,
    [] readings_come_in_order_and_count_on,
    [] a_reading_that_is_missing_ends_it,
    [] a_pinned_pair_believes_each_other_and_nobody_else,
    ["openssl"] openssls_server_judges_our_certificate_before_we_are_connected,
    ["node"] nodes_server_judges_our_certificate_before_we_are_connected,
}

const TLS_BANNER: [&str; 3] =
    ["client: authorized: true, believed: ", "client: version: TLSv1.3, suite: TLS_", "client: sni: localhost, alpn: none, resumed: false"];

fn hello(server: &Server) -> String {
    format!("tls://localhost:{}", server.port("hello"))
}

fn said(output: &Output) -> String {
    text(&output.stdout)
}

/// One connection of a server of our own making: handshake, then `talk`.
fn serve<T: Send + 'static>(config: Arc<ServerConfig>, talk: impl FnOnce(Tls<TcpStream>) -> T + Send + 'static) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tls://localhost:{}", listener.local_addr().unwrap().port());
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        talk(tls::accept(stream, &config).map_err(|(failure, _)| failure).unwrap())
    });
    (url, serving)
}

/// A server that asks who comes, takes whom the lab believes, and sends no tickets.
fn asking(who: &Identity) -> Arc<ServerConfig> {
    let lab = Trust::file(&certs().join("ca/root.crt")).unwrap();
    let mut config = Arc::unwrap_or_clone(tls::server(who, Some((&lab, ClientAuth::Require)), &Settings::default()).unwrap());
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

/// A server that believes itself, and how to make the client believe it.
fn own(folder: &Path) -> (Identity, String) {
    let who = pki::self_signed(&["localhost"], |_| {});
    let cacert = pem(folder, "own.crt", &[&who.chain[0]]);
    (who, cacert)
}

fn without_a_certificate_the_labs_guest_goes_and_says_so() {
    let server = Server::start(&[]);
    let output = piped(&[&hello(&server)], "hi\n");
    ended(&output, 0, &["client: no --cert: if the server asks, we are the lab's guest ("]);
    assert_eq!(said(&output), "connected to server\nhello guest\nhi\ndisconnected\n");
    assert_eq!(text(&output.stderr).matches("no --cert").count(), 1);
    server.logged(" is guest");
    let output = piped(&[&hello(&server), "--quiet"], "hi\n");
    assert_eq!((said(&output).as_str(), text(&output.stderr).as_str()), ("hello guest\nhi\n", ""));
}

fn who_shows_nothing_is_refused_before_it_is_connected() {
    let server = Server::start(&[]);
    let output = piped(&[&hello(&server), "--no-cert"], "hi\n");
    ended(&output, 56, &["the server refused us: certificate required", "--cert FILE --key FILE"]);
    assert_eq!(said(&output), "");
    assert!(!text(&output.stderr).contains("authorized: true"));
    server.logged("the client showed no certificate");
    let elsewhere = scratch();
    let root = certs().join("ca/root.crt");
    let output = run(program("client", elsewhere.path()).arg(hello(&server)).arg("--cacert").arg(root));
    ended(&output, 56, &["certificate required"]); // a lab without a guest
    assert_eq!(said(&output), "");
}

fn a_server_that_vanishes_before_its_verdict_was_never_connected_to() {
    let folder = scratch();
    let (who, cacert) = own(folder.path());
    let (url, serving) = serve(asking(&who), drop);
    let output = piped(&[&url, "--cacert", &cacert], "");
    ended(&output, 56, &["closed in the middle of the session, without a word"]);
    assert_eq!(said(&output), "");
    serving.join().unwrap();
}

fn a_server_that_waits_for_our_first_word_gets_it() {
    let folder = scratch();
    let (who, cacert) = own(folder.path());
    for config in [asking(&who), pki::unchecked(&who)] {
        let (url, serving) = serve(config, |mut tls| {
            let mut word = [0; 3];
            tls.read_exact(&mut word).unwrap();
            tls.write_all(&word).unwrap();
            tls.close().unwrap();
            let _ = tls.read(&mut [0]); // an end that is not read is a reset
        });
        let output = piped(&[&url, "--cacert", &cacert], "hi\n");
        ended(&output, 0, &[]);
        assert_eq!(said(&output), "connected to server\nhi\ndisconnected\n");
        serving.join().unwrap();
    }
}

fn the_banner_tells_the_session_and_both_certificates() {
    let server = Server::start(&[]);
    let output = piped(&[&hello(&server)], "");
    ended(&output, 0, &TLS_BANNER);
    let both = ["client: server: CN=localhost, names: DNS:localhost", "client: client: CN=guest, names: DNS:guest.users.test"];
    ended(&output, 0, &both);
    for whose in ["server", "client"] {
        let each =
            ["issued by O=Padlock, CN=Padlock Intermediate ", "key ECDSA P-256, usage: digitalSignature, ", "valid from 20", "SHA-256 "];
        ended(&output, 0, &each.map(|part| format!("client: {whose}: {part}")).each_ref().map(String::as_str));
    }
    let output = piped(&[&hello(&server), "--json"], "hi\n");
    let (first, rest) = said(&output).split_once('\n').map(|(first, rest)| (first.to_owned(), rest.to_owned())).unwrap();
    assert_eq!(rest, "hello guest\nhi\n");
    let told: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&told["version"], &told["authorized"], &told["reason"]), (&1.into(), &true.into(), &serde_json::Value::Null));
    assert_eq!(
        (&told["tls"]["version"], &told["tls"]["sni"], &told["tls"]["resumed"]),
        (&"TLSv1.3".into(), &"localhost".into(), &false.into())
    );
    assert_eq!(told["certificate"]["names"][0], "DNS:localhost");
    assert_eq!(told["client_certificate"]["names"][0], "DNS:guest.users.test");
    // A server that does not ask is not told who we are.
    let server = Server::start(&["--client-auth", "none"]);
    ended(&piped(&[&hello(&server)], ""), 0, &["client: client: no certificate shown"]);
}

fn what_is_only_observed_is_never_called_verified_and_gets_no_byte() {
    let who = pki::self_signed(&["localhost"], |_| {});
    for scheme in ["tls", "https", "wss"] {
        let (url, serving) = serve(pki::unchecked(&who), |mut tls| {
            let mut all = Vec::new();
            tls.read_to_end(&mut all).map(|_| all)
        });
        let output = piped(&[&url.replace("tls://", &format!("{scheme}://")), "--observe"], "secret\n");
        ended(&output, 60, &["certificate refused: "]);
        let banner = said(&output);
        assert!(banner.lines().count() > 5 && banner.lines().all(|line| line.starts_with("authorized: false (self-signed): ")), "{banner}");
        assert!(banner.contains("server: CN=leaf, names: DNS:localhost") && banner.contains("version: TLSv1.3"), "{banner}");
        assert_eq!(serving.join().unwrap().unwrap(), b"", "{scheme}");
    }
    let server = Server::start(&[]);
    let output = run(&mut client(&[&hello(&server), "--observe", "--json", "--servername", "wrong.test"]));
    assert_eq!(output.status.code(), Some(60));
    let told: serde_json::Value = serde_json::from_str(said(&output).lines().next().unwrap()).unwrap();
    assert_eq!((&told["authorized"], &told["reason"], &told["tls"]["sni"]), (&false.into(), &"wrong-name".into(), &"wrong.test".into()));
    ended(&run(&mut client(&["ws://localhost:1/", "--observe"])), 2, &["--observe looks at certificates"]);
}

fn observing_a_good_server_says_so_and_ends_well() {
    let server = Server::start(&[]);
    let output = run(&mut client(&[&url(&server, "https", "/"), "--observe"]));
    ended(&output, 0, &[]);
    assert!(said(&output).starts_with("authorized: true, believed: the lab's authority"), "{}", said(&output));
}

fn name_and_authorities_are_chosen_as_for_the_other_schemes() {
    let server = Server::start(&["--client-auth", "none"]);
    let root = certs().join("ca/root.crt");
    let root = root.to_str().unwrap();
    let other = Authority::root("other");
    let folder = scratch();
    let other = pem(folder.path(), "other.crt", &[&other.certificate]);
    let (tls, there) = (hello(&server), format!("127.0.0.1:{}", server.port("hello")));
    let elsewhere = format!("tls://site.example:{}", server.port("hello"));
    let table: [(&[&str], i32, &str); 8] = [
        (&[&tls, "--cacert", root], 0, "sni: localhost"),
        (&[&tls, "--cacert", &other], 60, "you trust what is in"),
        (&[&tls, "--add-cacert", &other], 0, "believed: the lab's authority"),
        (&[&tls, "--web"], 60, "you trust the web's authorities"),
        (&[&tls, "--servername", "wrong.test"], 60, "you asked for wrong.test"),
        (&[&format!("tls://{there}")], 0, "sni: none"),
        (&[&elsewhere, "--connect-to", &there], 60, "you trust the web's authorities"),
        (&[&elsewhere, "--connect-to", &there, "--cacert", root, "--servername", "localhost"], 0, "sni: localhost"),
    ];
    for (args, status, part) in table {
        let output = piped(args, "");
        ended(&output, status, &[part]);
        assert_eq!(said(&output).contains("connected to server"), status == 0, "{args:?}");
    }
}

fn readings_come_in_order_and_count_on() {
    let server = Server::start(&[]);
    let output = piped(&[&hello(&server), "--quiet"], "telemetry 3\ntelemetry 2\nbye\n");
    ended(&output, 0, &[]);
    let lines: Vec<String> = said(&output).lines().map(str::to_owned).collect();
    assert_eq!((lines.len(), lines[0].as_str(), lines[6].as_str()), (7, "hello guest", "bye"));
    for (number, line) in lines[1..6].iter().enumerate() {
        let reading: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(reading["seqNo"], number);
    }
}

fn a_reading_that_is_missing_ends_it() {
    let folder = scratch();
    let (who, cacert) = own(folder.path());
    let reading = |number: u32| format!(r#"{{"tag":"x","date":"","latitude":0,"longitude":0,"seqNo":{number}}}"#) + "\n";
    let sent = [0, 1, 3].map(reading).concat();
    let (url, serving) = serve(pki::unchecked(&who), move |mut tls| {
        tls.read_exact(&mut [0; 12]).unwrap();
        for byte in sent.bytes() {
            tls.write_all(&[byte]).unwrap(); // a line is a line however it arrives
        }
        let _ = tls.read(&mut [0]);
    });
    let mut talk = Talk::start(&mut client(&[&url, "--cacert", &cacert]));
    talk.typed("telemetry 4\n");
    talk.remarks("client: sequence number error, expected: 2");
    assert_eq!(talk.wait().code(), Some(1));
    serving.join().unwrap();
    // Whoever did not ask for telemetry may be sent such lines.
    let sent = [5, 9].map(reading).concat();
    let (url, serving) = serve(pki::unchecked(&who), move |mut tls| {
        tls.write_all(sent.as_bytes()).unwrap();
        tls.close().unwrap();
        let _ = tls.read(&mut [0]);
    });
    ended(&piped(&[&url, "--cacert", &cacert], ""), 0, &[]);
    serving.join().unwrap();
}

fn a_pinned_pair_believes_each_other_and_nobody_else() {
    let folder = scratch();
    let own = |name: &str, host: &str| {
        let at = |extension: &str| folder.path().join(format!("{name}.{extension}")).to_str().unwrap().to_owned();
        let (key, crt) = (at("key"), at("crt"));
        for args in [&["key", &key][..], &["self-sign", "--key", &key, "--name", host, "--out", &crt]] {
            super::common::good(program("ca", certs()).args(args));
        }
        (crt, key)
    };
    let (server_crt, server_key) = own("server", "localhost");
    let (client_crt, client_key) = own("client", "agent1.test");
    let (third_crt, third_key) = own("third", "localhost");
    let server = Server::start(&["--cert", &server_crt, "--key", &server_key, "--cacert", &client_crt]);
    let to = hello(&server);
    let output = piped(&[&to, "--cacert", &server_crt, "--cert", &client_crt, "--key", &client_key], "hi\n");
    ended(&output, 0, &[]);
    assert_eq!(said(&output), "connected to server\nhello agent1.test\nhi\ndisconnected\n");
    let third = piped(&[&to, "--cacert", &server_crt, "--cert", &third_crt, "--key", &third_key], "hi\n");
    let guest = piped(&[&to, "--cacert", &server_crt], "hi\n");
    for output in [third, guest] {
        ended(&output, 56, &["the server refused us: "]);
        assert_eq!(said(&output), "");
    }
    server.logged("we refused the client's certificate: self-signed: ");
    let output = piped(&[&to, "--cacert", &third_crt, "--cert", &client_crt, "--key", &client_key], "hi\n");
    ended(&output, 60, &["certificate refused: "]);
    assert_eq!(said(&output), "");
    server.logged("the client refused us: ");
}

/// What a foreign server that wants a certificate of `root` must do: take alice, and refuse nobody and strangers.
fn judged_by(to: &str, cacert: &str, root: &Authority, answer: &str) {
    let folder = scratch();
    let signed =
        |by: &Authority| by.leaf_with(&["alice.users.test"], |p| p.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth]);
    let (cert, key) = files(folder.path(), &signed(root));
    let output = piped(&[to, "--cacert", cacert, "--cert", &cert, "--key", &key], "abc\n");
    ended(&output, 0, &["client: client: CN=leaf, names: DNS:alice.users.test"]);
    assert_eq!(said(&output), format!("connected to server\n{answer}\ndisconnected\n"));
    let (cert, key) = files(folder.path(), &signed(&Authority::root("other")));
    for args in [&["--no-cert"][..], &["--cert", &cert, "--key", &key]] {
        let output = piped(&[&[to, "--cacert", cacert], args].concat(), "abc\n");
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(56), ""), "{}", text(&output.stderr));
    }
}

fn openssls_server_judges_our_certificate_before_we_are_connected() {
    let root = Authority::root("root");
    let folder = scratch();
    let cacert = pem(folder.path(), "root.crt", &[&root.certificate]);
    for more in [&["-rev"][..], &["-rev", "-num_tickets", "0"]] {
        let ask = [&["-Verify", "1", "-verify_return_error", "-CAfile", &cacert], more].concat();
        let server = Foreign::openssl(&root.leaf(&["localhost"]), &ask);
        judged_by(&format!("tls://localhost:{}", server.port), &cacert, &root, "cba");
    }
}

fn nodes_server_judges_our_certificate_before_we_are_connected() {
    let root = Authority::root("root");
    let folder = scratch();
    let cacert = pem(folder.path(), "root.crt", &[&root.certificate]);
    let (cert, key) = files(folder.path(), &root.leaf(&["localhost"]));
    let echo = "const [ca, cert, key] = process.argv.slice(1).map(f => require('fs').readFileSync(f));
        const s = require('tls').createServer({ca, cert, key, requestCert: true, rejectUnauthorized: true}, c => c.pipe(c));
        s.listen(0, '127.0.0.1', () => console.log('port :' + s.address().port))";
    let server = Foreign::start(std::process::Command::new("node").args(["-e", echo, &cacert, &cert, &key]), "port");
    judged_by(&format!("tls://localhost:{}", server.port), &cacert, &root, "abc");
}
