// CONTRACT (helper B implements, as a folder src/http/)
use std::io::{self, Read, Write};

/// One request head. Names of header fields are compared without case.
#[derive(Debug, Clone)]
pub struct Head {
    pub method: String,
    pub target: String,
    pub version: u8,
    fields: Vec<(String, Vec<u8>)>,
}
impl Head {
    /// The first field of this name, trimmed, when it is text.
    pub fn field(&self, _name: &str) -> Option<&str> {
        todo!()
    }
    /// The path without the query, percent-decoding is the router's business.
    pub fn path(&self) -> &str {
        todo!()
    }
    pub fn query(&self) -> &str {
        todo!()
    }
    /// HTTP/1.1 unless `Connection: close`.
    pub fn keep_alive(&self) -> bool {
        todo!()
    }
}
/// How reading a head ended.
pub enum Next {
    Head(Head),
    /// The peer closed, or was silent past the idle limit, before a first byte: nothing to answer.
    Closed,
    /// Answer with this status and close (400, 408, 413, 431, 501, 505).
    Refuse(Refuse),
}
pub struct Refuse {
    pub status: u16,
    pub reason: String,
}
/// Reads one head from `stream`. `buffer` keeps what was read past it (the next request, the first frames) between calls.
pub fn read_head(_stream: &mut impl Read, _buffer: &mut Vec<u8>) -> io::Result<Next> {
    todo!()
}
/// A response, its body in memory or streamed from a file.
pub struct Response;
/// Writes head and body in one write, HEAD / 304 / ranges as they belong.
pub fn respond(_stream: &mut impl Write, _head: &Head, _response: &Response) -> io::Result<()> {
    todo!()
}
