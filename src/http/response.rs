//! One response out: status line and fields by tiny_http, the body behind them, in one write.

use super::{
    Head, Refuse,
    conditional::{self, Answer},
};
use std::{
    borrow::Cow,
    cell::RefCell,
    fs::File,
    io::{self, Write},
    ops::Range,
    os::unix::fs::FileExt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tiny_http::{HTTPVersion, Header, StatusCode};

/// A body up to this length goes out with its head in one write.
const ONE_WRITE_MAX: usize = 64 * 1024;
/// A longer one goes out in pieces of this length: long enough to seal at full speed, short enough to hold.
const PIECE: usize = 128 * 1024;

/// What every response says. A page may bring its own policy instead, with [`Response::field`].
const SECURITY: [(&str, &str); 6] = [
    ("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// A response, its body in memory or streamed from a file.
pub struct Response {
    status: u16,
    fields: Fields,
    body: Body,
    close: bool,
}

type Fields = Vec<(&'static str, Cow<'static, str>)>;

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
        let title = format!("{status} {}", StatusCode(status).default_reason_phrase());
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

/// Something that stays the same for many requests: its body, its validators, and its head, printed once.
pub struct Content {
    body: Store,
    length: u64,
    etag: String,
    modified: Option<SystemTime>,
    fields: Fields,
    head: Vec<u8>,
    /// Where in `head` the date stands.
    date_at: usize,
}

enum Store {
    Memory(Cow<'static, [u8]>),
    File(File),
}

impl Content {
    /// Compiled in, or made at start. Its ETag is a hash of it (RFC 9110 8.8.3).
    pub fn new(media_type: &'static str, body: impl Into<Cow<'static, [u8]>>, more: &[(&'static str, &str)]) -> Content {
        let body = body.into();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
        let etag: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let length = body.len() as u64;
        Content::prepare(Store::Memory(body), length, format!("\"{etag}\""), None, media_type, more)
    }

    /// A file's bytes, read before or to be read piece by piece.
    pub(super) fn of_file(
        file: Result<File, Vec<u8>>,
        length: u64,
        etag: String,
        modified: Option<SystemTime>,
        media_type: &'static str,
        more: &[(&'static str, &str)],
    ) -> Content {
        let body = file.map_or_else(|bytes| Store::Memory(bytes.into()), Store::File);
        Content::prepare(body, length, etag, modified, media_type, more)
    }

    fn prepare(
        body: Store,
        length: u64,
        etag: String,
        modified: Option<SystemTime>,
        media_type: &'static str,
        more: &[(&'static str, &str)],
    ) -> Content {
        // "no-cache" is: keep it, but ask first. So a rebuilt page is seen at once, and an unchanged one costs a 304.
        let mut response = Response::new(200).field("Content-Type", media_type).field("Cache-Control", "no-cache");
        response = response.field("ETag", etag.clone()).field("Accept-Ranges", "bytes");
        if let Some(modified) = modified {
            response = response.field("Last-Modified", httpdate::fmt_http_date(modified));
        }
        for (name, value) in more {
            response = response.field(name, value.to_string());
        }
        let head = print_head(200, &response.fields, length);
        let date_at = head.windows(8).position(|window| window == b"\r\nDate: ").map_or(0, |at| at + 8);
        Content { body, length, etag, modified, fields: response.fields, head, date_at }
    }

    /// The 200 head with today's date, without its closing blank line.
    fn head(&self, room: usize) -> Vec<u8> {
        let fields = self.head.get(..self.head.len().saturating_sub(2)).unwrap_or_default();
        let mut head = Vec::with_capacity(self.head.len() + room);
        head.extend_from_slice(fields);
        if let Some(date) = head.get_mut(self.date_at..self.date_at + DATE_LENGTH) {
            now(|text| date.copy_from_slice(text));
        }
        head
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
            let mut out = print_head(response.status, &response.fields, body.len() as u64);
            out.truncate(out.len().saturating_sub(2));
            end_head(&mut out, keep || response.status == 101);
            if with_body {
                out.extend_from_slice(body);
            }
            stream.write_all(&out)?;
        }
        Body::Content(content) if head.is_conditional() => respond_partly(stream, head, content, keep)?,
        Body::Content(content) => {
            let mut out = content.head(ONE_WRITE_MAX.min(content.length as usize) + CLOSE.len());
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
    let Body::Bytes(body) = &response.body else { return Ok(()) };
    let mut out = print_head(response.status, &response.fields, body.len() as u64);
    out.truncate(out.len().saturating_sub(2));
    end_head(&mut out, false);
    out.extend_from_slice(body);
    stream.write_all(&out)?;
    stream.flush()
}

fn respond_partly(stream: &mut impl Write, head: &Head, content: &Content, keep: bool) -> io::Result<()> {
    let part = match conditional::answer(head, &content.etag, content.modified, content.length) {
        Answer::Whole => 0..content.length,
        Answer::Part(part) => part,
        // What changed nothing has no body, and says the length it would have had.
        Answer::NotModified => return send_head(stream, print_head(304, &content.fields, content.length), content, 0..0, keep),
        Answer::PreconditionFailed => {
            let error = Response::error(412, "it is not, or no longer, what your If-Match or If-Unmodified-Since names");
            return respond_always(stream, head, error, keep);
        }
        Answer::Unsatisfiable => {
            let error = Response::error(416, &format!("it has only {} bytes", content.length));
            return respond_always(stream, head, error.field("Content-Range", format!("bytes */{}", content.length)), keep);
        }
    };
    let whole = part == (0..content.length) && head.field("range").is_none();
    let mut fields = content.fields.clone();
    if !whole {
        fields.push(("Content-Range", format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), content.length).into()));
    }
    let printed = print_head(if whole { 200 } else { 206 }, &fields, part.end - part.start);
    let sent = if head.method() == "HEAD" { 0..0 } else { part };
    send_head(stream, printed, content, sent, keep)
}

fn respond_always(stream: &mut impl Write, head: &Head, response: Response, keep: bool) -> io::Result<()> {
    let response = if keep { response } else { response.close() };
    respond(stream, head, &response).map(|_| ())
}

fn send_head(stream: &mut impl Write, mut out: Vec<u8>, content: &Content, part: Range<u64>, keep: bool) -> io::Result<()> {
    out.truncate(out.len().saturating_sub(2));
    end_head(&mut out, keep);
    send(stream, out, content, part)
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

/// Prints status line and fields with tiny_http, up to and with the blank line. The body is ours to send: tiny_http
/// would send it in a write of its own.
fn print_head(status: u16, fields: &Fields, length: u64) -> Vec<u8> {
    let mut headers = Vec::with_capacity(fields.len() + SECURITY.len() + 2);
    let mut add = |name: &str, value: &str| headers.extend(Header::from_bytes(name, value));
    now(|date| add("Date", std::str::from_utf8(date).unwrap_or_default()));
    add("Server", "padlock");
    for (name, value) in fields {
        add(name, value);
    }
    for (name, value) in SECURITY {
        if !fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            add(name, value);
        }
    }
    let response = tiny_http::Response::new(StatusCode(status), headers, io::empty(), usize::try_from(length).ok(), None);
    let mut out = Vec::with_capacity(1024);
    let upgrade = (status == 101).then_some("websocket");
    // Below the threshold tiny_http says the length; above it would send chunks. Writing to memory can't fail.
    let _ = response.with_chunked_threshold(usize::MAX).raw_print(&mut out, HTTPVersion(1, 1), &[], true, upgrade);
    // `Upgrade` is dropped from what one asks tiny_http to print; 426 needs it (RFC 9110 15.5.22).
    if let Some((_, protocol)) = fields.iter().find(|(name, _)| status == 426 && *name == "Upgrade") {
        out.truncate(out.len().saturating_sub(2));
        out.extend_from_slice(format!("Upgrade: {protocol}\r\nConnection: Upgrade\r\n\r\n").as_bytes());
    }
    out
}

const CLOSE: &[u8] = b"Connection: close\r\n\r\n";

/// tiny_http drops `Connection` as well, so it is added here, before the blank line.
fn end_head(out: &mut Vec<u8>, keep: bool) {
    out.extend_from_slice(if keep { b"\r\n" } else { CLOSE });
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
const DATE_LENGTH: usize = 29;

thread_local! {
    /// The second and its text. Per thread, so that nobody waits for it.
    static NOW: RefCell<(u64, [u8; DATE_LENGTH])> = const { RefCell::new((0, [b' '; DATE_LENGTH])) };
}

/// Hands over the date as HTTP writes it, printed anew once a second at most.
fn now(with: impl FnOnce(&[u8; DATE_LENGTH])) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    NOW.with_borrow_mut(|(known, text)| {
        if *known != seconds {
            let printed = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            if let Ok(printed) = printed.as_bytes().try_into() {
                *text = printed;
            }
            *known = seconds;
        }
        with(text);
    });
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
