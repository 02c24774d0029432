//! `/gallery`: every entry of the gallery with what six programs say of it, as a page and as JSON.

use super::layout;
use padlock::{
    authority::gallery::{ENTRIES, Entry, Manner},
    http::{Response, escape},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::LazyLock};

/// What was recorded from real runs, by `tests/gallery`; never typed by hand.
static RECORDED: LazyLock<Recorded> = LazyLock::new(|| serde_json::from_str(include_str!("recorded.json")).unwrap_or_default());

/// The programs in the order of the columns, and how each came to believe the lab's root.
const PROGRAMS: [(&str, &str); 6] = [
    ("rustls", "./client"),
    ("OpenSSL", "s_client with -CAfile, -verify_return_error and -verify_hostname"),
    ("curl", "with --cacert"),
    ("Node", "https.get with ca"),
    ("Chromium", "the root in a fresh profile"),
    ("Firefox", "the root in a fresh profile"),
];

#[derive(Default, Deserialize)]
struct Recorded {
    /// By program.
    versions: BTreeMap<String, String>,
    /// By row, then by program.
    verdicts: BTreeMap<String, BTreeMap<String, Verdict>>,
}

/// What a program says of a row.
#[derive(Serialize, Deserialize)]
struct Verdict {
    accepts: bool,
    /// In its own words. Empty when there is nothing to say.
    says: String,
}

/// A row: an entry, and how it is asked for.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    url: String,
    what: &'static str,
    /// Which list of revoked certificates is at hand: a file of the lab's.
    crl: Option<&'static str>,
    /// The code of our client's refusal; none when it accepts.
    code: Option<&'static str>,
    rfc: &'static str,
    tls: &'static str,
    /// By program, as recorded.
    says: Option<&'static BTreeMap<String, Verdict>>,
}

/// `/gallery.json`. Names stay as they are; new ones may come.
pub fn json(port: u16) -> Response {
    let rows: Vec<Row> = rows(port).collect();
    let told = serde_json::json!({ "version": 1, "programs": RECORDED.versions, "entries": rows });
    let mut text = serde_json::to_string_pretty(&told).unwrap_or_default();
    text.push('\n');
    Response::made("application/json", text)
}

fn rows(port: u16) -> impl Iterator<Item = Row> {
    let row = move |entry: &'static Entry| Row {
        name: entry.name,
        url: format!("https://{}:{port}/", entry.host()),
        what: entry.what,
        crl: None,
        code: entry.code,
        rfc: entry.rfc,
        tls: if entry.manner == Manner::Tls12 { "1.2" } else { "1.3" },
        says: RECORDED.verdicts.get(entry.name),
    };
    // The one entry whose fault depends on what one brings along.
    let with_list = move |entry| Row {
        what: "the same, asked by one who has the list",
        crl: Some("gallery/revoked.crl"),
        code: Some("revoked"),
        says: RECORDED.verdicts.get("revoked --crl"),
        ..row(entry)
    };
    ENTRIES.iter().flat_map(move |entry| [Some(row(entry)), (entry.name == "revoked").then(|| with_list(entry))]).flatten()
}

/// `/gallery`.
pub fn page(port: u16) -> String {
    let heads: String = PROGRAMS
        .iter()
        .map(|(program, how)| {
            let version = RECORDED.versions.get(*program).map_or("", String::as_str);
            format!("<th scope=\"col\"><abbr title=\"{}\">{program}</abbr> <small>{}</small></th>\n", escape(how), escape(version))
        })
        .collect();
    let body: String = rows(port).map(|row| row.html()).collect();
    let main = format!(
        "<h1>The gallery</h1>\n{intro}<div class=\"table\" tabindex=\"0\" role=\"region\" aria-labelledby=\"caption\">\n<table class=\"gallery\">\n\
         <caption id=\"caption\">What each program said, when this was recorded</caption>\n\
         <thead><tr><th scope=\"col\">Name</th><th scope=\"col\">What is wrong</th>\n{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n",
        intro = include_str!("intro.html"),
    );
    layout("The gallery", "wide", &main)
}

/// What is at `/` of an entry: who sees it has taken the certificate, or was told to.
pub fn entry(entry: &'static Entry, port: u16) -> String {
    let rows: String = rows(port).filter(|row| row.name == entry.name && row.crl.is_none()).map(|row| row.facts()).collect();
    let title = entry.host();
    let main = format!(
        "<h1>{title}</h1>\n<p class=\"lead\">{}.</p>\n<p>You see this page, so your browser has taken the certificate, or you have told it to.</p>\n\
         <dl class=\"facts\">\n{rows}</dl>\n<p><a href=\"https://localhost:{port}/gallery\">Back to the gallery</a></p>\n",
        escape(entry.what)
    );
    layout(&title, "page", &main)
}

impl Row {
    fn html(&self) -> String {
        let with = self.crl.map(|_| " <small>with the list</small>").unwrap_or_default();
        let cells: String = PROGRAMS.iter().map(|(program, _)| format!("<td>{}</td>\n", self.cell(program))).collect();
        format!(
            "<tr><th scope=\"row\"><a href=\"{}\">{}</a>{with}</th>\n<td>{} <small>{}</small></td>\n{cells}</tr>\n",
            self.url,
            self.name,
            escape(self.what),
            self.rfc
        )
    }

    fn facts(&self) -> String {
        let fact = |(program, _): &(&str, &str)| format!("<div><dt>{program}</dt><dd>{}</dd></div>\n", self.cell(program));
        PROGRAMS.iter().map(fact).collect()
    }

    fn cell(&self, program: &str) -> String {
        let Some(verdict) = self.says.and_then(|says| says.get(program)) else {
            return if self.crl.is_some() { "takes no list" } else { "not recorded" }.into();
        };
        if verdict.accepts {
            return "<span class=\"yes\">accepts</span>".into();
        }
        // Our own code is a lesson of the chapter.
        let says = match self.code {
            Some(code) if program == "rustls" => format!("<a href=\"https://localhost:{}/docs/refusal#{code}\">{code}</a>", self.port()),
            _ => escape(&verdict.says),
        };
        format!("<span class=\"no\">refuses</span> <code>{says}</code>")
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap_or_default().trim_end_matches('/')
    }
}
