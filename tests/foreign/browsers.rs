//! Real browsers with the lab's root imported into a fresh profile, as the trust page says; and without it.

use super::{
    cases,
    cases::tool,
    common::{Server, certs, checkout, good, scratch, wait},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

cases! {
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_with_our_root_shows_the_page_and_talks,
    ["firefox-esr", "certutil", "node", "npm:puppeteer-core"] firefox_with_our_root_shows_the_page_and_talks,
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_without_our_root_refuses,
    ["firefox-esr", "certutil", "node", "npm:puppeteer-core"] firefox_without_our_root_refuses,
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_refuses_a_name_outside_the_certificate,
}

/// A browser with a fresh profile.
struct Browser {
    node: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _profile: TempDir,
}

impl Browser {
    /// Starts it; `root` is imported as an authority for websites, and nothing else.
    fn start(program: &str, root: Option<&Path>) -> Browser {
        let home = scratch();
        let profile = home.path().join("profile");
        fs::create_dir(&profile).unwrap();
        let store = if program == "chromium" { home.path().join(".pki/nssdb") } else { profile.clone() };
        fs::create_dir_all(&store).unwrap();
        let certutil = || {
            let mut command = Command::new(tool("certutil").unwrap());
            command.arg("-d").arg(format!("sql:{}", store.display()));
            command
        };
        good(certutil().args(["-N", "--empty-password"]));
        if let Some(root) = root {
            good(certutil().args(["-A", "-n", "the lab", "-t", "C,,", "-i"]).arg(root));
        }
        let kind = program.trim_end_matches("-esr");
        let mut command = Command::new("node");
        command.arg(checkout().join("tests/browser/drive.mjs")).arg(kind).arg(tool(program).unwrap()).arg(&profile);
        command.env("HOME", home.path()).env_remove("DISPLAY").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = command.spawn().unwrap();
        let (commands, answers) = (node.stdin.take(), BufReader::new(node.stdout.take().unwrap()));
        let mut browser = Browser { node, commands, answers, _profile: home };
        assert_eq!(browser.answer(), Ok(json!("ready")));
        browser
    }

    fn answer(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("the browser said {line:?}: {e}"));
        answer.get("error").map_or_else(|| Ok(answer["value"].clone()), |error| Err(error.as_str().unwrap().to_owned()))
    }

    fn ask(&mut self, command: Value) -> Result<Value, String> {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        self.answer()
    }

    fn open(&mut self, url: &str) -> Result<Value, String> {
        self.ask(json!({ "command": "open", "url": url }))
    }

    /// Waits until a JavaScript expression holds in the page.
    fn until(&mut self, script: &str) -> Value {
        self.ask(json!({ "command": "until", "script": script })).unwrap()
    }

    /// Waits until the page shows this text.
    fn shows(&mut self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(text)));
    }

    fn problems(&mut self) -> Value {
        self.ask(json!({ "command": "problems" })).unwrap()
    }
}

impl Drop for Browser {
    /// The end of its input tells the driver to close the browser.
    fn drop(&mut self) {
        self.commands.take();
        let _ = wait(&mut self.node);
    }
}

fn chromium_with_our_root_shows_the_page_and_talks() {
    page_talks("chromium");
}

fn firefox_with_our_root_shows_the_page_and_talks() {
    page_talks("firefox-esr");
}

fn chromium_without_our_root_refuses() {
    refuses("chromium", "ERR_CERT_AUTHORITY_INVALID");
}

fn firefox_without_our_root_refuses() {
    refuses("firefox-esr", "SEC_ERROR_UNKNOWN_ISSUER");
}

fn page_talks(program: &str) {
    let server = Server::start(&[]);
    let port = server.port("web");
    let mut browser = Browser::start(program, Some(&certs().join("ca/root.crt")));
    let page = browser.open(&format!("https://localhost:{port}/")).unwrap();
    assert_eq!(page["status"], 200);
    browser.until("isSecureContext");
    browser.shows("welcome");

    let attack = "<img src=x onerror=\"window.hit = 1\">";
    browser.ask(json!({ "command": "type", "selector": "form input", "text": format!("{attack}\n") })).unwrap();
    browser.shows("counter: 1");
    server.logged(&format!("received msg: {attack}"));
    browser.until("document.querySelector('img[src=x]') === null && window.hit === undefined");
    assert_eq!(browser.problems(), json!([]), "scripts fail, or the page breaks its own security policy");

    assert!(server.stop().success());
    browser.shows("websocket connection lost");
    let _again = Server::start(&["--port", &port.to_string()]);
    browser.until("document.body.innerText.split('welcome').length > 2");
}

fn refuses(program: &str, code: &str) {
    let server = Server::start(&[]);
    let mut browser = Browser::start(program, None);
    let refusal = browser.open(&format!("https://localhost:{}/", server.port("web"))).unwrap_err();
    assert!(refusal.contains(code), "{refusal}");
}

fn chromium_refuses_a_name_outside_the_certificate() {
    let server = Server::start(&[]);
    let mut browser = Browser::start("chromium", Some(&certs().join("ca/root.crt")));
    let refusal = browser.open(&format!("https://other.localhost:{}/", server.port("web"))).unwrap_err();
    assert!(refusal.contains("ERR_CERT_COMMON_NAME_INVALID"), "{refusal}");
}
