//! One request with a body, one answer: how the client talks to our own services.

use crate::answer::Incoming;
use crate::dial::Session;
use crate::fetch::Patient;
use crate::url::Url;
use padlock::error::Result;
use std::io::Write;

/// More than any answer of our services.
const ANSWER_MAX: usize = 64 * 1024;

/// Sends `body`, and gives status and body of the answer. `bearer` is what proves who asks, if anything does (RFC 6750 2.1).
///
/// # Errors
/// No answer came, or none that is HTTP.
pub fn post(session: &mut Session, url: &Url, path: &str, media: &str, bearer: Option<&str>, body: &[u8]) -> Result<(u16, Vec<u8>)> {
    let authorization = bearer.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Type: {media}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        url.host_field(),
        body.len()
    );
    let _ = session.write_all(&[head.as_bytes(), body].concat()); // what it answers says more
    let mut incoming = Incoming::new(Patient(session));
    let answer = incoming.answer()?;
    let mut text = Vec::new();
    incoming.body(&answer, false, |piece| text.extend(piece.iter().take(ANSWER_MAX.saturating_sub(text.len()))))?;
    session.close();
    Ok((answer.status, text))
}
