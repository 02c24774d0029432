//! One request head in: the request line and the header fields, up to the blank line (RFC 9112 2.1).

use super::check::{absolute, check};
use std::io::{self, ErrorKind, Read};

/// A request line longer than this is answered with 414. RFC 9112 3 asks for 8,000 octets at least.
pub const REQUEST_LINE_MAX: usize = 8 * 1024;
/// A head longer than this is answered with 431. Browsers stay below 8 KiB, cookies included.
pub const HEAD_MAX: usize = 16 * 1024;
/// More header fields than this are answered with 431. Browsers send about 20.
pub const FIELDS_MAX: usize = 100;
/// Empty lines forgiven before a request line (RFC 9112 2.2 asks for one).
const EMPTY_LINES_MAX: usize = 4;
/// The first byte of a TLS record that carries a handshake message (RFC 9846 5.1). No method begins with it.
const TLS_HANDSHAKE: u8 = 22;
/// Read at once. A whole head nearly always fits, and zeroing it first costs little.
const PIECE: usize = 2 * 1024;

/// One request head, kept as it came. Names of header fields are compared without case.
#[derive(Debug, Clone)]
pub struct Head {
    bytes: Vec<u8>,
    method: Span,
    target: Span,
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub version: u8,
    fields: Vec<(Span, Span)>,
    body_length: u64,
    body_is_read: bool,
}

/// A piece of `Head::bytes`. 16 bits suffice: see [`HEAD_MAX`].
#[derive(Debug, Clone, Copy)]
struct Span(u16, u16);

impl Head {
    /// `GET`, `HEAD`, or another method of RFC 9110.
    pub fn method(&self) -> &str {
        self.text(self.method)
    }

    /// The request target as it came: `/docs/tls?x=1`, or in absolute form `https://localhost/docs/tls` (RFC 9112 3.2).
    pub fn target(&self) -> &str {
        self.text(self.target)
    }

    /// The first field of this name, trimmed, when it is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields(name).next()
    }

    /// Every field of this name that is text, trimmed, in order.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).filter_map(|value| std::str::from_utf8(value).ok()).map(str::trim)
    }

    /// True when any element of a comma-separated field is this token: `has_token("connection", "close")`.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.fields(name).flat_map(|value| value.split(',')).any(|element| element.trim().eq_ignore_ascii_case(token))
    }

    /// The path without scheme, host and query, not yet percent-decoded: see [`super::decode_path`]. `*` for `OPTIONS *`.
    pub fn path(&self) -> &str {
        let local = self.origin_form();
        let path = local.split_once('?').map_or(local, |(path, _)| path);
        if path.is_empty() { "/" } else { path }
    }

    /// What stands behind the first `?`, or nothing.
    pub fn query(&self) -> &str {
        self.origin_form().split_once('?').map_or("", |(_, query)| query)
    }

    /// Whom the request is meant for, as `localhost:1234`: the target's authority, or else `Host` (RFC 9112 3.3).
    pub fn host(&self) -> &str {
        absolute(self.target()).map_or_else(|| self.field("host").unwrap_or(""), |(authority, _)| authority)
    }

    /// May the connection serve another request? HTTP/1.1 unless `Connection: close`; never behind a body that nobody reads.
    pub fn keep_alive(&self) -> bool {
        self.version == 1 && (self.body_length == 0 || self.body_is_read) && !self.has_token("connection", "close")
    }

    /// What `Content-Length` announces. The body itself is not read: see [`super::read_body`].
    pub fn body_length(&self) -> u64 {
        self.body_length
    }

    /// Behind the body there is the next request.
    pub(super) fn body_was_read(&mut self) {
        self.body_is_read = true;
    }

    /// True when a field asks for less than the whole: `If-…` or `Range`.
    pub(super) fn is_conditional(&self) -> bool {
        let asks =
            |name: &[u8]| name.eq_ignore_ascii_case(b"range") || name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"if-"));
        self.fields.iter().any(|(name, _)| asks(self.raw(*name)))
    }

    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self.fields.iter().filter(move |(field, _)| self.raw(*field).eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| self.raw(*value).trim_ascii())
    }

    fn origin_form(&self) -> &str {
        let target = self.target();
        absolute(target).map_or(target, |(_, rest)| rest)
    }

    fn raw(&self, span: Span) -> &[u8] {
        self.bytes.get(usize::from(span.0)..usize::from(span.1)).unwrap_or_default()
    }

    fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.raw(span)).unwrap_or_default()
    }
}

/// How reading a head ended.
#[derive(Debug)]
pub enum Next {
    Head(Head),
    /// The peer closed, or was silent past the idle limit, before a first byte: nothing to answer.
    Closed,
    /// A TLS ClientHello where plain HTTP is spoken: someone typed `https://` for `http://`. No answer would be understood.
    ClientHello,
    /// Answer with this status (400, 408, 413, 414, 431, 501, 505) and close: see [`super::refuse`].
    Refuse(Refuse),
}

/// A request that is not even routed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refuse {
    pub status: u16,
    /// A sentence for the peer and the log.
    pub reason: String,
}

impl Refuse {
    pub fn new(status: u16, reason: impl Into<String>) -> Refuse {
        Refuse { status, reason: reason.into() }
    }
}

/// Reads one head from `stream`. `buffer` keeps what was read past it (the next request, the first frames) between calls.
///
/// The stream brings its own deadline as [`ErrorKind::TimedOut`] or [`ErrorKind::WouldBlock`]: 408 when a head has begun.
/// Fails with the stream's error when it breaks in mid-head.
pub fn read_head(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Next> {
    let mut empty_lines = 0;
    let mut looked_at = 0;
    loop {
        empty_lines += skip_empty_lines(buffer);
        if empty_lines > EMPTY_LINES_MAX {
            return Ok(Next::Refuse(Refuse::new(400, "a request begins with its request line, not with empty lines")));
        }
        match buffer.first() {
            Some(&TLS_HANDSHAKE) => return Ok(Next::ClientHello),
            Some(byte) if !byte.is_ascii_graphic() && *byte != b'\r' => return Ok(Next::Refuse(bad_request_line())),
            _ => {}
        }
        // Only a new line can complete anything. So one byte at a time costs a parse per line, not per byte.
        if buffer.get(looked_at..).is_some_and(|new| new.contains(&b'\n')) {
            match parse(buffer) {
                Ok(Some(head)) => return Ok(Next::Head(head)),
                Ok(None) => {}
                Err(refuse) => return Ok(Next::Refuse(refuse)),
            }
        }
        if let Some(refuse) = too_long(buffer) {
            return Ok(Next::Refuse(refuse));
        }
        looked_at = buffer.len();
        match read_piece(stream, buffer) {
            Ok(0) if buffer.is_empty() => return Ok(Next::Closed),
            Ok(0) => return Ok(Next::Refuse(Refuse::new(400, "the request ended before the blank line that ends its head"))),
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(_) if buffer.is_empty() => return Ok(Next::Closed),
            Err(e) if matches!(e.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                return Ok(Next::Refuse(Refuse::new(408, "the request's head took too long to arrive")));
            }
            Err(e) => return Err(e),
        }
    }
}

fn read_piece(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let kept = buffer.len();
    buffer.resize(kept + PIECE, 0);
    let result = stream.read(buffer.get_mut(kept..).unwrap_or_default());
    buffer.truncate(kept + *result.as_ref().unwrap_or(&0));
    result
}

fn skip_empty_lines(buffer: &mut Vec<u8>) -> usize {
    let mut lines = 0;
    let mut at = 0;
    while let Some(rest) = buffer.get(at..) {
        let length = if rest.starts_with(b"\r\n") {
            2
        } else if rest.starts_with(b"\n") {
            1
        } else {
            break;
        };
        at += length;
        lines += 1;
    }
    buffer.drain(..at);
    lines
}

fn too_long(buffer: &[u8]) -> Option<Refuse> {
    let line = buffer.iter().take(REQUEST_LINE_MAX + 2).position(|byte| *byte == b'\n');
    if line.is_none() && buffer.len() > REQUEST_LINE_MAX {
        return Some(Refuse::new(414, format!("the request line is longer than {REQUEST_LINE_MAX} bytes")));
    }
    (buffer.len() > HEAD_MAX).then(head_too_long)
}

fn head_too_long() -> Refuse {
    Refuse::new(431, format!("the request's head is longer than {HEAD_MAX} bytes"))
}

/// A whole head at the start of `buffer` is taken out of it. `None`: there is more to come.
fn parse(buffer: &mut Vec<u8>) -> Result<Option<Head>, Refuse> {
    if let Some(refuse) = check_request_line(buffer) {
        return Err(refuse);
    }
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    // Whole lines only: then it makes no difference how the bytes were cut into reads.
    let lines = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let length = match request.parse(buffer.get(..lines).unwrap_or_default()) {
        Ok(httparse::Status::Complete(length)) if length > HEAD_MAX => return Err(head_too_long()),
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(e) => return Err(malformed(e)),
    };
    let start = buffer.as_ptr() as usize;
    // Offsets instead of copies: the head stays one allocation, however many fields it has.
    let span = |piece: &[u8]| {
        let from = (piece.as_ptr() as usize).wrapping_sub(start) as u16;
        Span(from, from.wrapping_add(piece.len() as u16))
    };
    let method = span(request.method.unwrap_or_default().as_bytes());
    let target = span(request.path.unwrap_or_default().as_bytes());
    let spans = request.headers.iter().map(|field| (span(field.name.as_bytes()), span(field.value))).collect();
    let version = request.version.unwrap_or_default();
    let rest = buffer.split_off(length);
    let bytes = std::mem::replace(buffer, rest);
    let mut head = Head { bytes, method, target, version, fields: spans, body_length: 0, body_is_read: false };
    head.body_length = check(&head)?;
    Ok(Some(head))
}

/// What httparse would call "invalid" without saying which: a version of HTTP that is not spoken here, a line too long.
fn check_request_line(buffer: &[u8]) -> Option<Refuse> {
    let end = buffer.iter().position(|byte| *byte == b'\n')?;
    if end > REQUEST_LINE_MAX {
        return Some(Refuse::new(414, format!("the request line is longer than {REQUEST_LINE_MAX} bytes")));
    }
    let version = buffer.get(..end)?.trim_ascii_end().rsplit(|byte| *byte == b' ').next()?;
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => None,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Some(Refuse::new(505, "this server speaks HTTP/1.1 and HTTP/1.0"))
        }
        _ => Some(bad_request_line()),
    }
}

fn malformed(error: httparse::Error) -> Refuse {
    match error {
        httparse::Error::TooManyHeaders => Refuse::new(431, format!("the request has more than {FIELDS_MAX} header fields")),
        httparse::Error::HeaderName => {
            Refuse::new(400, "a header field is a name and a colon with no space before it, and never continues on the next line")
        }
        httparse::Error::HeaderValue | httparse::Error::NewLine => {
            Refuse::new(400, "a header field holds a control character, such as a carriage return alone")
        }
        _ => bad_request_line(),
    }
}

fn bad_request_line() -> Refuse {
    Refuse::new(400, "a request line is a method, a target and HTTP/1.1, with one space between them")
}
