//! `/connection`: a caller learns about the very connection it came on.

use super::layout;
use padlock::{
    http::{Response, escape},
    tls::Facts,
};

/// What the handshake agreed on, and between which addresses.
#[derive(serde::Serialize)]
pub struct Connection {
    #[serde(flatten)]
    pub facts: Facts,
    /// The name in the client's certificate.
    pub client_certificate: Option<String>,
    pub local: String,
    pub remote: String,
}

impl Connection {
    pub fn json(&self) -> Response {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        Response::made("application/json", text)
    }

    pub fn page(&self) -> Response {
        let rows: String = self.rows().into_iter().map(|(name, value, meaning)| row(name, &value, meaning)).collect();
        let main = format!(
            "<h1>This connection</h1>\n<p class=\"lead\">What your browser and this server agreed on before the first byte of this page. \
             The same as <a href=\"/connection.json\">JSON</a>.</p>\n<dl class=\"facts\">\n{rows}</dl>\n"
        );
        Response::made("text/html; charset=utf-8", layout("This connection", "page", &main))
    }

    fn rows(&self) -> [(&'static str, String, &'static str); 9] {
        let or = |value: &Option<String>, none: &str| value.clone().unwrap_or_else(|| none.to_string());
        let facts = &self.facts;
        let resumed = if facts.resumed { "yes" } else { "no" };
        [
            ("Version", facts.version.clone(), "of TLS, from the supported_versions extension of the ServerHello"),
            ("Cipher suite", facts.suite.clone(), "how each record is sealed, and which hash the key schedule uses"),
            ("Group", or(&facts.group, "none: the session was resumed without one"), "where both sides' key shares come from"),
            ("Server name", or(&facts.sni, "none: an address was asked for"), "whom the ClientHello asked for (SNI), in the clear"),
            ("Protocol", or(&facts.alpn, "none offered"), "what is spoken inside TLS (ALPN)"),
            ("Resumed", resumed.to_string(), "with a ticket from an earlier session, so no certificate was sent"),
            ("Client certificate", or(&self.client_certificate, "none"), "who you proved to be"),
            ("Server's address", self.local.clone(), "this end of the TCP connection"),
            ("Your address", self.remote.clone(), "the other end"),
        ]
    }
}

fn row(name: &str, value: &str, meaning: &str) -> String {
    format!("<div><dt>{name}</dt><dd><strong>{}</strong><span>{meaning}</span></dd></div>\n", escape(value))
}
