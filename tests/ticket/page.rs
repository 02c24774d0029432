//! The ticket page as somebody uses it who has a keyboard only: over https and over plain http, in both browsers.

use super::{
    browser::Browser,
    cases,
    common::{Server, certs},
};
use serde_json::json;

cases! {
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_gets_a_ticket_shows_it_and_talks,
    ["firefox-esr", "certutil", "node", "npm:puppeteer-core"] firefox_gets_a_ticket_shows_it_and_talks,
}

/// Longer than any name or id on the page, and never on a screen.
const PASSWORD: &str = "correct horse battery staple";

fn chromium_gets_a_ticket_shows_it_and_talks() {
    let browser = &mut page_works("chromium");
    let paper = |browser: &mut Browser, scheme: &str| {
        browser.ask(json!({ "command": "prefer", "scheme": scheme })).unwrap();
        browser.until("getComputedStyle(document.body).backgroundColor")
    };
    assert_ne!(paper(browser, "dark"), paper(browser, "light"), "the page follows the system's light or dark");

    // Nobody listens on port 9, so nobody can tell whose a ticket is.
    let server = Server::start(&["web", "ticket", "--auth", "https://localhost:9"]);
    browser.open(&format!("https://localhost:{}/ticket", server.port("web"))).unwrap();
    browser.until("document.getElementById('ticket').value = '0123456789abcdef0123456789abcdef'");
    browser.press("#connect", "Enter");
    says(browser, "status", "closed, 1013");
    says(browser, "status", ": try again later");
    browser.ask(json!({ "command": "type", "selector": "#name", "text": "alice" })).unwrap();
    browser.ask(json!({ "command": "type", "selector": "#password", "text": "wonderland\n" })).unwrap();
    says(browser, "account-status", "the auth service was not started with this server");
}

fn firefox_gets_a_ticket_shows_it_and_talks() {
    page_works("firefox-esr");
}

fn page_works(program: &str) -> Browser {
    let server = Server::start(&[]);
    let mut browser = Browser::start(program, Some(&certs().join("ca/root.crt")));
    let auth = format!("https://localhost:{}", server.port("auth"));
    for (origin, name) in
        [("https", "web"), ("http", "plain")].map(|(scheme, of)| (format!("{scheme}://localhost:{}", server.port(of)), of))
    {
        let page = browser.open(&format!("{origin}/ticket")).unwrap();
        assert_eq!(page["status"], 200, "{origin}");
        browser.until(&format!("document.getElementById('auth').textContent === {}", json!(auth)));
        browser.until(&format!("document.getElementById('plain').hidden === {}", name == "web"));
        has_a_label_for_everything(&mut browser);
        sign_in(&mut browser, name);
        for scheme in ["wss", "ws"] {
            talk(&mut browser, scheme);
        }
        keeps_nothing(&mut browser);
    }
    server.logged("used before");
    let secrets = server.log().into_iter().find(|line| line.contains(PASSWORD));
    assert_eq!(secrets, None, "a password is in the log");
    let problems = browser.problems();
    let unforeseen: Vec<_> = problems.as_array().unwrap().iter().filter(|problem| !problem.as_str().unwrap().contains("401")).collect();
    assert!(unforeseen.is_empty(), "scripts fail, or the page breaks its own security policy: {unforeseen:?}");
    browser
}

fn press(browser: &mut Browser, keys: &[&str]) {
    for key in keys {
        browser.ask(json!({ "command": "press", "key": key })).unwrap();
    }
}

fn write(browser: &mut Browser, text: &str) {
    browser.ask(json!({ "command": "write", "text": text })).unwrap();
}

fn says(browser: &mut Browser, id: &str, text: &str) {
    browser.until(&format!("document.getElementById('{id}').textContent.includes({})", json!(text)));
}

fn is_at(browser: &mut Browser, id: &str) {
    browser.until(&format!("document.activeElement.id === '{id}'"));
}

/// What a screen reader needs: a name for each field and button, and places that speak up by themselves.
fn has_a_label_for_everything(browser: &mut Browser) {
    browser.until("[...document.querySelectorAll('input')].every((input) => input.labels.length > 0)");
    browser.until("[...document.querySelectorAll('button')].every((button) => button.textContent.trim() !== '')");
    browser.until("document.querySelectorAll('[role=status]').length === 2 && document.querySelector('ol[role=log][aria-label]') !== null");
}

/// Registers, is refused with a wrong password, and gets a ticket.
fn sign_in(browser: &mut Browser, name: &str) {
    browser.ask(json!({ "command": "type", "selector": "#name", "text": name })).unwrap();
    press(browser, &["Tab"]);
    write(browser, PASSWORD);
    press(browser, &["Tab", "Tab", "Enter"]);
    says(browser, "account-status", "registered");
    is_at(browser, "register");
    browser.ask(json!({ "command": "type", "selector": "#password", "text": "!\n" })).unwrap();
    says(browser, "account-status", "refused");
    press(browser, &["Backspace"]);
}

/// A ticket, a conversation, and the same ticket again.
fn talk(browser: &mut Browser, scheme: &str) {
    browser.press("#password", "Enter");
    is_at(browser, "connect"); // once there is a ticket
    browser.press(&format!("input[value={scheme}]"), " ");
    browser.press("#ticket", "Enter");
    says(browser, "status", if scheme == "ws" { "authenticated, in the clear" } else { "authenticated; " });
    is_at(browser, "text");
    let attack = "<img src=x onerror=\"window.hit = 1\">";
    write(browser, &format!("{attack}\n"));
    let twice = format!("document.getElementById('messages').textContent.split({}).length > 2", json!(json!(attack).to_string()));
    browser.until(&twice);
    browser.until("document.querySelector('img[src=x]') === null && window.hit === undefined");
    browser.press("#disconnect", "Enter");
    says(browser, "status", "closed, 1000: all is said");
    is_at(browser, "connect");
    press(browser, &["Enter"]);
    says(browser, "status", "closed, 1008 unauthenticated: against a rule of the house");
    browser.until("document.getElementById('messages').replaceChildren() === undefined");
}

/// Neither password nor ticket is left anywhere: not in a storage, not in what a reload brings back.
fn keeps_nothing(browser: &mut Browser) {
    browser.until("localStorage.length + sessionStorage.length + document.cookie.length === 0");
    browser.until("indexedDB.databases().then((all) => all.length === 0)");
    browser.until("document.getElementById('ticket').value.length === 32");
    browser.until("!document.documentElement.outerHTML.includes(document.getElementById('ticket').value)");
    browser.ask(json!({ "command": "reload" })).unwrap();
    browser.until("document.getElementById('ticket').value === '' && document.getElementById('password').value === ''");
}
