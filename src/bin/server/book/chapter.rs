//! A chapter's Markdown as HTML.

use super::{
    links::{self, Link},
    source,
};
use padlock::http::escape;
use pulldown_cmark::{BrokenLink, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;

/// Renders the chapter of `word`. Headings get anchors, links lead where the book has what they name, blocks are highlighted.
pub fn html(markdown: &str, word: &str) -> String {
    let mut events = parse(markdown).into_iter();
    let mut shown = Vec::new();
    let (mut row_begins, mut anchors) = (false, BTreeSet::new());
    while let Some(event) = events.next() {
        // A code in front of a row can be linked to: `refusal#wrong-name`. Where it stands again, the first is meant.
        if let (true, Event::Code(code)) = (row_begins, &event)
            && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && anchors.insert(code.to_string())
        {
            shown.push(raw(format!("<code id=\"{0}\">{0}</code>", escape(code))));
            row_begins = false;
            continue;
        }
        row_begins = matches!(event, Event::Start(Tag::TableRow)) || (row_begins && matches!(event, Event::Start(Tag::TableCell)));
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let inside: Vec<Event> = events.by_ref().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_)))).collect();
                let id = slug(&inside);
                shown.push(raw(format!("<{level} id=\"{id}\">")));
                anchors.insert(id);
                shown.extend(inside);
                shown.push(raw(format!("</{level}>\n")));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = if let CodeBlockKind::Fenced(language) = kind { language.to_string() } else { String::new() };
                let inside = events.by_ref().take_while(|event| !matches!(event, Event::End(TagEnd::CodeBlock)));
                shown.push(raw(block(&language, &text(&inside.collect::<Vec<_>>()))));
            }
            Event::Start(Tag::Link { dest_url, .. }) => shown.push(raw(open_link(links::resolve(&dest_url, word)))),
            Event::End(TagEnd::Link) => shown.push(raw("</a>".to_string())),
            // A wide table scrolls by itself.
            Event::Start(Tag::Table(columns)) => {
                shown.push(raw("<div class=\"table\">".to_string()));
                shown.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                shown.push(Event::End(TagEnd::Table));
                shown.push(raw("</div>\n".to_string()));
            }
            other => shown.push(other),
        }
    }
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, shown.into_iter());
    html
}

/// The events of a chapter. `[`crate::tls::accept`]` alone is a link too, as in rustdoc.
pub fn parse(markdown: &str) -> Vec<Event<'_>> {
    let short = |link: BrokenLink<'_>| {
        let target = link.reference.trim_matches('`').to_string();
        links::item(&target).is_some().then(|| (CowStr::from(target), CowStr::from("")))
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    Parser::new_with_broken_link_callback(markdown, options, Some(short)).collect()
}

fn raw(html: String) -> Event<'static> {
    Event::InlineHtml(html.into())
}

fn open_link(link: Link) -> String {
    match link {
        Link::Line(address) => format!("<a class=\"jump\" href=\"{}\">", escape(&address)),
        Link::Page(address) => format!("<a href=\"{}\">", escape(&address)),
        // An <a> without href is text.
        Link::Nowhere => "<a>".to_string(),
    }
}

fn text(events: &[Event]) -> String {
    let piece = |event: &Event| match event {
        Event::Text(text) | Event::Code(text) => text.to_string(),
        Event::SoftBreak | Event::HardBreak => " ".to_string(),
        _ => String::new(),
    };
    events.iter().map(piece).collect()
}

/// `What goes wrong` → `what-goes-wrong`, as GitHub does.
fn slug(heading: &[Event]) -> String {
    let kept = text(heading).to_lowercase();
    kept.chars().filter_map(|c| if c.is_alphanumeric() || c == '-' { Some(c) } else { (c == ' ').then_some('-') }).collect()
}

fn block(language: &str, text: &str) -> String {
    match language {
        "rust" => format!("<pre class=\"rust\"><code>{}</code></pre>\n", source::fragment(text)),
        "console" => format!("<pre class=\"console\"><code>{}</code></pre>\n", text.lines().map(console_line).collect::<String>()),
        _ => format!("<pre><code>{}</code></pre>\n", escape(text)),
    }
}

/// What one types, what comes back, and the exit status (`? 60`) where it is not 0.
fn console_line(line: &str) -> String {
    let prompt =
        |sign: &str, command: &str| format!("<span class=\"command\"><span class=\"prompt\">{sign}</span> {}</span>\n", escape(command));
    match (line.split_once(' '), line.strip_prefix("? ")) {
        (Some(("$", command)), _) => prompt("$", command),
        (Some((">", command)), _) => prompt("&gt;", command),
        (_, Some(status)) => format!("<span class=\"status\">exit status {}</span>\n", escape(status)),
        _ => format!("{}\n", escape(line)),
    }
}
