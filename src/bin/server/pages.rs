//! Every page of the server, and which request gets which.

use padlock::wire::Kept;
use padlock::{
    authority::{Places, gallery::Entry},
    error::Result,
    http::{Content, Files, Head, Response, decode_path, escape, media_type},
};
use serde_json::Value;
use std::{collections::HashMap, path::Path, sync::Arc};

#[path = "book.rs"]
mod book;
#[path = "connection.rs"]
mod connection;
#[path = "gallery/page.rs"]
mod gallery_page;
#[path = "handshake_page.rs"]
pub mod handshake_page;
#[path = "ladder_page.rs"]
mod ladder_page;
#[path = "trust_page.rs"]
mod trust_page;

pub use connection::Connection;

/// The pages of `www/`, compiled in: the program alone serves the site.
macro_rules! www {
    ($($name:literal)*) => { [$((concat!("/", $name), include_bytes!(concat!("../../../www/", $name)).as_slice())),*] };
}
const WWW: [(&str, &[u8]); 12] = www!("index.html" "main.js" "socket.js" "ticket.html" "ticket.js" "ladder.js" "closes.js" "services.js" "wiretap.html" "wiretap.js" "style.css" "padlock.svg");
/// What of it every port serves.
const EVERYWHERE: [&str; 7] = ["/ticket", "/ticket.js", "/ladder.js", "/closes.js", "/services.js", "/style.css", "/padlock.svg"];

/// The services that pages speak to besides their own, and how. A browser calls this machine by either name.
const ELSEWHERE: [(&str, &str); 4] = [("auth", "https"), ("ticket", "https"), ("ticket", "wss"), ("ticket-ws", "ws")];
const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

/// Every page of the server: `www/` (or `--root DIR`), the book, the trust page, `/connection`.
pub struct Site {
    www: HashMap<&'static str, Arc<Content>>,
    files: Option<Files>,
    book: book::Book,
    places: Places,
    services: String,
    /// Where all this is served over TLS.
    port: u16,
    policy: String,
}

impl Site {
    /// `root` replaces `www/`. `services`: the port of each, by its name, as pages are told.
    ///
    /// Fails when `root` is no folder, or one from which private keys could be fetched.
    pub fn new(root: Option<&Path>, places: &Places, services: &Value) -> Result<Site> {
        let policy = policy(services);
        let port = services.get("web").and_then(Value::as_u64).and_then(|port| port.try_into().ok()).unwrap_or_default();
        let more = [("Content-Security-Policy", policy.clone())];
        let files = root.map(|root| Files::new(root, &places.dir, &more)).transpose()?;
        let content = |(name, bytes): (&'static str, &'static [u8])| {
            let content = Content::new(media_type(Path::new(name)), bytes, &[("Content-Security-Policy", &policy)]);
            (name, Arc::new(content))
        };
        let www = WWW.map(content).into();
        Ok(Site { www, files, book: book::Book::new(), places: places.clone(), services: format!("{services}\n"), port, policy })
    }

    /// The answer on HTTPS, 304, 404 and 405 included. Upgrades are routed before; `connection` is asked only where a page
    /// tells about the connection it came on. `visited`: the entry of the gallery by whose name the client has come.
    pub fn answer(&self, head: &Head, visited: Option<&'static Entry>, connection: impl FnOnce() -> Connection) -> Response {
        let path = match page_path(head) {
            Ok(path) => path,
            Err(response) => return response,
        };
        if let Some(entry) = visited.filter(|_| path == "/") {
            return self.guard(html(gallery_page::entry(entry, self.port)));
        }
        match path.as_str() {
            "/healthz" => healthz(),
            "/gallery" => self.guard(html(gallery_page::page(self.port))),
            "/gallery.json" => gallery_page::json(self.port),
            "/connection" => self.guard(connection().page()),
            "/connection.json" => connection().json(),
            "/chat" => Response::redirect("/docs/chat"), // people chat with ./client, not here
            _ => self.made(&path).or_else(|| self.book.find(&path)).or_else(|| self.file(&path, head)).unwrap_or_else(|| missing(&path)),
        }
    }

    /// The handshake of the connection that asks, if it is kept.
    pub fn handshake(&self, head: &Head, kept: Option<Kept>) -> Response {
        match page_path(head) {
            Ok(_) => self.guard(handshake_page::answer(head, kept)),
            Err(response) => response,
        }
    }

    /// The port of the web service, which has all pages.
    pub fn web_port(&self) -> Option<u16> {
        (self.port != 0).then_some(self.port)
    }

    /// What every port serves: the trust page, the ticket page with what belongs to it, which port is whose.
    pub fn shared(&self, path: &str) -> Option<Response> {
        self.made(path).or_else(|| EVERYWHERE.contains(&path).then(|| self.compiled(path)).flatten())
    }

    /// A page that is made anew for each request.
    fn made(&self, path: &str) -> Option<Response> {
        match path {
            "/services.json" => Some(Response::made("application/json", self.services.clone())),
            _ => trust_page::find(path, &self.places).or_else(|| ladder_page::find(path)).map(|page| self.guard(page)),
        }
    }

    /// A file of `--root`, or a page compiled in. A root without style sheet gets ours, for the book's sake.
    fn file(&self, path: &str, head: &Head) -> Option<Response> {
        let Some(files) = &self.files else { return self.compiled(path) };
        let folder = || files.is_folder(path).then(|| Response::redirect(&format!("{}/", head.path())));
        let ours = || self.compiled(path).filter(|_| file_name(path) != "/index.html");
        files.find(file_name(path)).or_else(folder).or_else(ours)
    }

    /// A page of `www/` as it was compiled in.
    fn compiled(&self, path: &str) -> Option<Response> {
        self.www.get(file_name(path)).map(|content| Response::content(content.clone()))
    }

    pub fn places(&self) -> &Places {
        &self.places
    }

    fn guard(&self, page: Response) -> Response {
        page.field("Content-Security-Policy", self.policy.clone())
    }
}

/// The file of a page that is asked for by a shorter name.
fn file_name(path: &str) -> &str {
    match path {
        "/" => "/index.html",
        "/ticket" => "/ticket.html",
        "/wiretap" => "/wiretap.html",
        _ => path,
    }
}

/// Whence a page may load, and whither it may speak. `'self'` covers the page's own wss.
fn policy(services: &Value) -> String {
    let ports = ELSEWHERE.iter().filter_map(|(name, scheme)| services.get(name).map(|port| (scheme, port)));
    let elsewhere: String = ports.flat_map(|(scheme, port)| HOSTS.map(|host| format!(" {scheme}://{host}:{port}"))).collect();
    format!(
        "default-src 'self'; connect-src 'self'{elsewhere}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    )
}

/// The decoded path of a request that a page may answer.
pub fn page_path(head: &Head) -> std::result::Result<String, Response> {
    if !["GET", "HEAD"].contains(&head.method()) {
        return Err(Response::not_allowed("GET, HEAD"));
    }
    decode_path(head.path()).map_err(|status| match status {
        400 => Response::error(400, "the path holds a percent sign, or a byte, that means nothing there"),
        _ => missing(head.path()),
    })
}

pub fn missing(path: &str) -> Response {
    Response::error(404, &format!("there is no page at {path}; the book is at /docs/, the rest is linked from /"))
}

pub fn healthz() -> Response {
    Response::made("application/json", "{\"status\":\"ok\"}\n")
}

fn html(page: String) -> Response {
    Response::made("text/html; charset=utf-8", page)
}

/// The frame of every page that is made here: the same as in `www/index.html`.
pub fn layout(title: &str, class: &str, main: &str) -> String {
    let title = escape(title);
    format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Padlock</title>
<link rel="icon" href="/padlock.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body class="{class}">
<a class="skip" href="#main">Skip to the page</a>
<header class="site">
<a class="brand" href="/"><img src="/padlock.svg" alt="" width="24" height="24">Padlock</a>
<nav aria-label="Site"><a href="/docs/">Book</a> <a href="/#pages">Pages</a> <a href="/connection">Connection</a> <a href="/trust">Trust</a></nav>
</header>
<main id="main">
{main}</main>
</body>
</html>
"##
    )
}
