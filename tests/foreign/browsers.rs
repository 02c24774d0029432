//! Real browsers with the lab's root imported into a fresh profile, as the trust page says; and without it.

use super::{
    browser::Browser,
    cases,
    common::{Server, certs},
};
use serde_json::json;

cases! {
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_with_our_root_shows_the_page_and_talks,
    ["firefox-esr", "certutil", "node", "npm:puppeteer-core"] firefox_with_our_root_shows_the_page_and_talks,
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_is_shown_its_own_handshake,
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_without_our_root_refuses,
    ["firefox-esr", "certutil", "node", "npm:puppeteer-core"] firefox_without_our_root_refuses,
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_refuses_a_name_outside_the_certificate,
}

fn chromium_with_our_root_shows_the_page_and_talks() {
    page_talks("chromium");
}

fn firefox_with_our_root_shows_the_page_and_talks() {
    page_talks("firefox-esr");
}

fn chromium_is_shown_its_own_handshake() {
    let server = Server::start(&[]);
    let mut browser = Browser::start("chromium", Some(&certs().join("ca/root.crt")));
    browser.open(&format!("https://localhost:{}/handshake", server.port("web"))).unwrap();
    let names = "Array.from(document.querySelectorAll('.message summary'), summary => summary.firstChild.data.trim())";
    let order = ["ClientHello", "ServerHello", "EncryptedExtensions", "Certificate", "CertificateVerify", "Finished"];
    browser.until(&format!("{}.every((name, at, all) => {names}.indexOf(name) > (at ? {names}.indexOf(all[at - 1]) : -1))", json!(order)));
    let facts = "Object.fromEntries(Array.from(document.querySelectorAll('.facts > div'), fact => \
                 [fact.querySelector('dt').innerText, fact.querySelector('strong').innerText]))";
    browser.until(&format!("{facts}['Server name'] === 'localhost'"));
    // Among a browser's groups and extensions are some that mean nothing, on purpose.
    browser.until(&format!("{facts}['Groups'].includes('GREASE') && {facts}['Groups'].includes('X25519')"));
    browser.until("document.querySelector('svg.schedule .unknown') === null");
    assert_eq!(browser.problems(), json!([]), "the page breaks its own security policy");
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
