//! `https://` and `http://`: one request, one answer, as curl would.

use crate::answer::{Answer, Incoming};
use crate::banner;
use crate::dial::Session;
use crate::options::Options;
use crate::output;
use crate::url::Url;
use padlock::certificate::summary;
use padlock::error::{Error, Result, exit};
use padlock::refusal;
use padlock::tls::Facts;
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::time::Duration;

/// A server that says nothing for so long has forgotten us.
const SILENCE: Duration = Duration::from_secs(60);

/// Asks for one page and prints it.
pub fn fetch(options: &Options, url: &Url, mut session: Session) -> Result<()> {
    let method = if options.head { "HEAD" } else { "GET" };
    let origin = options.origin.as_ref().map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: padlock/{}\r\nAccept: */*\r\n{origin}Connection: close\r\n\r\n",
        url.path,
        url.host_field(),
        env!("CARGO_PKG_VERSION"),
    );
    // When even this can't be sent, what the server said before it closed is the better reason.
    let sent = session.write_all(request.as_bytes());
    let facts = session.facts();
    let mut incoming = Incoming::new(Patient(&mut session));
    let answer = incoming.answer().map_err(|error| match &sent {
        Err(unsent) if error.exit == exit::EMPTY => refusal::client_session(&io::Error::from(unsent.kind()).into()),
        _ => error,
    })?;
    let failed = answer.status >= 400 && options.fail;
    if (options.include || options.head) && !options.json && !failed {
        output::bytes(&answer.head);
    }
    let show = !options.json && !failed;
    let length = incoming.body(&answer, options.head, |piece| {
        if show {
            output::bytes(piece)
        }
    })?;
    session.close();
    if options.json && !failed {
        output::line(&told(url, &answer, length, facts.as_ref()).to_string());
    }
    if failed { Err(an_error(&answer)) } else { Ok(()) }
}

/// Each read may take so long: a long body is fine, silence is not.
pub struct Patient<'a>(pub &'a mut Session);

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.expect(SILENCE);
        self.0.read(buffer)
    }
}

fn an_error(answer: &Answer) -> Error {
    let reason = answer.reason.escape_debug();
    Error::new("http-error", format!("the server answered {} {reason}", answer.status))
        .hint("its page may say more: ask again without --fail")
        .exit(exit::UPGRADE)
}

/// The facts of a fetch, for programs. Names stay as they are; new ones may come.
fn told(url: &Url, answer: &Answer, length: u64, facts: Option<&Facts>) -> Value {
    let leaf = facts.and_then(|facts| facts.peer_chain.first()).and_then(|leaf| summary(leaf).ok());
    json!({
        "version": 1,
        "url": url.to_string(),
        "status": answer.status,
        "fields": answer.fields,
        "length": length,
        "tls": facts,
        "certificate": leaf.as_ref().map(banner::certificate),
    })
}
