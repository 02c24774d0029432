//! The other way round: our client against OpenSSL's server and Node's.

use super::{
    cases,
    client::{Foreign, client, ended, files, pem, piped},
    common::{
        pki::{self, Authority},
        run, scratch, text,
    },
};
use std::process::Command;

cases! {
    ["openssl"] openssls_web_server_is_fetched_from_and_judged,
    ["openssl"] a_server_of_openssl_that_speaks_old_tls_only_is_refused_unless_asked_for,
    ["openssl"] a_server_of_openssl_that_wants_our_certificate_is_told_late,
    ["openssl"] a_server_of_openssl_that_asks_for_another_key_share_gets_it,
    ["node"] lines_go_both_ways_over_bare_tls_with_node,
    ["node"] a_web_server_of_node_that_sends_in_chunks_is_understood,
}

fn openssls_web_server_is_fetched_from_and_judged() {
    let root = Authority::root("root");
    let folder = scratch();
    let cacert = pem(folder.path(), "root.crt", &[&root.certificate]);
    let wildcard = root.leaf(&["*.example.test", "127.0.0.1"]);
    let server = Foreign::openssl(&wildcard, &["-www"]);
    let port = server.port;
    let get = |host: &str| {
        run(&mut client(&[&format!("https://{host}:{port}/"), "--cacert", &cacert, "--connect-to", &format!("127.0.0.1:{port}")]))
    };
    for good in ["a.example.test", "127.0.0.1"] {
        let output = get(good);
        ended(&output, 0, &[]);
        assert!(text(&output.stdout).contains("TLSv1.3"), "{}", text(&output.stdout));
    }
    for wrong in ["example.test", "a.b.example.test", "localhost", "127.0.0.2"] {
        ended(&get(wrong), 60, &[&format!("made for *.example.test, 127.0.0.1, but you asked for {wrong}")]);
    }
}

fn a_server_of_openssl_that_speaks_old_tls_only_is_refused_unless_asked_for() {
    let who = pki::self_signed(&["localhost"], |_| {});
    let folder = scratch();
    let cacert = pem(folder.path(), "pin.crt", &[&who.chain[0]]);
    let server = Foreign::openssl(&who, &["-www", "-tls1_2"]);
    let url = format!("https://localhost:{}/", server.port);
    ended(&run(&mut client(&[&url, "--cacert", &cacert])), 35, &["protocol version", "--min-tls 1.2"]);
    ended(&run(&mut client(&[&url, "--cacert", &cacert, "--min-tls", "1.2"])), 0, &[]);
}

fn a_server_of_openssl_that_wants_our_certificate_is_told_late() {
    let root = Authority::root("root");
    let folder = scratch();
    let cacert = pem(folder.path(), "root.crt", &[&root.certificate]);
    let alice =
        root.leaf_with(&["alice.users.test"], |params| params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth]);
    let (cert, key) = files(folder.path(), &alice);
    let server = Foreign::openssl(&root.leaf(&["localhost"]), &["-www", "-Verify", "1", "-verify_return_error", "-CAfile", &cacert]);
    let url = format!("https://localhost:{}/", server.port);
    ended(&run(&mut client(&[&url, "--cacert", &cacert])), 56, &["certificate required", "--cert FILE --key FILE"]);
    ended(&run(&mut client(&[&url, "--cacert", &cacert, "--cert", &cert, "--key", &key])), 0, &[]);
    let wss = run(&mut client(&[&url.replace("https", "wss"), "--cacert", &cacert]));
    ended(&wss, 56, &["certificate required"]);
    assert_eq!(text(&wss.stdout), "", "not connected, so it must not say so");
}

fn a_server_of_openssl_that_asks_for_another_key_share_gets_it() {
    let who = pki::self_signed(&["localhost"], |_| {});
    let folder = scratch();
    let cacert = pem(folder.path(), "pin.crt", &[&who.chain[0]]);
    let server = Foreign::openssl(&who, &["-www", "-groups", "P-384"]);
    let output = run(&mut client(&[&format!("https://localhost:{}/", server.port), "--cacert", &cacert, "-v"]));
    ended(&output, 0, &["wire: < HelloRetryRequest: TLS 1.3, TLS_AES_256_GCM_SHA384, secp384r1", "wire: < Finished, sealed\n"]);
}

fn lines_go_both_ways_over_bare_tls_with_node() {
    let root = Authority::root("root");
    let folder = scratch();
    let cacert = pem(folder.path(), "root.crt", &[&root.certificate]);
    let (cert, key) = files(folder.path(), &root.leaf(&["localhost"]));
    let echo = "const [cert, key] = process.argv.slice(1).map(f => require('fs').readFileSync(f));
        const s = require('tls').createServer({cert, key}, c => { c.write('hello\\n'); c.pipe(c) });
        s.listen(0, '127.0.0.1', () => console.log('port :' + s.address().port))";
    let server = Foreign::start(Command::new("node").args(["-e", echo, &cert, &key]), "port");
    let url = format!("tls://localhost:{}", server.port);
    let output = piped(&[&url, "--cacert", &cacert], "one\ntwo\n");
    ended(&output, 0, &[]);
    assert_eq!(text(&output.stdout), "connected to server\nhello\none\ntwo\ndisconnected\n");
    let long: String = (0..50_000).map(|number| format!("line {number}\n")).collect();
    let output = piped(&[&url, "--cacert", &cacert, "--quiet"], &long);
    assert!(text(&output.stdout) == format!("hello\n{long}"), "{} bytes came back", output.stdout.len());
}

fn a_web_server_of_node_that_sends_in_chunks_is_understood() {
    let root = Authority::root("root");
    let folder = scratch();
    let cacert = pem(folder.path(), "root.crt", &[&root.certificate]);
    let (cert, key) = files(folder.path(), &root.leaf(&["localhost"]));
    let chunks = "const [cert, key] = process.argv.slice(1).map(f => require('fs').readFileSync(f));
        const s = require('https').createServer({cert, key}, (q, a) => { a.write('a'.repeat(100000)); setImmediate(() => a.end('b')) });
        s.listen(0, '127.0.0.1', () => console.log('port :' + s.address().port))";
    let server = Foreign::start(Command::new("node").args(["-e", chunks, &cert, &key]), "port");
    let output = run(&mut client(&[&format!("https://localhost:{}/", server.port), "--cacert", &cacert]));
    ended(&output, 0, &[]);
    assert_eq!(text(&output.stdout), "a".repeat(100_000) + "b");
    let wss = run(&mut client(&[&format!("wss://localhost:{}/", server.port), "--cacert", &cacert]));
    ended(&wss, 22, &["200"]);
}
