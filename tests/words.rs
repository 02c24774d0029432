//! The words and the invariants of docs/README.md, as far as reading the checkout can hold them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Server, checkout, good, own_certs, program, sources, tracked};
use padlock::WORDS;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// `src/tls.rs` and `src/tls/config.rs` both belong to the word tls; lib, error and the programs to none.
fn word_of(file: &Path) -> Option<&'static str> {
    let first = file.strip_prefix("src").ok()?.components().next()?;
    let name = Path::new(first.as_os_str()).file_stem()?.to_str()?;
    WORDS.into_iter().find(|word| *word == name)
}

/// The sources of the library and the programs; `tests.rs` in a word's folder may use anything.
fn shipped() -> Vec<(PathBuf, String)> {
    sources("src", "rs").into_iter().filter(|(file, _)| !file.ends_with("tests.rs")).collect()
}

/// A source without its comments and without its tests, which may use anything.
fn code(source: &str) -> String {
    let shipped = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    shipped.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn stems(folder: &str, extension: &str) -> BTreeSet<String> {
    let files = sources(folder, extension).into_iter().map(|(file, _)| file);
    files.filter(|file| file.components().count() == 2).map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_word_has_a_module_and_every_module_is_a_word() {
    let words: BTreeSet<String> = WORDS.into_iter().map(str::to_owned).collect();
    let mut modules = stems("src", "rs");
    modules.extend(sources("src", "rs").iter().filter(|(file, _)| file.ends_with("mod.rs")).map(|(file, _)| {
        let folder = file.parent().unwrap().file_name().unwrap();
        folder.to_str().unwrap().to_owned()
    }));
    for beneath in ["lib", "error", "file"] {
        assert!(modules.remove(beneath), "src/{beneath}.rs is gone");
    }
    assert_eq!(modules, words);
}

#[test]
fn every_word_has_a_chapter_and_every_chapter_is_a_word() {
    let words: BTreeSet<String> = WORDS.into_iter().map(str::to_owned).collect();
    let mut chapters = stems("docs", "md");
    assert!(chapters.remove("README"), "docs/README.md is gone");
    assert_eq!(chapters, words);
}

#[test]
fn every_chapter_is_the_documentation_of_its_module() {
    let lib = fs::read_to_string(checkout().join("src/lib.rs")).unwrap();
    for word in WORDS {
        let both = format!("#[doc = include_str!(\"../docs/{word}.md\")]\npub mod {word};\n");
        assert!(lib.contains(&both), "src/lib.rs does not say\n{both}");
    }
}

#[test]
fn a_word_uses_only_words_above_it() {
    for (file, source) in shipped() {
        let Some(word) = word_of(&file) else { continue };
        let above: BTreeSet<&str> = WORDS.into_iter().take_while(|other| *other != word).chain([word, "error", "file"]).collect();
        for used in modules_used(&code(&source)) {
            assert!(above.contains(used.as_str()), "{}: {word} uses {used}, which is no word above it", file.display());
        }
    }
}

/// The crate's modules that a source names: `crate::tls::…`, `use crate::{tls::…, error::…}`.
fn modules_used(code: &str) -> BTreeSet<String> {
    let name = |path: &str| path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut used = BTreeSet::new();
    for path in code.split("crate::").skip(1) {
        let Some(group) = path.strip_prefix('{') else {
            used.insert(name(path));
            continue;
        };
        let mut depth = 1;
        let top = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 1 || depth == 0
        };
        let group = group.split(';').next().unwrap_or_default();
        used.extend(group.split(top).map(|part| name(part.trim())).filter(|name| !name.is_empty()));
    }
    used
}

#[test]
fn no_word_knows_a_program() {
    for (file, source) in shipped() {
        assert!(word_of(&file).is_none() || !code(&source).contains("src/bin"), "{} knows a program", file.display());
    }
}

/// The files whose code holds one of `needles`, apart from those that `allowed` lets through.
fn elsewhere(needles: &[&str], allowed: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let found = |source: &str| needles.iter().any(|needle| source.contains(needle));
    shipped().into_iter().filter(|(file, source)| !allowed(file) && found(&code(source))).map(|(file, _)| file).collect()
}

#[test]
fn only_key_names_the_archived_pem_reader() {
    assert_eq!(elsewhere(&["rustls_pemfile"], |file| file == Path::new("src/key/pem.rs")), Vec::<PathBuf>::new());
}

#[test]
fn only_trust_builds_a_verifier_or_a_root_store() {
    let builds = ["RootCertStore", "WebPkiServerVerifier", "WebPkiClientVerifier", "ServerCertVerifier for", "ClientCertVerifier for"];
    assert_eq!(elsewhere(&builds, |file| word_of(file) == Some("trust")), Vec::<PathBuf>::new());
}

#[test]
fn only_the_program_ca_and_its_word_know_where_the_authority_keeps_its_keys() {
    let opens = ["root.key", "intermediate.key", "Issuer::open", "authority::found"];
    let allowed = |file: &Path| word_of(file) == Some("authority") || file.starts_with("src/bin/ca") || file == Path::new("src/bin/ca.rs");
    assert_eq!(elsewhere(&opens, allowed), Vec::<PathBuf>::new());
}

/// Whoever opens a pipe to read waits for someone who writes, and nobody does.
#[test]
fn the_server_starts_and_answers_without_opening_the_authoritys_keys() {
    let (_folder, certs) = own_certs();
    for key in ["ca/root/root.key", "ca/intermediate/intermediate.key"] {
        fs::remove_file(certs.join(key)).unwrap();
        good(Command::new("mkfifo").arg(certs.join(key)));
    }
    let server = Server::start_with(&certs, |command| command);
    for path in ["/", "/trust", "/docs/authority", "/healthz"] {
        good(program("client", &certs).arg(format!("https://localhost:{}{path}", server.port("web"))));
    }
    server.signal("HUP");
    server.logged("loaded again");
    assert!(server.stop().success());
}

#[test]
fn no_tracked_file_holds_a_private_key() {
    let begins = [["-----BEGIN", "PRIVATE KEY-----"].join(" "), ["-----BEGIN", ""].join(" ")];
    for file in tracked() {
        let bytes = fs::read(checkout().join(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines().map(str::trim);
        let secret = lines.any(|line| line.starts_with(&begins[1]) && line.ends_with(&begins[0]["-----BEGIN ".len()..]));
        assert!(!secret, "{} holds a private key", file.display());
    }
}

#[test]
fn nothing_generated_is_tracked() {
    let made = ["key", "p12", "pcapng", "keylog", "srl", "csr", "crl", "pem", "crt", "der"];
    for file in tracked() {
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let known = file.starts_with("certs") && file != Path::new("certs/README.md") && file != Path::new("certs/.gitignore");
        assert!(!known && !made.contains(&extension), "{} is generated, yet tracked", file.display());
    }
}

#[test]
fn every_dependency_says_why_it_is_here() {
    let manifest = fs::read_to_string(checkout().join("Cargo.toml")).unwrap();
    let mut inside = false;
    for line in manifest.lines() {
        inside = if line.starts_with('[') { line.contains("dependencies") } else { inside };
        let reason = line.rsplit_once(" # ").map(|(_, reason)| reason.trim());
        let silent = inside && line.contains(" = ") && !line.starts_with('#') && reason.is_none_or(str::is_empty);
        assert!(!silent, "no reason: {line}");
    }
}

#[test]
fn the_names_of_registries_and_machines_stay_out() {
    let lock = fs::read_to_string(checkout().join("Cargo.lock")).unwrap();
    let foreign = lock.lines().find(|l| l.starts_with("source") && !l.contains("github.com/rust-lang/crates.io-index"));
    assert_eq!(foreign, None);
    for file in tracked().iter().filter(|file| file.ends_with("package-lock.json")) {
        let lock = fs::read_to_string(checkout().join(file)).unwrap();
        assert!(!lock.contains("\"resolved\""), "{} names the registry it came from", file.display());
    }
}
