//! The body of a request, for the few paths that take one, and JSON in it.

use super::{Head, Refuse};
use serde::de::DeserializeOwned;
use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
};

/// Deeper than this no message of ours is nested. serde_json follows 128 levels, which is more than a small stack holds.
const DEPTH_MAX: usize = 8;
/// Read at once.
const PIECE: usize = 2 * 1024;

/// Reads the body that `head` announces, at most `limit` bytes. `buffer` is the one of [`super::read_head`], and keeps what comes
/// behind the body. Afterwards the connection may serve another request.
///
/// What is refused (408, 413, or 400 when the peer closes too early) is for [`super::refuse`]. Fails with the stream's error.
pub fn read_body(
    stream: &mut (impl Read + Write),
    buffer: &mut Vec<u8>,
    head: &mut Head,
    limit: usize,
) -> io::Result<Result<Vec<u8>, Refuse>> {
    let length = match usize::try_from(head.body_length()) {
        Ok(length) if length <= limit => length,
        _ => return Ok(Err(Refuse::new(413, format!("a body of more than {limit} bytes is not taken here")))),
    };
    // The peer waits for leave to send it (RFC 9110 10.1.1).
    if head.version == 1 && head.has_token("expect", "100-continue") && buffer.len() < length {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    while buffer.len() < length {
        let kept = buffer.len();
        buffer.resize(kept + PIECE, 0);
        let result = stream.read(&mut buffer[kept..]);
        buffer.truncate(kept + *result.as_ref().unwrap_or(&0));
        match result {
            Ok(0) => return Ok(Err(Refuse::new(400, "the request ended before the end of its body"))),
            Err(e) if matches!(e.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                return Ok(Err(Refuse::new(408, "the request's body took too long to arrive")));
            }
            Err(e) if e.kind() != ErrorKind::Interrupted => return Err(e),
            _ => {}
        }
    }
    let rest = buffer.split_off(length);
    head.body_was_read();
    Ok(Ok(std::mem::replace(buffer, rest)))
}

/// Why a text is not the JSON that was asked for. None of them repeats any of it: it may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadJson {
    /// No JSON at all, from this place on (RFC 8259).
    Syntax { line: usize, column: usize },
    /// Nested deeper than any message of ours.
    Deep,
    /// JSON, but another member or type stands where one was expected.
    Shape,
}

/// Reads a JSON object into a type of ours. What is nested deeper than 8 levels is refused before anything follows it down.
pub fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, BadJson> {
    if is_deep(text) {
        return Err(BadJson::Deep);
    }
    let read = serde_json::from_slice(text).map_err(|e| match e.is_data() {
        true => BadJson::Shape,
        false => BadJson::Syntax { line: e.line(), column: e.column() },
    });
    // serde would take an array of the members' values, too.
    read.and_then(|value| if text.trim_ascii_start().starts_with(b"{") { Ok(value) } else { Err(BadJson::Shape) })
}

/// Counts brackets that are open, those in strings left out.
fn is_deep(text: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

impl fmt::Display for BadJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadJson::Syntax { line, column } => write!(f, "this is no JSON, from line {line}, column {column} on"),
            BadJson::Deep => write!(f, "this JSON is nested deeper than {DEPTH_MAX} levels"),
            BadJson::Shape => f.write_str("this JSON has not the members that are asked for, or one of another type"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::http::{Next, read_head};
    use std::io::Cursor;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Asked {
        name: String,
    }

    #[test]
    fn json_becomes_a_type_or_says_why_not_without_repeating_it() {
        assert_eq!(json::<Asked>(br#" {"name": "[[[[[[[[[[\"{", "more": 1} "#), Ok(Asked { name: "[[[[[[[[[[\"{".into() }));
        assert_eq!(json::<Asked>(br#"{"name": 12345}"#), Err(BadJson::Shape));
        assert_eq!(json::<Asked>(b"[]"), Err(BadJson::Shape));
        assert_eq!(json::<Asked>(br#"["alice"]"#), Err(BadJson::Shape));
        assert_eq!(json::<Asked>(b"{}"), Err(BadJson::Shape));
        assert_eq!(json::<Asked>(br#"{"name": "a"} x"#), Err(BadJson::Syntax { line: 1, column: 15 }));
        for text in ["", "{", "name=a", "{\"name\": \"\u{0}\"}", "\u{feff}{}"] {
            assert!(matches!(json::<Asked>(text.as_bytes()), Err(BadJson::Syntax { .. })), "{text:?}");
        }
        assert!(matches!(json::<Asked>(b"{\"name\": \"\xff\"}"), Err(BadJson::Syntax { .. })));
    }

    #[test]
    fn deep_json_is_refused_before_anything_follows_it_down() {
        let nested = |depth| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert_eq!(json::<Asked>(&nested(DEPTH_MAX)), Err(BadJson::Shape));
        assert_eq!(json::<Asked>(&nested(DEPTH_MAX + 1)), Err(BadJson::Deep));
        assert_eq!(json::<Asked>(&vec![b'['; 1_000_000]), Err(BadJson::Deep));
        assert_eq!(json::<Asked>(&b"{\"name\":".repeat(9)), Err(BadJson::Deep));
    }

    fn body_of(request: &str, limit: usize) -> (Result<Vec<u8>, u16>, Vec<u8>, bool) {
        let (mut stream, mut buffer) = (Cursor::new(request.as_bytes().to_vec()), Vec::new());
        let Ok(Next::Head(mut head)) = read_head(&mut stream, &mut buffer) else { panic!("{request}") };
        let body = read_body(&mut stream, &mut buffer, &mut head, limit).unwrap();
        (body.map_err(|refuse| refuse.status), buffer, head.keep_alive())
    }

    #[test]
    fn a_body_is_read_to_its_end_and_no_further() {
        let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET";
        assert_eq!(body_of(request, 5), (Ok(b"hello".to_vec()), b"GET".to_vec(), true));
        assert_eq!(body_of(request, 4).0, Err(413));
        assert_eq!(body_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell", 5).0, Err(400));
        assert_eq!(body_of("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 5), (Ok(vec![]), vec![], true));
    }
}
