//! `/wiretap`: a stranger looks at a ws and a wss session of the server itself.

use super::{
    browser::Browser,
    cases,
    client::{Talk, client, url},
    common::{Server, certs, text},
};
use serde_json::json;

cases! {
    [] the_page_is_told_every_word_of_ws_and_only_sizes_of_wss,
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_shows_both_lines_side_by_side,
}

fn the_page_is_told_every_word_of_ws_and_only_sizes_of_wss() {
    let server = Server::start(&[]);
    let mut talk = Talk::start(&mut client(&["-q", &url(&server, "wss", "/wiretap/view")]));
    talk.typed("ws swordfish\nwss swordfish\n");
    talk.says(r#"{"from":"client","line":"ws","text":"\"swordfish\""}"#);
    talk.says(r#"{"from":"server","line":"ws","text":"\"swordfish\""}"#);
    let out = talk.end();
    let said = text(&out.stdout);
    assert!(!said.lines().any(|line| line.contains("wss") && line.contains("swordfish")), "{said}");
}

fn chromium_shows_both_lines_side_by_side() {
    let server = Server::start(&[]);
    let mut browser = Browser::start("chromium", Some(&certs().join("ca/root.crt")));
    browser.open(&url(&server, "https", "/wiretap")).unwrap();
    browser.until("document.querySelector('#wss li[data-sealed]') && document.querySelector('#ws li')");
    for line in ["ws", "wss"] {
        browser.ask(json!({"command": "type", "selector": format!("#{line}-text"), "text": "swordfish\n"})).unwrap();
    }
    browser.until("document.querySelector('#ws').textContent.includes('swordfish')");
    browser.until("document.querySelector('#wss').textContent.includes('localhost')");
    browser.until("document.querySelector('#wss-text').value === '' && !document.querySelector('#wss').textContent.includes('swordfish')");
    assert_eq!(browser.problems(), json!([]));
}
