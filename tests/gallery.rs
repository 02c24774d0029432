//! The gallery: every entry is judged by our client and by whatever else is installed, and what they say is what is recorded.
//!
//! `PADLOCK_RECORD=1 cargo test --release --test gallery` writes down what they say here and now, with their versions. What is not
//! installed keeps what was recorded before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/browser.rs"]
mod browser;
#[path = "common/cases.rs"]
mod cases;
#[path = "common/client.rs"]
mod client;
mod common;

use browser::Browser;
use client::client;
use common::{Server, certs, checkout, good, make_certs, own_certs, run, text};
use padlock::authority::gallery::{ENTRIES, Entry, Manner};
use padlock::authority::{Places, due};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::PathBuf, process::ExitCode, sync::Mutex};

cases! {
    [] each_entry_is_refused_by_its_code_and_the_good_ones_are_not,
    ["openssl", "curl", "node"] other_programs_say_what_is_recorded,
    ["chromium", "certutil", "node", "npm:puppeteer-core"] chromium_says_what_is_recorded,
    ["firefox-esr", "certutil", "node", "npm:puppeteer-core"] firefox_says_what_is_recorded,
    [] a_verdict_that_changed_is_a_difference,
    [] a_websocket_opens_where_the_certificate_is_good,
    [] an_unknown_name_gets_the_default_certificate_and_a_line,
    ["openssl"] a_name_with_a_dot_at_its_end_gets_the_default_certificate_and_a_line,
    [] a_gallery_that_was_not_made_is_a_line_and_the_default_certificate,
    [] make_certs_makes_what_is_missing_or_old_anew_and_only_then,
    [] keys_are_the_owners_alone_and_no_url_leads_to_them,
    ["chromium", "certutil", "node", "npm:puppeteer-core"] the_page_is_clicked_through_without_script,
}

fn main() -> ExitCode {
    cases::conduct(&[CASES])
}

/// Two programs may be recorded at the same time.
static RECORDING: Mutex<()> = Mutex::new(());

fn recorded_file() -> PathBuf {
    checkout().join("src/bin/server/gallery/recorded.json")
}

fn recorded() -> Value {
    serde_json::from_str(&fs::read_to_string(recorded_file()).unwrap()).unwrap()
}

/// What a program of this version says of each row: compared with what is recorded, or recorded.
fn judged(program: &str, version: &str, verdicts: &Map<String, Value>) {
    let _one = RECORDING.lock().unwrap();
    let mut all = recorded();
    if std::env::var_os("PADLOCK_RECORD").is_some() {
        all["versions"][program] = json!(version);
        for (row, verdict) in verdicts {
            all["verdicts"][row][program] = verdict.clone();
        }
        return fs::write(recorded_file(), serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
    }
    let same = all["versions"][program] == version;
    if !same {
        eprintln!("{program} is {version} here, {} was recorded: only yes and no are compared", all["versions"][program]);
    }
    for (row, seen) in verdicts {
        let expected = &all["verdicts"][row][program];
        // A late refusal: whether its reason or the end of the connection is read first, is chance.
        let late = row == "certificate-required";
        let (expected, seen) = if same && !late { (expected, seen) } else { (&expected["accepts"], &seen["accepts"]) };
        assert_eq!(seen, expected, "{program} {version} about {row}");
    }
}

fn visit(server: &Server, more: &[&str]) -> std::process::Output {
    run(client(&["gallery", &client::url(server, "https", "/")]).args(more))
}

fn each_entry_is_refused_by_its_code_and_the_good_ones_are_not() {
    let server = Server::start(&[]);
    let out = visit(&server, &["--alone"]);
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    let said: Value = serde_json::from_slice(&visit(&server, &["--alone", "--json"]).stdout).unwrap();
    let rows = said["entries"].as_array().unwrap();
    assert_eq!(rows.len(), ENTRIES.len() + 1, "revoked stands twice");
    for row in rows {
        let (ours, expected) = (&row["says"]["rustls"], row["expected"].as_str());
        assert_eq!((ours["accepts"] == true, ours["says"].as_str().unwrap()), (expected.is_none(), expected.unwrap_or("")), "{row}");
    }
    let on_tls13 = ENTRIES.iter().filter(|entry| entry.code.is_some() && entry.manner != Manner::Tls12).count();
    assert!(on_tls13 >= 24, "{on_tls13}");
    assert!(ENTRIES.iter().filter_map(|entry| entry.code).all(|code| padlock::refusal::lesson(code).is_some()), "each code has a lesson");
    let names: BTreeSet<_> = ENTRIES.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), ENTRIES.len(), "a name stands twice");

    let verdicts: Map<String, Value> =
        rows.iter().map(|row| (row["name"].as_str().unwrap().into(), row["says"]["rustls"].clone())).collect();
    let lock = fs::read_to_string(checkout().join("Cargo.lock")).unwrap();
    let version = lock.split("name = \"rustls\"\nversion = \"").nth(1).unwrap().split('"').next().unwrap();
    judged("rustls", version, &verdicts);
}

fn other_programs_say_what_is_recorded() {
    let server = Server::start(&[]);
    let said: Value = serde_json::from_slice(&visit(&server, &["--json"]).stdout).unwrap();
    for program in ["OpenSSL", "curl", "Node"] {
        let of = |row: &Value| (row["name"].as_str().unwrap().to_owned(), row["says"][program].clone());
        let verdicts: Map<String, Value> = said["entries"].as_array().unwrap().iter().map(of).collect();
        assert!(verdicts.values().all(Value::is_object), "{program} did not judge all: {said}");
        judged(program, said["programs"][program].as_str().unwrap(), &verdicts);
    }
}

fn chromium_says_what_is_recorded() {
    browser_says("Chromium", "chromium");
}

fn firefox_says_what_is_recorded() {
    browser_says("Firefox", "firefox-esr");
}

fn browser_says(program: &str, binary: &str) {
    let server = Server::start(&[]);
    let mut browser = Browser::start(binary, Some(&certs().join("ca/root.crt")));
    let version = browser.ask(json!({ "command": "version" })).unwrap().as_str().unwrap().to_owned();
    // A browser may remember an intermediate from elsewhere, and then does not miss it: so this comes first.
    let (first, rest): (Vec<&Entry>, Vec<&Entry>) = ENTRIES.iter().partition(|entry| entry.name == "missing-intermediate");
    let mut verdicts = Map::new();
    for entry in first.into_iter().chain(rest) {
        let said = browser.ask(json!({ "command": "visit", "url": format!("https://{}:{}/", entry.host(), server.port("web")) }));
        let says = said.as_ref().err().map(|error| code(error)).unwrap_or_default();
        assert!(said.is_err() || said.as_ref().is_ok_and(|page| page["status"] == 200), "{}: {said:?}", entry.name);
        verdicts.insert(entry.name.into(), json!({ "accepts": said.is_ok(), "says": says }));
    }
    for (name, accepts) in [("good", true), ("revoked", true), ("expired", false), ("wrong-host", false), ("untrusted-root", false)] {
        assert_eq!(verdicts[name]["accepts"], accepts, "{name}");
    }
    judged(program, version.split_once('/').map_or(version.as_str(), |(_, number)| number), &verdicts);
}

/// `ERR_CERT_DATE_INVALID`, `SEC_ERROR_UNKNOWN_ISSUER`: the word in capitals.
fn code(error: &str) -> String {
    let words = error.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words
        .filter(|word| word.contains("ERR") && word.contains('_') && !word.starts_with("NS_"))
        .max_by_key(|word| word.len())
        .unwrap_or(error)
        .to_owned()
}

fn a_verdict_that_changed_is_a_difference() {
    // The certificate of another entry in place of a good one: it is for another name.
    let (_folder, own) = own_certs();
    fs::copy(own.join("gallery/expired.pem"), own.join("gallery/good.pem")).unwrap();
    let server = Server::start_with(&own, |command| command);
    let out = run(client(&["gallery", "--alone", &client::url(&server, "https", "/")]).env("PADLOCK_CERTS", &own));
    client::ended(&out, 1, &["client: 1 verdicts are not what they should be"]);
    let line = text(&out.stdout).lines().find(|line| line.starts_with("good ")).unwrap().to_owned();
    assert!(line.ends_with(" !"), "{line}");

    // Once it is right again, and the server has been told, all is well.
    fs::copy(certs().join("gallery/good.pem"), own.join("gallery/good.pem")).unwrap();
    server.signal("HUP");
    server.logged("loaded again");
    good(client(&["gallery", "--alone", &client::url(&server, "https", "/")]).env("PADLOCK_CERTS", &own));
}

fn a_websocket_opens_where_the_certificate_is_good() {
    let server = Server::start(&[]);
    let at = |name: &str| format!("wss://{name}.localhost:{}/", server.port("web"));
    client::ended(&client::piped(&[&at("good")], "hello\n"), 0, &[]);
    client::ended(&client::piped(&[&at("expired")], "hello\n"), 60, &["expired on "]);
    client::ended(&client::piped(&[&at("tls12-only"), "--min-tls", "1.2"], "hello\n"), 0, &[]);
}

fn an_unknown_name_gets_the_default_certificate_and_a_line() {
    let server = Server::start(&[]);
    let out = run(&mut client(&[&format!("https://nobody.localhost:{}/healthz", server.port("web"))]));
    client::ended(&out, 60, &["made for localhost, 127.0.0.1, ::1, but you asked for nobody.localhost"]);
    let line = server.logged("asked for nobody.localhost");
    assert!(line.starts_with("tls: ") && line.contains("which is nobody here"), "{line}");
}

fn a_name_with_a_dot_at_its_end_gets_the_default_certificate_and_a_line() {
    let server = Server::start(&[]);
    let address = format!("127.0.0.1:{}", server.port("web"));
    for name in ["localhost.", "expired.localhost."] {
        let seen = good(std::process::Command::new("openssl").args(["s_client", "-connect", &address, "-servername", name]));
        assert!(seen.contains("subject=O=Padlock, CN=localhost") || seen.contains("CN = localhost"), "{seen}");
        assert!(server.logged(&format!("asked for {name}, but")).contains("without a dot at its end (RFC 6066 3)"));
    }
}

fn a_gallery_that_was_not_made_is_a_line_and_the_default_certificate() {
    let (_folder, own) = own_certs();
    fs::remove_dir_all(own.join("gallery")).unwrap();
    let server = Server::start_with(&own, |command| command);
    let out = run(&mut client(&[&format!("https://good.localhost:{}/", server.port("web"))]));
    client::ended(&out, 60, &["but you asked for good.localhost"]);
    assert!(server.logged("which can't be shown").ends_with("(make certs)"));
}

fn make_certs_makes_what_is_missing_or_old_anew_and_only_then() {
    let (_folder, own) = own_certs();
    let places = Places::new(&own);
    let (list, sample) = (own.join("gallery/revoked.crl"), own.join("gallery/expired.pem"));
    let key = fs::read(own.join("gallery/keys/p256.key")).unwrap();
    assert_eq!(due(&places, &list).unwrap(), None);
    let before = fs::read(&sample).unwrap();
    make_certs(&own);
    assert_eq!(fs::read(&sample).unwrap(), before, "made again though nothing was due");

    fs::remove_file(own.join("gallery/v1.pem")).unwrap();
    assert_eq!(due(&places, &list).unwrap(), Some("a part of it is missing"));
    make_certs(&own);
    assert!(own.join("gallery/v1.pem").exists());
    assert_ne!(fs::read(&sample).unwrap(), before, "all of it is made anew");
    assert_eq!(fs::read(own.join("gallery/keys/p256.key")).unwrap(), key, "keys stay");

    // A run that was killed halfway has another authority than the list was signed by.
    fs::copy(certs().join("gallery/authority.crt"), own.join("gallery/authority.crt")).unwrap();
    assert_eq!(due(&places, &list).unwrap(), Some("it was not made to its end"));
    fs::copy(certs().join("server/localhost.crt"), own.join("gallery/authority.crt")).unwrap();
    assert_eq!(due(&places, &list).unwrap(), Some("the authority was made again since"));
}

fn keys_are_the_owners_alone_and_no_url_leads_to_them() {
    for file in fs::read_dir(certs().join("gallery/keys")).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let server = Server::start(&[]);
    for path in ["/certs/gallery/keys/p256.key", "/gallery/keys/p256.key", "/gallery/../certs/gallery/keys/p256.key"] {
        let out = run(&mut client(&["-i", &format!("https://good.localhost:{}{path}", server.port("web"))]));
        assert!(text(&out.stdout).starts_with("HTTP/1.1 404 "), "{path}: {}", text(&out.stdout));
    }
    let page = text(&run(&mut client(&["-i", &format!("https://good.localhost:{}/", server.port("web"))])).stdout);
    assert!(!page.to_lowercase().contains("strict-transport-security"), "a browser would remember: {page}");
}

fn the_page_is_clicked_through_without_script() {
    let server = Server::start(&[]);
    let mut browser = Browser::start("chromium", Some(&certs().join("ca/root.crt")));
    let page = browser.open(&format!("https://localhost:{}/gallery", server.port("web"))).unwrap();
    assert_eq!(page["status"], 200);
    assert_eq!(browser.ask(json!({ "command": "evaluate", "script": "document.scripts.length" })).unwrap(), 0);
    browser.ask(json!({ "command": "click", "selector": "tbody a[href^='https://good.']" })).unwrap();
    browser.until("location.hostname === 'good.localhost' && document.body.innerText.includes('your browser has taken the certificate')");
    assert_eq!(browser.problems(), json!([]));
}
