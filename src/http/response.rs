//! One response out: status line and fields by tiny_http, the body behind them, in one write.

use super::{
    Content, Head, Refuse,
    conditional::{self, Answer},
    content::Store,
    print::{end_head, print_head, reason},
};
use std::{
    borrow::Cow,
    io::{self, Write},
    ops::Range,
    os::unix::fs::FileExt,
    sync::Arc,
};

/// A body up to this length goes out with its head in one write.
const ONE_WRITE_MAX: usize = 64 * 1024;
/// A longer one goes out in pieces of this length: long enough to seal at full speed, short enough to hold.
const PIECE: usize = 128 * 1024;

/// A response, its body in memory or streamed from a file.
pub struct Response {
    status: u16,
    pub(super) fields: Fields,
    body: Body,
    close: bool,
}

pub(super) type Fields = Vec<(&'static str, Cow<'static, str>)>;

enum Body {
    Bytes(Vec<u8>),
    Content(Arc<Content>),
}

impl Response {
    /// An empty response with this status. 101 gets `Connection: Upgrade` and `Upgrade: websocket`.
    pub fn new(status: u16) -> Response {
        Response { status, fields: Vec::new(), body: Body::Bytes(Vec::new()), close: false }
    }

    /// 200 with a body made for this one request, which nobody may keep.
    pub fn made(media_type: &'static str, body: impl Into<Vec<u8>>) -> Response {
        Response::new(200).field("Content-Type", media_type).field("Cache-Control", "no-store").body(body)
    }

    /// 200, 206 or 304, as the request's conditions have it.
    pub fn content(content: Arc<Content>) -> Response {
        Response { status: 200, fields: Vec::new(), body: Body::Content(content), close: false }
    }

    /// A small page that says what is wrong in one sentence, which may hold anything: it is escaped.
    pub fn error(status: u16, sentence: &str) -> Response {
        let title = format!("{status} {}", reason(status));
        let sentence = escape(sentence);
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{title}</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n<main>\n<h1>{title}</h1>\n<p>{sentence}</p>\n</main>\n</html>\n"
        );
        let mut response = Response::made("text/html; charset=utf-8", page);
        response.status = status;
        response
    }

    /// 405: `allow` lists what the target does take (RFC 9110 15.5.6).
    pub fn not_allowed(allow: &'static str) -> Response {
        Response::error(405, &format!("this page answers {allow} only")).field("Allow", allow)
    }

    /// 308: the same request, there.
    pub fn redirect(location: &str) -> Response {
        Response::error(308, &format!("this page is at {location}")).field("Location", location.to_string())
    }

    /// Sets a header field. What no header field can hold is left out of `value`, line breaks above all.
    pub fn field(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Response {
        let value = value.into();
        let printable = |c: char| c == ' ' || c.is_ascii_graphic();
        let value = if value.chars().all(printable) { value } else { Cow::Owned(value.chars().filter(|c| printable(*c)).collect()) };
        self.fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.fields.push((name, value));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Response {
        self.body = Body::Bytes(body.into());
        self
    }

    /// Ends the connection behind this response.
    pub fn close(mut self) -> Response {
        self.close = true;
        self
    }

    pub fn status(&self) -> u16 {
        self.status
    }
}

/// Writes head and body in one write where the body is small. Does what HEAD, conditions and ranges ask for.
///
/// Gives whether the connection may serve another request. Fails with the stream's error, or the file's:
/// then the response is cut short, and closing the connection is what tells the peer.
pub fn respond(stream: &mut impl Write, head: &Head, response: &Response) -> io::Result<bool> {
    let keep = head.keep_alive() && !response.close;
    let with_body = head.method() != "HEAD";
    match &response.body {
        Body::Bytes(body) => {
            let body = if with_body { body.as_slice() } else { b"" };
            send_made(stream, response, body, keep || response.status == 101)?;
        }
        Body::Content(content) if head.is_conditional() => respond_partly(stream, head, content, keep)?,
        Body::Content(content) => {
            let mut out = content.head(ONE_WRITE_MAX.min(content.length as usize) + 32);
            end_head(&mut out, keep);
            send(stream, out, content, if with_body { 0..content.length } else { 0..0 })?;
        }
    }
    stream.flush()?;
    Ok(keep)
}

/// Answers a request that never became a [`Head`]. The connection ends behind it.
pub fn refuse(stream: &mut impl Write, refuse: &Refuse) -> io::Result<()> {
    let response = Response::error(refuse.status, &refuse.reason);
    if let Body::Bytes(body) = &response.body {
        send_made(stream, &response, body, false)?;
    }
    stream.flush()
}

fn send_made(stream: &mut impl Write, response: &Response, body: &[u8], keep: bool) -> io::Result<()> {
    let length = if let Body::Bytes(body) = &response.body { body.len() } else { 0 };
    let mut out = print_head(response.status, &response.fields, length as u64);
    end_head(&mut out, keep);
    out.extend_from_slice(body);
    stream.write_all(&out)
}

fn respond_partly(stream: &mut impl Write, head: &Head, content: &Content, keep: bool) -> io::Result<()> {
    let length = content.length;
    let (mut out, part) = match conditional::answer(head, &content.etag, content.modified, length) {
        Answer::Whole => (content.head(0), 0..length),
        Answer::Part(part) => {
            let mut fields = content.fields.clone();
            fields.push(("Content-Range", format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1)).into()));
            (print_head(206, &fields, part.end - part.start), part)
        }
        // No body, but the length that it would have had.
        Answer::NotModified => (print_head(304, &content.fields, length), 0..0),
        Answer::PreconditionFailed => {
            let error = Response::error(412, "it is not, or no longer, what your If-Match or If-Unmodified-Since names");
            return respond(stream, head, &error).map(|_| ());
        }
        Answer::Unsatisfiable => {
            let error = Response::error(416, &format!("it has only {length} bytes")).field("Content-Range", format!("bytes */{length}"));
            return respond(stream, head, &error).map(|_| ());
        }
    };
    end_head(&mut out, keep);
    send(stream, out, content, if head.method() == "HEAD" { 0..0 } else { part })
}

/// Sends `out`, then this part of the content.
fn send(stream: &mut impl Write, mut out: Vec<u8>, content: &Content, part: Range<u64>) -> io::Result<()> {
    match &content.body {
        Store::Memory(bytes) => {
            let body = bytes.get(part.start as usize..part.end as usize).unwrap_or_default();
            if body.len() <= ONE_WRITE_MAX {
                out.extend_from_slice(body);
                return stream.write_all(&out);
            }
            // The first record carries the head; the rest is sealed from where it lies.
            let (first, rest) = body.split_at(ONE_WRITE_MAX / 4 - out.len().min(ONE_WRITE_MAX / 4));
            out.extend_from_slice(first);
            stream.write_all(&out)?;
            rest.chunks(PIECE).try_for_each(|piece| stream.write_all(piece))
        }
        Store::File(file) => {
            let mut at = part.start;
            while at < part.end {
                let kept = out.len();
                out.resize(PIECE.min(kept + (part.end - at) as usize), 0);
                file.read_exact_at(out.get_mut(kept..).unwrap_or_default(), at)?;
                at += (out.len() - kept) as u64;
                stream.write_all(&out)?;
                out.clear();
            }
            stream.write_all(&out)
        }
    }
}

/// Text as HTML shows it, never as HTML takes it.
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    html
}
