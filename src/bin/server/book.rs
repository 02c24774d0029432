//! The book: each chapter with its module's source beside it.

use super::layout;
use padlock::http::{Content, Response, escape};
use std::sync::{Arc, LazyLock, OnceLock};

#[path = "book/chapter.rs"]
mod chapter;
#[path = "book/links.rs"]
mod links;
#[path = "book/source.rs"]
mod source;

use source::Source;

/// Every chapter and every source, compiled in: see `book/build.rs`.
mod compiled {
    include!(concat!(env!("OUT_DIR"), "/book.rs"));
}

/// A chapter and what stands beside it.
struct Page {
    /// The word; empty for the book's front page.
    word: &'static str,
    chapter: &'static str,
    /// Path below `src/` and text; the word's own file first.
    files: Vec<(&'static str, &'static str)>,
}

/// The front page, then the words in their order.
static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    // Beside the map stands the whole server on one page, then what lies beneath the words.
    let beneath = files(|path| !padlock::WORDS.iter().any(|word| belongs(path, word)));
    let front = Page { word: "", chapter: chapter_of("README"), files: beneath };
    let page = |word: &'static str| {
        let mut files = files(|path| belongs(path, word));
        files.sort_by_key(|(path, _)| path.contains('/') && !path.ends_with("/mod.rs"));
        Page { word, chapter: chapter_of(word), files }
    };
    std::iter::once(front).chain(padlock::WORDS.into_iter().map(page)).collect()
});

fn chapter_of(name: &str) -> &'static str {
    compiled::CHAPTERS.iter().find(|(file, _)| file.strip_suffix(".md") == Some(name)).map_or("", |(_, text)| text)
}

/// `http.rs` and `http/head.rs` belong to the word http.
fn belongs(path: &str, word: &str) -> bool {
    path.strip_prefix(word).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn files(belongs: impl Fn(&str) -> bool) -> Vec<(&'static str, &'static str)> {
    compiled::SOURCES.iter().filter(|(path, _)| belongs(path)).copied().collect()
}

/// The pages, each rendered when it is first asked for.
pub struct Book {
    rendered: Vec<OnceLock<Arc<Content>>>,
}

impl Book {
    pub fn new() -> Book {
        Book { rendered: PAGES.iter().map(|_| OnceLock::new()).collect() }
    }

    /// `/docs/` and `/docs/WORD`; also `/docs/WORD.md`, as the chapters themselves link to each other.
    pub fn find(&self, path: &str) -> Option<Response> {
        let name = match path {
            "/docs" => return Some(Response::redirect("/docs/")),
            _ => path.strip_prefix("/docs/")?,
        };
        let at = PAGES.iter().position(|page| page.word == name);
        let Some(at) = at else {
            let word = name.strip_suffix(".md").map(|word| if word == "README" { "" } else { word })?;
            return PAGES.iter().any(|page| page.word == word).then(|| Response::redirect(&format!("/docs/{word}")));
        };
        let render = || Arc::new(Content::new("text/html; charset=utf-8", render(at).into_bytes(), &[]));
        self.rendered.get(at).map(|page| Response::content(page.get_or_init(render).clone()))
    }
}

/// The address of the line that defines an item: `crate::tls::accept`.
pub fn line_of(item: &str) -> Option<String> {
    match links::resolve(item, "") {
        links::Link::Line(address) => Some(address),
        links::Link::Page(_) | links::Link::Nowhere => None,
    }
}

/// Where a word's page is.
fn address(word: &str) -> String {
    format!("/docs/{word}")
}

fn render(at: usize) -> String {
    let Some(page) = PAGES.get(at) else { return String::new() };
    let sources: Vec<Source> = page.sources().collect();
    let beside: String = sources.iter().map(|source| source.html()).collect();
    let text = chapter::html(page.chapter, page.word);
    let title = if page.word.is_empty() { "The book" } else { page.word };
    let main = format!(
        "{words}<div class=\"beside\">\n<article class=\"chapter\">\n{text}{turn}</article>\n\
         <section class=\"sources\" id=\"source\" tabindex=\"0\" aria-label=\"Source of {label}\">\n{contents}{beside}</section>\n</div>\n",
        words = words(at),
        turn = turn(at),
        label = escape(title),
        contents = contents(&sources),
    );
    layout(title, "book", &main)
}

impl Page {
    fn sources(&self) -> impl Iterator<Item = Source> {
        self.files.iter().enumerate().map(|(at, (path, text))| {
            // The word's own file has plain anchors, #L12; the others of its folder say whose line it is.
            let stem = path.split_once('/').map_or(*path, |(_, below)| below).trim_end_matches(".rs").replace('/', "-");
            Source::new(path, text, if at == 0 { String::new() } else { format!("{stem}-") })
        })
    }
}

/// All words in order, this one marked.
fn words(here: usize) -> String {
    let item = |(at, page): (usize, &Page)| {
        let current = if at == here { " aria-current=\"page\"" } else { "" };
        let name = if page.word.is_empty() { "map" } else { page.word };
        format!("<li><a href=\"{}\"{current}>{name}</a></li>\n", address(page.word))
    };
    let items: String = PAGES.iter().enumerate().map(item).collect();
    format!("<nav class=\"words\" aria-label=\"Chapters\"><ol start=\"0\">\n{items}</ol></nav>\n")
}

/// The previous word and the next.
fn turn(at: usize) -> String {
    let link = |page: Option<&Page>, rel: &str, before: &str, after: &str| match page {
        Some(page) => {
            let name = if page.word.is_empty() { "map" } else { page.word };
            format!("<a rel=\"{rel}\" href=\"{}\">{before}{name}{after}</a>\n", address(page.word))
        }
        None => "<span></span>\n".to_string(),
    };
    let previous = link(at.checked_sub(1).and_then(|at| PAGES.get(at)), "prev", "← ", "");
    format!("<nav class=\"turn\" aria-label=\"Previous and next\">\n{previous}{}</nav>\n", link(PAGES.get(at + 1), "next", "", " →"))
}

/// Which files follow, when there are several.
fn contents(sources: &[Source]) -> String {
    if sources.len() < 2 {
        return String::new();
    }
    let items: String =
        sources.iter().map(|source| format!("<li><a href=\"#{}\">{}</a></li>\n", source.id(), escape(source.path()))).collect();
    format!("<nav class=\"files\" aria-label=\"Files\"><ul>\n{items}</ul></nav>\n")
}

#[cfg(test)]
#[path = "book/tests.rs"]
mod tests;
