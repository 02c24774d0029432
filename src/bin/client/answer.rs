//! What an HTTP server answers: a head, then a body of a length that the head tells (RFC 9112 6.3).

use padlock::error::{Error, Result, exit};
use padlock::refusal;
use std::io::{self, Read};

/// A server that says more than this before its head ends is not one that we want. The same for a line between chunks.
const HEAD_MAX: usize = 64 * 1024;
const LINE_MAX: usize = 4096;
/// Fields of a head.
const FIELDS: usize = 128;
/// Interim answers before the answer. One or two are usual: 100, 103.
const INTERIM: usize = 16;

pub struct Answer {
    pub status: u16,
    pub reason: String,
    pub fields: Vec<(String, String)>,
    /// The head as it came, with its blank line.
    pub head: Vec<u8>,
}

/// Bytes from the server, and those of them that were read ahead.
pub struct Incoming<R> {
    stream: R,
    ahead: Vec<u8>,
}

impl<R: Read> Incoming<R> {
    pub fn new(stream: R) -> Incoming<R> {
        Incoming { stream, ahead: Vec::new() }
    }

    /// The head of the answer. Interim ones (1xx) are passed over.
    pub fn answer(&mut self) -> Result<Answer> {
        for _ in 0..=INTERIM {
            let mut searched: usize = 0;
            let end = loop {
                // The blank line may have begun in what was there before.
                let from = searched.saturating_sub(3);
                if let Some(at) = self.ahead[from..].windows(4).position(|four| four == b"\r\n\r\n") {
                    break from + at + 4;
                }
                searched = self.ahead.len();
                if searched > HEAD_MAX {
                    return Err(not_http());
                }
                if !self.more().map_err(broken)? {
                    return Err(if self.ahead.is_empty() { empty() } else { not_http() });
                }
            };
            let answer = parse(self.ahead.drain(..end).collect())?;
            match answer.status {
                200.. => return Ok(answer),
                100 | 102..=199 => {}
                _ => return Err(not_http()), // 101 too: we asked for no other protocol
            }
        }
        Err(not_http())
    }

    /// Hands the body to `sink`, piece by piece; gives its length.
    pub fn body(&mut self, answer: &Answer, head_only: bool, mut sink: impl FnMut(&[u8])) -> Result<u64> {
        if head_only || answer.status == 204 || answer.status == 304 {
            return Ok(0);
        }
        // Two answers to where it ends, or a coding that we did not ask for, are none (RFC 9112 6.3).
        match (answer.the_field("transfer-encoding")?, answer.the_field("content-length")?) {
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => self.chunks(&mut sink),
            (Some(_), _) => Err(not_http()),
            (None, Some(digits)) => {
                let length = number(digits, 10).ok_or_else(not_http)?;
                self.exactly(length, &mut sink).map(|()| length)
            }
            (None, None) => self.until_the_end(&mut sink),
        }
    }

    fn chunks(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<u64> {
        let mut total: u64 = 0;
        loop {
            let line = self.line()?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let length = number(digits, 16).ok_or_else(not_http)?;
            if length == 0 {
                // Trailers: passed over, as many as a head may have.
                for _ in 0..=FIELDS {
                    if self.line()?.is_empty() {
                        return Ok(total);
                    }
                }
                return Err(not_http());
            }
            self.exactly(length, sink)?;
            total = total.saturating_add(length);
            if !self.line()?.is_empty() {
                return Err(not_http());
            }
        }
    }

    fn exactly(&mut self, mut length: u64, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        while length > 0 {
            if self.ahead.is_empty() && !self.more().map_err(broken)? {
                return Err(cut_short());
            }
            let taken = usize::try_from(length).unwrap_or(usize::MAX).min(self.ahead.len());
            sink(&self.ahead[..taken]);
            self.ahead.drain(..taken);
            length -= taken as u64;
        }
        Ok(())
    }

    /// No length was told: the end of the stream is the end of the body. That is only safe where the end is authentic.
    fn until_the_end(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<u64> {
        let mut total = 0;
        loop {
            sink(&self.ahead);
            total += self.ahead.len() as u64;
            self.ahead.clear();
            if !self.more().map_err(broken)? {
                return Ok(total);
            }
        }
    }

    /// One line of the framing of chunks.
    fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_string());
            }
            if self.ahead.len() > LINE_MAX {
                return Err(not_http());
            }
            if !self.more().map_err(broken)? {
                return Err(cut_short());
            }
        }
    }

    /// Reads on; says whether there was anything.
    fn more(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer)?;
        self.ahead.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }
}

impl Answer {
    /// The first field of this name, which is written in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same, and it must not be there twice.
    fn the_field(&self, name: &str) -> Result<Option<&str>> {
        let count = self.fields.iter().filter(|(known, _)| known == name).count();
        if count > 1 { Err(not_http()) } else { Ok(self.field(name)) }
    }
}

/// Digits and nothing else: Rust would take a plus sign, too.
fn number(digits: &str, base: u32) -> Option<u64> {
    digits.bytes().all(|digit| digit.is_ascii_alphanumeric()).then(|| u64::from_str_radix(digits, base).ok()).flatten()
}

fn parse(head: Vec<u8>) -> Result<Answer> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let whole = answer.parse(&head);
    let (Ok(httparse::Status::Complete(_)), Some(status)) = (whole, answer.code) else { return Err(not_http()) };
    let reason = answer.reason.unwrap_or_default().to_string();
    let text = |field: &httparse::Header<'_>| (field.name.to_ascii_lowercase(), String::from_utf8_lossy(field.value).into_owned());
    let fields = answer.headers.iter().map(text).collect();
    Ok(Answer { status, reason, fields, head })
}

fn broken(error: io::Error) -> Error {
    refusal::client_session(&error.into())
}

fn not_http() -> Error {
    Error::new("not-http", "the server's answer is not HTTP")
        .hint("is it a web server? a bare TLS service is asked with tls://")
        .exit(exit::RECEIVE)
}

fn empty() -> Error {
    Error::new("empty-reply", "the server closed without an answer").hint("its log may say why").exit(exit::EMPTY)
}

fn cut_short() -> Error {
    Error::new("cut-short", "the server closed before all of the body had come")
        .hint("ask again; what was printed is not the whole (docs/http.md)")
        .exit(exit::RECEIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(bytes: &str) -> std::result::Result<(u16, String), &'static str> {
        let mut incoming = Incoming::new(bytes.as_bytes());
        let answer = incoming.answer().map_err(|error| error.code)?;
        let mut body = Vec::new();
        incoming.body(&answer, false, |piece| body.extend_from_slice(piece)).map_err(|error| error.code)?;
        Ok((answer.status, String::from_utf8(body).unwrap()))
    }

    #[test]
    fn each_way_to_tell_the_length_is_understood() {
        for (answer, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloMORE", "hello"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", "hello"),
            ("HTTP/1.0 200 OK\r\n\r\nhello", "hello"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ] {
            assert_eq!(fetched(answer), Ok((200, body.to_string())), "{answer:?}");
        }
        assert_eq!(fetched("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), Ok((304, String::new())));
    }

    #[test]
    fn what_is_cut_short_or_no_http_is_said() {
        for (answer, code) in [
            ("", "empty-reply"),
            ("SSH-2.0-x\r\n", "not-http"),
            ("HTTP/1.1 200 OK\r\n", "not-http"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "cut-short"),
            ("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "not-http"),
            ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", "not-http"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", "not-http"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not-http"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "not-http"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", "not-http"),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "not-http"),
            ("HTTP/1.1 000 x\r\n\r\n", "not-http"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "not-http"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\n", "not-http"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "cut-short"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n", "not-http"),
        ] {
            assert_eq!(fetched(answer).unwrap_err(), code, "{answer:?}");
        }
        let endless_trailers = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}", "X: y\r\n".repeat(FIELDS * 2));
        for endless in ["x".repeat(HEAD_MAX * 2), "HTTP/1.1 100 Continue\r\n\r\n".repeat(INTERIM * 2), endless_trailers] {
            assert_eq!(fetched(&endless).unwrap_err(), "not-http");
        }
    }
}
