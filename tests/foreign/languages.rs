//! Node and Python: their own TLS, and the WebSocket libraries that most people use with them.

use super::{
    cases,
    common::{Server, certs, checkout, good, run, text},
};
use std::process::Command;

cases! {
    ["node"] node_gets_the_page_and_names_the_version,
    ["node", "npm:ws"] node_talks_over_a_websocket,
    ["node"] node_refuses_without_our_root,
    ["python3"] python_verifies_us_and_gets_the_page,
    ["python3", "python:websockets"] python_talks_over_a_websocket,
}

fn node(server: &Server, script: &str) -> Command {
    let mut command = Command::new("node");
    command.args(["--input-type=module", "--eval", script]).current_dir(checkout().join("tests/browser"));
    command.env("PORT", server.port("web").to_string()).env("ROOT", certs().join("ca/root.crt"));
    command.env_remove("NODE_EXTRA_CA_CERTS").env_remove("NODE_TLS_REJECT_UNAUTHORIZED");
    command
}

fn python(server: &Server, script: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", script]).env("PORT", server.port("web").to_string()).env("ROOT", certs().join("ca/root.crt"));
    command
}

fn node_gets_the_page_and_names_the_version() {
    let server = Server::start(&[]);
    let script = r#"
        import https from "node:https"; import fs from "node:fs";
        const options = { port: process.env.PORT, ca: fs.readFileSync(process.env.ROOT), path: "/healthz" };
        https.get(options, (answer) => {
            console.log(answer.statusCode, answer.socket.getProtocol(), answer.socket.authorized);
            answer.resume();
        });"#;
    assert_eq!(good(&mut node(&server, script)), "200 TLSv1.3 true\n");
}

fn node_talks_over_a_websocket() {
    let server = Server::start(&[]);
    let script = r#"
        import WebSocket from "ws"; import fs from "node:fs";
        const socket = new WebSocket(`wss://localhost:${process.env.PORT}/`, { ca: fs.readFileSync(process.env.ROOT) });
        let n = 0;
        socket.on("message", (data) => { console.log(String(data)); n++ < 2 ? socket.send("hello") : socket.close(1000); });
        socket.on("close", (code) => console.log("closed", code));"#;
    assert_eq!(good(&mut node(&server, script)), "welcome\ncounter: 1\ncounter: 2\nclosed 1000\n");
    server.logged("received msg: hello");
}

fn node_refuses_without_our_root() {
    let server = Server::start(&[]);
    let script = r#"
        import https from "node:https";
        https.get({ port: process.env.PORT }).on("error", (e) => { console.log(e.code); process.exit(3); });"#;
    let out = run(&mut node(&server, script));
    assert_eq!((out.status.code(), text(&out.stdout).trim()), (Some(3), "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"));
}

fn python_verifies_us_and_gets_the_page() {
    let server = Server::start(&[]);
    let script = r#"
import os, ssl, urllib.request, socket
context = ssl.create_default_context(cafile=os.environ["ROOT"])
port = int(os.environ["PORT"])
print(urllib.request.urlopen(f"https://localhost:{port}/healthz", context=context).status)
with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as s:
    print(s.version(), dict(x[0] for x in s.getpeercert()["subject"])["commonName"])
for bad in (ssl.create_default_context(), context):
    try:
        bad.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="wrong.test")
    except ssl.SSLCertVerificationError as e:
        print(e.verify_code)
"#;
    let out = good(&mut python(&server, script));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[..2], ["200", "TLSv1.3 localhost"]);
    assert_eq!(lines[2..], ["20", "62"], "an unknown issuer, then a wrong name");
}

fn python_talks_over_a_websocket() {
    let server = Server::start(&[]);
    let script = r#"
import os, ssl
from websockets.sync.client import connect
context = ssl.create_default_context(cafile=os.environ["ROOT"])
with connect(f"wss://localhost:{os.environ['PORT']}/", ssl=context, proxy=None) as socket:
    print(socket.recv())
    socket.send("hello")
    print(socket.recv())
print(socket.close_code)
"#;
    assert_eq!(good(&mut python(&server, script)), "welcome\ncounter: 1\n1000\n");
}
