//! `./client handshake URL`: our own handshake, byte by byte, also when it ends in a refusal.

use crate::dial::Dialler;
use crate::options::{self, Options};
use crate::output;
use padlock::error::{Error, Result, exit};
use padlock::wire::Illustration;
use serde_json::json;

#[path = "handshake/text.rs"]
mod text;

/// Shows the handshake; then, if it ended badly, why.
pub fn show(options: &Options, how: &options::Handshake) -> Result<()> {
    let url = options.url()?;
    let dialler = Dialler::new(options, &url)?;
    let Some(security) = dialler.security() else {
        return Err(Error::new("no-handshake", format!("{url} is spoken without TLS: there is no handshake to show"))
            .hint("ask with https://, wss:// or tls:// (docs/tls.md)")
            .exit(exit::USAGE));
    };
    let tickets = if how.again {
        let (kept, ended) = security.recorded(dialler.stream(options)?);
        ended?;
        Illustration::of(&kept).tickets()
    } else {
        Vec::new()
    };
    let (mut kept, ended) = security.recorded(dialler.stream(options)?);
    kept.resume_with(&tickets);
    let told = Illustration::of(&kept);
    if told.records.is_empty() {
        return ended;
    }
    if options.json {
        output::line(&json!({"version": 1, "url": url.to_string(), "handshake": told}).to_string());
    } else {
        text::lines(&told, how.brief).iter().for_each(|line| output::line(line));
    }
    ended
}
