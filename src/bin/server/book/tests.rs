use super::*;
use pulldown_cmark::{Event, Tag};
use std::collections::BTreeSet;

fn rendered(word: &str) -> String {
    render(PAGES.iter().position(|page| page.word == word).unwrap())
}

#[test]
fn every_source_of_every_word_is_beside_its_chapter() {
    let shown: BTreeSet<&str> = PAGES.iter().flat_map(|page| &page.files).map(|(path, _)| *path).collect();
    let compiled: BTreeSet<&str> = compiled::SOURCES.iter().map(|(path, _)| *path).collect();
    assert_eq!(shown, compiled);
    for page in PAGES.iter() {
        assert!(!page.chapter.is_empty(), "docs/{}.md", page.word);
        assert!(!page.files.is_empty(), "src/{}", page.word);
    }
    let http = PAGES.iter().find(|page| page.word == "http").unwrap();
    assert_eq!(http.files[0].0, "http.rs", "the word's own file comes first");
}

#[test]
fn a_row_that_begins_with_a_code_can_be_linked_to() {
    let table = chapter::html("| code | `means` |\n|---|---|\n| `wrong-name` | as `./client` says |\n", "refusal");
    assert!(table.contains("<td><code id=\"wrong-name\">wrong-name</code></td>"), "{table}");
    assert_eq!(table.matches("id=").count(), 1, "{table}");
}

#[test]
fn the_book_follows_the_list_of_words() {
    let words: Vec<&str> = PAGES.iter().skip(1).map(|page| page.word).collect();
    assert_eq!(words, padlock::WORDS);
}

#[test]
fn every_link_of_every_chapter_leads_somewhere() {
    for page in PAGES.iter() {
        for event in chapter::parse(page.chapter) {
            if let Event::Start(Tag::Link { dest_url, .. }) = event {
                let outside =
                    ["../README.md", "../CONTRIBUTING.md", "../certs/", "../tests/"].iter().any(|start| dest_url.starts_with(start));
                let link = links::resolve(&dest_url, page.word);
                assert!(outside || link != links::Link::Nowhere, "{}: {dest_url}", page.word);
            }
        }
    }
}

#[test]
fn every_jump_has_its_line() {
    for page in PAGES.iter() {
        let html = rendered(page.word);
        for link in html.split("class=\"jump\" href=\"").skip(1) {
            let address = link.split('"').next().unwrap();
            let (path, anchor) = address.split_once('#').unwrap();
            let word = path.strip_prefix("/docs/").unwrap_or(page.word);
            assert!(rendered(word).contains(&format!("id=\"{anchor}\"")), "{}: {address}", page.word);
        }
    }
}

#[test]
fn no_anchor_stands_twice_in_a_page() {
    for page in PAGES.iter() {
        let html = rendered(page.word);
        let mut seen = BTreeSet::new();
        for id in html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(seen.insert(id), "{}: {id}", page.word);
        }
    }
}

#[test]
fn definitions_are_found_by_name_and_by_owner() {
    let text = "//! fn not_this() {}\nuse x::y;\npub struct Head {\n    pub version: u8,\n}\nimpl<T: Read> Read for Head {\n    fn read(&self) -> impl Fn() {\n        let s = \"fn nor_this\";\n    }\n}\npub enum Next {\n    Head(Head),\n    Closed,\n}\npub const LIMIT: usize = 1;\npub fn read(x: impl Read) {}\nmod tests {\n    fn read() {}\n}\n";
    let source = Source::new("head.rs", text, "head-".to_string());
    let table = [
        ("Head", Some("head-L3")),
        ("Head::version", Some("head-L4")),
        ("Head::read", Some("head-L7")),
        ("Next::Closed", Some("head-L13")),
        ("Next::Head", Some("head-L12")),
        ("LIMIT", Some("head-L15")),
        ("read", Some("head-L16")),
        ("not_this", None),
        ("nor_this", None),
    ];
    for (item, line) in table {
        assert_eq!(source.definition(item).as_deref(), line, "{item}");
    }
}

#[test]
fn a_string_of_several_lines_stays_a_string() {
    let html = Source::new("a.rs", "let a = \"<b>\n&\";\n", String::new()).html();
    assert!(html.contains("<span class=\"string\">&quot;&lt;b&gt;</span>\n</span><span class=\"line\" id=\"L2\">"), "{html}");
    assert!(html.contains("<span class=\"string\">&amp;&quot;</span>"), "{html}");
}

#[test]
fn links_lead_beside_or_to_another_chapter() {
    use links::{Link, resolve};
    let line = |link: Link| matches!(&link, Link::Line(address) if address.starts_with("#head-L"));
    assert!(line(resolve("crate::http::read_head", "http")), "{:?}", resolve("crate::http::read_head", "http"));
    assert!(line(resolve("fn@crate::http::Head::field()", "http")));
    assert_eq!(resolve("crate::http", "tls"), Link::Page("/docs/http".into()));
    assert_eq!(resolve("http.md#idea", "tls"), Link::Page("/docs/http#idea".into()));
    assert_eq!(resolve("README.md", "tls"), Link::Page("/docs/".into()));
    assert_eq!(resolve("../src/http/head.rs", "http"), Link::Page("#file-http-head".into()));
    assert_eq!(resolve("crate::http::gone", "http"), Link::Nowhere);
    assert_eq!(resolve("../certs/private/localhost.key", "http"), Link::Nowhere);
}
