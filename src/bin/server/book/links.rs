//! Where a chapter's links lead: to a line beside it, to another chapter, or out.

use super::{PAGES, Page, address};

/// What becomes of a link in the chapter of `word`.
#[derive(Debug, PartialEq, Eq)]
pub enum Link {
    /// A line of source, in this page or in another.
    Line(String),
    /// Another page, or another site.
    Page(String),
    /// Nothing that the book has.
    Nowhere,
}

/// `crate::tls::accept`, `tls.md#idea`, `../src/tls.rs`, `https://…`, `#idea`.
pub fn resolve(link: &str, word: &str) -> Link {
    if let Some(item) = item(link) {
        return item_link(item, word);
    }
    if link.starts_with('#') || link.starts_with('/') || link.contains("://") {
        return Link::Page(link.to_string());
    }
    let (file, anchor) = link.split_at(link.find('#').unwrap_or(link.len()));
    if let Some(path) = file.strip_prefix("../src/") {
        return file_link(path.trim_end_matches('/'), word);
    }
    let chapter = file.strip_prefix("../docs/").or(file.strip_prefix("docs/")).unwrap_or(file).strip_suffix(".md");
    match chapter.map(|name| if name == "README" { "" } else { name }).and_then(page) {
        Some(page) => Link::Page(format!("{}{anchor}", address(page.word))),
        None => Link::Nowhere,
    }
}

/// The path of a rustdoc link: `crate::tls::accept`, `fn@crate::tls::accept`, `crate::tls::accept()`.
pub fn item(link: &str) -> Option<&str> {
    let path = link.split_once('@').map_or(link, |(_, path)| path);
    path.trim_end_matches("()").trim_end_matches('!').strip_prefix("crate::")
}

fn item_link(path: &str, word: &str) -> Link {
    let (module, item) = path.split_once("::").unwrap_or((path, ""));
    let page = if ["error", "WORDS"].contains(&module) { page("") } else { page(module) };
    let Some(page) = page else { return Link::Nowhere };
    if item.is_empty() && module == page.word {
        return Link::Page(if page.word == word { "#source".to_string() } else { address(page.word) });
    }
    // The last two segments name a member, the last one an item.
    let segments: Vec<&str> = path.split("::").collect();
    let names = [2, 1].map(|count| segments.get(segments.len().saturating_sub(count)..).unwrap_or_default().join("::"));
    let found = names.iter().find_map(|name| page.sources().find_map(|source| source.definition(name)));
    found.map_or(Link::Nowhere, |anchor| Link::Line(in_page(page, word, &anchor)))
}

fn file_link(path: &str, word: &str) -> Link {
    for page in PAGES.iter() {
        let source = page.sources().find(|source| source.path() == path);
        if let Some(source) = source {
            return Link::Page(in_page(page, word, &source.id()));
        }
    }
    // `tls/`, or `tls.rs` of a word that has become a folder.
    page(path.strip_suffix(".rs").unwrap_or(path)).map_or(Link::Nowhere, |page| Link::Page(in_page(page, word, "source")))
}

fn in_page(page: &Page, word: &str, anchor: &str) -> String {
    if page.word == word { format!("#{anchor}") } else { format!("{}#{anchor}", address(page.word)) }
}

fn page(word: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.word == word)
}
