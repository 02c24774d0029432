//! What a TLS session is made of, for people as lines and for programs as one line of JSON.

use crate::dial::Dialler;
use crate::options::Options;
use crate::output;
use crate::security::Security;
use crate::url::Url;
use padlock::certificate::{Summary, date, summary};
use padlock::error::{Error, Result, exit};
use padlock::tls::Facts;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};

/// `--observe`: shows a server that may be anybody, and ends. Nothing that is typed is sent.
pub fn observe(options: &Options, url: &Url, dialler: &Dialler) -> Result<()> {
    let Some(security) = dialler.security() else {
        return Err(Error::new("nothing-to-observe", format!("--observe looks at certificates, and {url} shows none"))
            .hint("ask with https://, wss:// or tls://")
            .exit(exit::USAGE));
    };
    let (facts, chain, refused) = security.observe(dialler.stream(options)?)?;
    let seen = Banner { url, security, facts: facts.as_ref(), chain: &chain, refused: refused.as_ref() };
    if chain.is_empty() {
        return refused.map_or(Ok(()), Err); // there was nothing to see
    }
    if options.json {
        output::line(&seen.json().to_string());
    } else {
        seen.lines().iter().for_each(|line| output::line(line));
    }
    refused.map_or(Ok(()), Err)
}

/// The banner of a session with a server that is believed, and believes us: on standard error, or with `--json` on standard
/// output before all else.
pub fn show(options: &Options, url: &Url, security: &Security, facts: &Facts) {
    let banner = Banner { url, security, facts: Some(facts), chain: &facts.peer_chain, refused: None };
    if options.json {
        output::line(&banner.json().to_string());
    } else {
        banner.lines().iter().for_each(|line| output::note(options, line));
    }
}

struct Banner<'a> {
    url: &'a Url,
    security: &'a Security,
    facts: Option<&'a Facts>,
    chain: &'a [CertificateDer<'static>],
    refused: Option<&'a Error>,
}

impl Banner<'_> {
    /// One fact a line. When the server is not believed each line says so, since lines are copied one by one.
    fn lines(&self) -> Vec<String> {
        let mut facts = Vec::new();
        if self.refused.is_none() {
            facts.push(format!("authorized: true, believed: {}", self.security.trust.described()));
        }
        if let Some(tls) = self.facts {
            let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
            facts.push(format!("version: {}, suite: {}, group: {}", tls.version, tls.suite, or_none(&tls.group)));
            facts.push(format!("sni: {}, alpn: {}, resumed: {}", or_none(&self.sni()), or_none(&tls.alpn), tls.resumed));
        }
        facts.extend(told("server", self.chain));
        facts.extend(match (self.security.was_asked(), self.security.own.is_empty()) {
            (true, false) => told("client", &self.security.own),
            (true, true) => vec!["client: the server asked for a certificate, and we showed none".into()],
            (false, _) => vec!["client: no certificate shown".into()],
        });
        match self.refused {
            Some(error) => facts.iter().map(|fact| format!("authorized: false ({}): {fact}", error.code)).collect(),
            None => facts,
        }
    }

    /// For programs. Names stay as they are; new ones may come.
    fn json(&self) -> Value {
        let mut tls = json!(self.facts);
        if self.facts.is_some() {
            tls["sni"] = json!(self.sni());
        }
        let own = if self.security.was_asked() { self.security.own.as_slice() } else { &[] };
        json!({
            "version": 1,
            "url": self.url.to_string(),
            "authorized": self.refused.is_none(),
            "reason": self.refused.map(|error| error.code),
            "tls": tls,
            "certificate": leaf(self.chain).as_ref().map(certificate),
            "client_certificate": leaf(own).as_ref().map(certificate),
        })
    }

    /// The name that was sent. Addresses are not (RFC 6066 3).
    fn sni(&self) -> Option<String> {
        matches!(self.security.asked, ServerName::DnsName(_)).then(|| self.security.asked.to_str().into_owned())
    }
}

fn told(whose: &str, chain: &[CertificateDer<'_>]) -> Vec<String> {
    let Some(leaf) = leaf(chain) else { return vec![format!("{whose}: a certificate that can't be read")] };
    let list = |items: Vec<String>| if items.is_empty() { "none".into() } else { items.join(", ") };
    let names = leaf.names.iter().map(ToString::to_string).collect();
    let usage = leaf.key_usage.iter().chain(&leaf.extended_key_usage).cloned().collect();
    vec![
        format!("{whose}: {}, names: {}", leaf.subject, list(names)),
        format!("{whose}: issued by {}, certificates sent: {}", leaf.issuer, chain.len()),
        format!("{whose}: key {}, usage: {}", leaf.key, list(usage)),
        format!("{whose}: valid from {} to {}", date(leaf.not_before), date(leaf.not_after)),
        format!("{whose}: SHA-256 {}", leaf.fingerprint),
    ]
}

fn leaf(chain: &[CertificateDer<'_>]) -> Option<Summary> {
    chain.first().and_then(|leaf| summary(leaf).ok())
}

/// A certificate, for programs.
pub fn certificate(leaf: &Summary) -> Value {
    json!({
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "names": leaf.names.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "serial": leaf.serial,
        "not_before": date(leaf.not_before),
        "not_after": date(leaf.not_after),
        "key": leaf.key,
        "key_usage": leaf.key_usage,
        "extended_key_usage": leaf.extended_key_usage,
        "fingerprint": leaf.fingerprint,
    })
}
