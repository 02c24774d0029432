//! Node's ws and Python's websockets: an account, a ticket, an echo, and each way to be sent away.

use super::{
    cases,
    common::{Server, certs, checkout, good},
};
use std::process::Command;

cases! {
    ["node", "npm:ws"] node_shows_a_ticket_once_and_talks,
    ["python3", "python:websockets"] python_shows_a_ticket_once_and_talks,
}

/// Node in the folder of its packages, with `SERVICE_PORT` of each service and the lab's `ROOT`. `prelude` comes first.
pub fn node(server: &Server, script: &str) -> Command {
    let mut command = Command::new("node");
    command.args(["--input-type=module", "--eval", &format!("{NODE}{script}")]).current_dir(checkout().join("tests/browser"));
    knowing(server, command)
}

fn knowing(server: &Server, mut command: Command) -> Command {
    for service in ["web", "plain", "auth", "ticket", "ticket-ws"] {
        command.env(format!("{}_PORT", service.to_uppercase().replace('-', "_")), server.port(service).to_string());
    }
    command.env("ROOT", certs().join("ca/root.crt")).env_remove("NODE_EXTRA_CA_CERTS").env_remove("NODE_TLS_REJECT_UNAUTHORIZED");
    command
}

/// `post(url, body, headers)` gives status, JSON and headers; `socket(url, options)` gives a WebSocket with `next()`: what it hears, or
/// how it ends.
const NODE: &str = r#"
import WebSocket from "ws"; import fs from "node:fs"; import http from "node:http"; import https from "node:https";
const { WEB_PORT, PLAIN_PORT, AUTH_PORT, TICKET_PORT, TICKET_WS_PORT } = process.env;
const ca = fs.readFileSync(process.env.ROOT);
const account = { name: "nora", password: "correct horse battery staple" };
const post = (url, body, headers = {}) => new Promise((resolve, reject) => {
    const how = { method: "POST", ca, headers: { "Content-Type": "application/json", ...headers } };
    const request = (url.startsWith("https:") ? https : http).request(url, how, async (answer) => {
        let text = "";
        for await (const piece of answer) text += piece;
        let json = null;
        try { json = JSON.parse(text); } catch {}
        resolve({ status: answer.statusCode, json, headers: answer.headers });
    });
    request.on("error", reject).end(JSON.stringify(body));
});
const auth = `https://localhost:${AUTH_PORT}`;
const ticket = async () => (await post(`${auth}/tickets`, account)).json.ticket;
const socket = (url, options = {}) => new Promise((resolve) => {
    const made = new WebSocket(url, { ca, ...options }), heard = [], waiting = [];
    const tell = (what) => waiting.length ? waiting.shift()(what) : heard.push(what);
    made.next = () => heard.length ? heard.shift() : new Promise((next) => waiting.push(next));
    made.on("message", (data) => tell(String(data)));
    made.on("close", (code, reason) => tell(`${code} ${reason}`));
    made.on("unexpected-response", (_, answer) => { made.status = answer.statusCode; resolve(made); made.terminate(); });
    made.on("error", () => {});
    made.on("open", () => resolve(made));
});
"#;

fn node_shows_a_ticket_once_and_talks() {
    let server = Server::start(&[]);
    let script = r#"
        console.log((await post(`${auth}/accounts`, account)).json.name, (await post(`${auth}/accounts`, account)).status);
        for (const url of [`wss://localhost:${TICKET_PORT}/`, `ws://localhost:${TICKET_WS_PORT}/`]) {
            const token = await ticket();
            const first = await socket(url);
            first.send(JSON.stringify({ token }));
            console.log(await first.next());
            first.send('{"msg":"höhö 👋 <b>"}');
            console.log(await first.next());
            first.close(1000);
            console.log(await first.next());
            const again = await socket(url);
            again.send(JSON.stringify({ token }));
            console.log(await again.next());
        }"#;
    let once = "Successfully authenticated.\n{\"msg\":\"höhö 👋 <b>\"}\n1000 \n1008 unauthenticated\n";
    assert_eq!(good(&mut node(&server, script)), format!("nora 409\n{once}{once}"));
    server.logged("nora authenticated");
    server.logged("used before");
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("correct horse")), "a password is in the log: {log:?}");
}

fn python_shows_a_ticket_once_and_talks() {
    let server = Server::start(&[]);
    let script = r#"
import json, os, ssl, urllib.request
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
context = ssl.create_default_context(cafile=os.environ["ROOT"])
def post(path, body):
    url = f"https://localhost:{os.environ['AUTH_PORT']}{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, context=context))
account = {"name": "petra", "password": "correct horse battery staple"}
print(post("/accounts", account)["name"])
ticket = post("/tickets", account)["ticket"]
def visit(*messages):
    with connect(f"wss://localhost:{os.environ['TICKET_PORT']}/", ssl=context, proxy=None) as socket:
        try:
            for message in messages:
                socket.send(message)
                print(socket.recv())
        except ConnectionClosed as e:
            print(e.rcvd.code, e.rcvd.reason)
visit(json.dumps({"token": ticket}), '{"msg": [1, 2]}')
visit(json.dumps({"token": ticket}))
visit('{"msg": "let me in"}')
visit("no json")
visit(b"bytes")
"#;
    let mut command = Command::new("python3");
    command.args(["-c", script]);
    let said = good(&mut knowing(&server, command));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..5], ["petra", "Successfully authenticated.", r#"{"msg": [1, 2]}"#, "1008 unauthenticated", "1008 unauthenticated"]);
    assert!(lines[5].starts_with("1007 ") && lines[6].starts_with("1003 "), "{said}");
}
