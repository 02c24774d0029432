//! Cross-site WebSocket hijacking in real browsers: one's own page, then a page on another port that has never seen a password.

use super::{
    browser::Browser,
    cases,
    common::{Server, certs},
};
use serde_json::json;

cases! {
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_opens_the_door_to_a_strangers_page_unless_the_server_looks_at_origin,
    ["firefox-esr", "certutil", "node", "npm:puppeteer-core"] firefox_opens_the_door_to_a_strangers_page_unless_the_server_looks_at_origin,
}

const REFUSED: &str = "closed, 1006: no WebSocket was opened";

fn chromium_opens_the_door_to_a_strangers_page_unless_the_server_looks_at_origin() {
    hijack("chromium");
}

fn firefox_opens_the_door_to_a_strangers_page_unless_the_server_looks_at_origin() {
    hijack("firefox-esr");
}

fn hijack(program: &str) {
    let server = Server::start(&[]);
    let mut browser = Browser::start(program, Some(&certs().join("ca/root.crt")));
    let ladder = |service: &str| format!("https://localhost:{}/ladder", server.port(service));

    browser.open(&ladder("web")).unwrap();
    browser.until("document.getElementById('whose').textContent.includes(\"one of the ticket service's own pages\")");
    let account = r#"{"name":"alice","password":"correct horse battery staple"}"#;
    let auth = format!("https://localhost:{}/accounts", server.port("auth"));
    let headers = r#"{"Content-Type":"application/json"}"#;
    browser.until(&format!("fetch('{auth}', {{ method: 'POST', headers: {headers}, body: '{account}' }}).then((answer) => answer.ok)"));
    let mut type_in = |selector: &str, text: &str| browser.ask(json!({ "command": "type", "selector": selector, "text": text })).unwrap();
    type_in("#name", "alice");
    type_in("#password", "correct horse battery staple\n");
    browser.until("document.getElementById('account-status').textContent.startsWith('signed in as alice')");
    for (way, outcome) in [
        ("nothing", "hello stranger"),
        ("url", "hello alice"),
        ("cookie", "hello alice"),
        ("origin", "hello alice"),
        ("subprotocol", "hello alice"),
        ("ticket", "Successfully authenticated."),
        ("certificate", REFUSED),
    ] {
        tries(&mut browser, way, outcome);
    }
    let log = server.log();
    let told = |what: &str| log.iter().any(|line| line.contains(what));
    assert!(log.iter().any(|line| line.contains("GET /ladder/url?token=") && line.ends_with(" 101")), "a token in a URL stands in the log");
    assert!(!told("correct horse"), "a password is in the log");

    browser.open(&ladder("auth")).unwrap();
    browser.until("document.getElementById('whose').textContent.includes(\"a stranger's page\")");
    for (way, outcome) in [
        ("cookie", "hello alice"), // the attack: SameSite=Strict, HttpOnly and Secure do not stop it
        ("origin", REFUSED),
        ("url", REFUSED),
        ("subprotocol", REFUSED),
        ("ticket", "closed, 1008 unauthenticated"),
    ] {
        tries(&mut browser, way, outcome);
    }
    server.logged("GET /ladder/origin 403");
}

/// Presses the button of this way, and waits for what comes of it.
fn tries(browser: &mut Browser, way: &str, outcome: &str) {
    browser.press(&format!("#{way} button"), "Enter");
    browser.until(&format!("document.querySelector('#{way} output').textContent.includes({})", json!(outcome)));
}
