// CONTRACT (helper B implements; signatures stay)
use padlock::{
    authority::Places,
    error::Result,
    http::{Head, Response},
};
use std::path::Path;

/// Every page of the server: www (or `--root DIR`), the book, the trust page, `/connection`.
pub struct Site;

/// What `/connection` tells a caller about the very connection it came on.
#[derive(serde::Serialize)]
pub struct Connection {
    pub version: String,
    pub suite: String,
    pub group: Option<String>,
    pub sni: Option<String>,
    pub alpn: Option<String>,
    pub resumed: bool,
    pub client_certificate: Option<String>,
    pub local: String,
    pub remote: String,
}

impl Site {
    /// `sockets`: where pages may open WebSockets besides their own origin, for the CSP: `wss://localhost:5678`.
    pub fn new(_root: Option<&Path>, _places: &Places, _sockets: &[String]) -> Result<Site> {
        todo!()
    }
    /// HTTPS: the page for this head, 304/404/405 included. Never fails; never an upgrade (that is routed before).
    /// `connection` is asked only for /connection and /connection.json.
    pub fn answer(&self, _head: &Head, _connection: impl FnOnce() -> Connection) -> Response {
        todo!()
    }
    /// 8080: /trust, /crl/*, /healthz; the rest is 308 to https://HOST:https_port. `names`: hosts that are ours.
    pub fn answer_plain(&self, _head: &Head, _https_port: u16, _names: &[String]) -> Response {
        todo!()
    }
}
