//! The hello service, as other people's clients find it.

use super::{
    cases,
    common::{Server, certs, good, run, text},
    people::House,
    talk::{Talk, ended, piped},
};
use std::process::Command;

cases! {
    ["openssl"] openssl_is_greeted_by_name_and_echoed,
    ["openssl"] openssl_hears_why_it_is_refused,
    ["openssl"] openssl_refuses_itself_a_key_that_does_not_match,
    ["node"] node_is_greeted_by_name_and_echoed,
    ["node"] node_hears_why_it_is_refused,
    ["python3"] python_is_greeted_by_name_and_echoed,
    ["python3"] python_hears_why_it_is_refused,
    ["curl"] curl_proves_its_name_to_the_web_server,
    ["curl"] curl_hears_why_it_is_refused,
    [] our_client_hears_why_it_is_refused,
    ["openssl"] what_is_asked_of_clients_decides_who_comes_in,
}

fn root() -> String {
    certs().join("ca/root.crt").to_str().unwrap().to_owned()
}

fn s_client(server: &Server, files: Option<&(String, String)>) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-no_ign_eof", "-verify_return_error", "-servername", "localhost", "-CAfile", &root()]);
    command.args(["-connect", &format!("127.0.0.1:{}", server.port("hello"))]);
    if let Some((cert, key)) = files {
        command.args(["-cert", cert, "-key", key, "-cert_chain", cert]);
    }
    command
}

/// What others run: with PORT and ROOT, and CERT and KEY if there are any.
fn script(program: &str, how: &str, script: &str, server: &Server, files: Option<&(String, String)>) -> Command {
    let mut command = Command::new(program);
    command.args([how, script]).env("PORT", server.port("hello").to_string()).env("ROOT", root());
    command.env_remove("NODE_EXTRA_CA_CERTS").env_remove("NODE_TLS_REJECT_UNAUTHORIZED");
    if let Some((cert, key)) = files {
        command.env("CERT", cert).env("KEY", key);
    }
    command
}

/// Greeted, a line, and the end.
const NODE: &str = r#"
    const read = (name) => process.env[name] && require("fs").readFileSync(process.env[name]);
    const options = { host: "127.0.0.1", servername: "localhost", port: process.env.PORT, ca: read("ROOT") };
    const socket = require("tls").connect({ ...options, cert: read("CERT"), key: read("KEY") });
    let heard = "";
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
        heard += text;
        if (heard == "hello alice\n") socket.write("grüß dich\n");
        if (heard.endsWith("dich\n")) socket.end();
    });
    socket.on("end", () => process.stdout.write(heard));
    socket.on("error", (e) => { console.log(e.code); process.exitCode = 3; });"#;

const PYTHON: &str = r#"
import os, socket, ssl, sys
context = ssl.create_default_context(cafile=os.environ["ROOT"])
try:
    if "CERT" in os.environ:
        context.load_cert_chain(os.environ["CERT"], os.environ["KEY"])
    with context.wrap_socket(socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))), server_hostname="localhost") as s:
        lines = s.makefile("rw", encoding="utf-8", newline="\n")
        print(lines.readline(), end="")
        lines.write("grüß dich\n")
        lines.flush()
        print(lines.readline(), end="")
except ssl.SSLError as e:
    print(e.reason)
    sys.exit(3)
"#;

fn openssl_is_greeted_by_name_and_echoed() {
    let house = House::new();
    let (server, alice) = (house.open(&[]), house.files("alice", &house.alice()));
    let mut talk = Talk::start(&mut s_client(&server, Some(&alice)));
    talk.says("hello alice");
    talk.typed("grüß dich\n");
    talk.says("grüß dich");
    assert!(talk.end().status.success());
    server.logged(" is alice");
}

fn openssl_hears_why_it_is_refused() {
    let house = House::new();
    let server = house.open(&[]);
    for refusal in house.refusals() {
        let files = refusal.who.as_ref().map(|who| house.files(refusal.whose, who));
        let mut talk = Talk::start(&mut s_client(&server, files.as_ref()));
        talk.wait();
        let out = talk.end();
        let said = text(&out.stderr);
        assert!(!out.status.success() && said.contains(&format!("alert {}", refusal.alert)), "{}: {said}", refusal.whose);
        assert_eq!(text(&out.stdout), "", "{}", refusal.whose);
        server.logged(refusal.log);
    }
    let lines = server.log();
    assert_eq!(lines.iter().filter(|line| line.starts_with("tls: 127.0.0.1:")).count(), house.refusals().len(), "one line each: {lines:?}");
}

fn openssl_refuses_itself_a_key_that_does_not_match() {
    let house = House::new();
    let server = house.open(&[]);
    let (mine, another) = (house.files("alice", &house.alice()), house.files("again", &house.alice()));
    let out = run(&mut s_client(&server, Some(&(mine.0.clone(), another.1.clone()))));
    assert!(!out.status.success() && text(&out.stderr).contains("key values mismatch"), "{}", text(&out.stderr));
    let out =
        run(&mut super::talk::client(&[&format!("tls://localhost:{}", server.port("hello")), "--cert", &mine.0, "--key", &another.1]));
    assert_eq!(out.status.code(), Some(58), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("is not the key of"), "{}", text(&out.stderr));
}

fn node_is_greeted_by_name_and_echoed() {
    is_greeted("node", "--eval", NODE);
}

fn node_hears_why_it_is_refused() {
    hears_why("node", "--eval", NODE);
}

fn python_is_greeted_by_name_and_echoed() {
    is_greeted("python3", "-c", PYTHON);
}

fn python_hears_why_it_is_refused() {
    hears_why("python3", "-c", PYTHON);
}

fn is_greeted(program: &str, how: &str, what: &str) {
    let house = House::new();
    let (server, alice) = (house.open(&[]), house.files("alice", &house.alice()));
    assert_eq!(good(&mut script(program, how, what, &server, Some(&alice))), "hello alice\ngrüß dich\n");
    server.logged(" is alice");
}

/// Both give OpenSSL's reason in capitals.
fn hears_why(program: &str, how: &str, what: &str) {
    let house = House::new();
    let server = house.open(&[]);
    for refusal in house.refusals() {
        let files = refusal.who.as_ref().map(|who| house.files(refusal.whose, who));
        let out = run(&mut script(program, how, what, &server, files.as_ref()));
        let (said, reason) = (text(&out.stdout), refusal.alert.to_uppercase().replace(' ', "_"));
        assert!(
            out.status.code() == Some(3) && said.contains(&format!("ALERT_{reason}")),
            "{}: {said}{}",
            refusal.whose,
            text(&out.stderr)
        );
        server.logged(refusal.log);
    }
}

fn curl(server: &Server, files: Option<&(String, String)>) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--ipv4", "--cacert", &root()]);
    if let Some((cert, key)) = files {
        command.args(["--cert", cert, "--key", key]);
    }
    command.arg(format!("https://localhost:{}/connection.json", server.port("web")));
    command
}

fn curl_proves_its_name_to_the_web_server() {
    let house = House::new();
    let (server, alice) = (house.open(&["--client-auth", "require"]), house.files("alice", &house.alice()));
    let answer: serde_json::Value = serde_json::from_str(&good(&mut curl(&server, Some(&alice)))).unwrap();
    assert!(!answer["client_certificate"].is_null(), "{answer}");
}

fn curl_hears_why_it_is_refused() {
    let house = House::new();
    let server = house.open(&["--client-auth", "require"]);
    for refusal in house.refusals() {
        let files = refusal.who.as_ref().map(|who| house.files(refusal.whose, who));
        let out = run(&mut curl(&server, files.as_ref()));
        let said = text(&out.stderr);
        assert!(!out.status.success() && said.contains(&format!("alert {}", refusal.alert)), "{}: {said}", refusal.whose);
        assert_eq!(text(&out.stdout), "", "{}", refusal.whose);
        server.logged(refusal.log);
    }
}

fn our_client_hears_why_it_is_refused() {
    let house = House::new();
    let server = house.open(&[]);
    let url = format!("tls://localhost:{}", server.port("hello"));
    for refusal in house.refusals() {
        let Some(who) = &refusal.who else { continue }; // ours always shows the guest's at least
        let (cert, key) = house.files(refusal.whose, who);
        let out = piped(&[&url, "--cert", &cert, "--key", &key], "never said\n");
        if refusal.alert == "certificate expired" {
            ended(&out, 58, &["your clock says"]); // it looks at its own dates before it goes
            continue;
        }
        ended(&out, 56, &[&format!("refused us: {}", refusal.alert)]);
        assert_eq!(text(&out.stdout), "", "{}: not connected, so it must not say so", refusal.whose);
        server.logged(refusal.log);
    }
    assert!(!server.log().join("\n").contains(" is mallory"), "nobody came in");
}

fn what_is_asked_of_clients_decides_who_comes_in() {
    let house = House::new();
    let alice = house.files("alice", &house.alice());
    let bad = &house.refusals()[1];
    let bad = house.files(bad.whose, bad.who.as_ref().unwrap());
    for (how, asked) in [("none", false), ("request", true), ("require", true)] {
        let server = house.open(&["--client-auth", how]);
        let with = if asked { "alice" } else { "stranger" };
        let without = if how == "require" { "" } else { "stranger" };
        let with_bad = if asked { "" } else { "stranger" };
        for (files, name) in [(Some(&alice), with), (None, without), (Some(&bad), with_bad)] {
            let mut talk = Talk::start(&mut s_client(&server, files));
            if name.is_empty() {
                assert!(!talk.wait().success(), "{how}");
                server.logged(if files.is_some() { "whom we don't trust" } else { "showed no certificate" });
                continue;
            }
            talk.says(&format!("hello {name}"));
            assert!(talk.end().status.success(), "{how}: {name}");
            server.logged(&format!(" {name}"));
        }
        let log = server.log().join("\n");
        assert_eq!(log.matches(" is alice").count(), usize::from(asked), "{how}: {log}");
        assert_eq!(
            log.matches("a stranger").count(),
            [3, 1, 0][["none", "request", "require"].iter().position(|h| *h == how).unwrap()],
            "{how}: {log}"
        );
        assert_eq!(log.matches("whom we don't trust").count(), usize::from(asked), "{how}: {log}");
        assert_eq!(log.matches("showed no certificate, and one is required").count(), usize::from(how == "require"), "{how}: {log}");
    }
}
