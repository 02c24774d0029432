//! `/ladder`: seven ways to say who opens a WebSocket, one click each.

use super::layout;
use crate::ticket::ladder::{LADDER, Rung};
use padlock::http::{Response, escape};

pub fn find(path: &str) -> Option<Response> {
    let page = || include_str!("ladder.html").replace("{rungs}", &LADDER.iter().map(item).collect::<String>());
    (path == "/ladder").then(|| Response::made("text/html; charset=utf-8", layout("Seven ways", "page", &page())))
}

fn item(rung: &Rung) -> String {
    let Rung { path, name, protects, leaks, browsers, .. } = rung;
    let id = path.rsplit('/').next().unwrap_or_default();
    let facts = escape(&format!("Protects {protects}. Leaks {leaks}. In browsers: {browsers}."));
    format!(
        "<li id=\"{id}\">\n<h3>{name}</h3>\n<p>{facts}</p>\n\
         <p class=\"row\"><button aria-label=\"Try: {name}\" data-path=\"{path}\">Try</button> <output>not tried yet</output></p>\n</li>\n"
    )
}
