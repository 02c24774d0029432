use crate::{
    error::{Error, exit},
    http::{Head, Response},
    tls::Failure,
};
use std::io::{self, Read, Write};
use tungstenite::handshake::{client::generate_key, derive_accept_key};

/// The only version there is (RFC 6455 4.1). Everything before it was a draft.
const VERSION: &str = "13";
/// A server that says more than this before its answer ends is not one that we want.
const ANSWER_MAX: usize = 16 * 1024;

/// Whether a request asks for a WebSocket at all. If not, it is a request for a page. HTTP/1.0 knows no upgrade (RFC 9110 7.8).
pub fn is_upgrade(head: &Head) -> bool {
    head.version == 1 && head.has_token("Upgrade", "websocket")
}

/// The server's half of the opening handshake (RFC 6455 4.2): `101` for a good request, or what is wrong with a bad one.
///
/// `protocol` is the subprotocol spoken here; it is confirmed when the client offers it. A browser says which page asks
/// (`Origin`), and only pages of these `origins` may: any other page could act in the name of whoever has it open. Programs
/// send no `Origin`, and could send any: it protects people with browsers, it identifies nobody.
pub fn upgrade(head: &Head, origins: Origins, protocol: &str) -> Result<Response, Response> {
    if head.method() != "GET" {
        return Err(Response::not_allowed("GET"));
    }
    if !is_upgrade(head) {
        return Err(Response::error(426, "a WebSocket lives here: ask with wss:// instead of https://").field("Upgrade", "websocket"));
    }
    if head.body_length() > 0 {
        return Err(Response::error(400, "a request for a WebSocket has no body: its bytes would be taken for frames").close());
    }
    if !head.has_token("Connection", "upgrade") {
        return Err(Response::error(400, "a request with Upgrade also needs Connection: Upgrade").close());
    }
    // A field that is no text counts, too: it is there, and it is wrong.
    let texts = |name| head.values(name).map(|value| std::str::from_utf8(value).unwrap_or_default());
    if texts("Sec-WebSocket-Version").ne([VERSION]) {
        let wrong = Response::error(426, "the WebSocket version has to be 13").field("Upgrade", "websocket");
        return Err(wrong.field("Sec-WebSocket-Version", VERSION));
    }
    let key = the_only(texts("Sec-WebSocket-Key")).filter(|key| is_nonce(key));
    let Some(key) = key else {
        return Err(Response::error(400, "Sec-WebSocket-Key has to be there once: 16 random bytes in base64").close());
    };
    let mut asking = texts("Origin").peekable();
    if asking.peek().is_some() && !origins.hold(the_only(asking).unwrap_or_default(), head.host()) {
        return Err(Response::error(403, "only this server's own pages may open a WebSocket here (Origin)").close());
    }
    let accepted = Response::new(101).field("Sec-WebSocket-Accept", derive_accept_key(key.as_bytes()));
    Ok(if head.has_token("Sec-WebSocket-Protocol", protocol) {
        accepted.field("Sec-WebSocket-Protocol", protocol.to_string())
    } else {
        accepted
    })
}

/// The pages that may open a WebSocket, by their origin (RFC 6454 7): scheme, host and port.
#[derive(Debug, Clone, Copy)]
pub enum Origins<'a> {
    /// Pages of the very host and port that is asked, fetched by this scheme.
    Own(&'a str),
    /// These.
    Listed(&'a [String]),
    /// All. Right only where nothing that a browser adds by itself, such as a cookie, lets anybody in.
    Any,
}

impl Origins<'_> {
    /// Whether a page of `origin` may ask `host`.
    fn hold(self, origin: &str, host: &str) -> bool {
        match self {
            Origins::Own(scheme) => origin.split_once("://").is_some_and(|(s, h)| s == scheme && h.eq_ignore_ascii_case(host)),
            Origins::Listed(list) => list.iter().any(|known| known.eq_ignore_ascii_case(origin)),
            Origins::Any => true,
        }
    }
}

/// Why the client has no WebSocket.
#[derive(Debug)]
pub enum NoUpgrade {
    /// The server answered, but not `101`, or not as RFC 6455 has it.
    Answer(Error),
    /// The connection broke before an answer. In TLS 1.3 this is also how a server refuses a client's certificate.
    Broken(Failure),
}

/// The client's half of the opening handshake (RFC 6455 4.1): asks `host` for `path`, checks that the answer is one to this very
/// question. Gives the bytes that came behind the answer: the first frames.
pub fn connect(stream: &mut (impl Read + Write), host: &str, path: &str, origin: Option<&str>) -> Result<Vec<u8>, NoUpgrade> {
    let key = generate_key();
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: {VERSION}\r\n"
    );
    if let Some(origin) = origin {
        request.push_str(&format!("Origin: {origin}\r\n"));
    }
    request.push_str("\r\n");
    let sent = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let length = loop {
        match check_answer(&bytes, &key).map_err(NoUpgrade::Answer)? {
            Some(length) => break length,
            None => read_some(stream, &mut bytes).map_err(|e| NoUpgrade::Broken(e.into()))?,
        }
        if let Err(e) = &sent
            && bytes.is_empty()
        {
            return Err(NoUpgrade::Broken(io::Error::from(e.kind()).into()));
        }
    };
    bytes.drain(..length);
    Ok(bytes)
}

/// The length of the answer's head when it is whole and right. `None`: more has to come.
fn check_answer(bytes: &[u8], key: &str) -> Result<Option<usize>, Error> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut answer = httparse::Response::new(&mut fields);
    let length = match answer.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < ANSWER_MAX => return Ok(None),
        _ => {
            return Err(Error::new("not-http", "the server's answer is not HTTP")
                .hint("is it a WebSocket server? a bare TLS service is asked with tls://")
                .exit(exit::UPGRADE));
        }
    };
    let field = |name: &str| {
        let values = answer.headers.iter().filter(|f| f.name.eq_ignore_ascii_case(name));
        the_only(values.filter_map(|f| std::str::from_utf8(f.value).ok()))
    };
    if let Some(code) = answer.code.filter(|code| *code != 101) {
        return Err(refused(code, answer.reason.unwrap_or_default(), field("Location")));
    }
    let upgraded = field("Upgrade").is_some_and(|v| v.eq_ignore_ascii_case("websocket"))
        && field("Connection").is_some_and(|v| v.eq_ignore_ascii_case("upgrade"))
        && field("Sec-WebSocket-Accept") == Some(derive_accept_key(key.as_bytes()).as_str());
    // We offered neither, so a server that picks one speaks of something else than we do (RFC 6455 4.1, 5 and 6).
    let picked = ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"]
        .into_iter()
        .find(|name| answer.headers.iter().any(|f| f.name.eq_ignore_ascii_case(name)));
    if let Some(name) = picked.filter(|_| upgraded) {
        return Err(Error::new("bad-upgrade", format!("the server chose something that was not offered ({name})"))
            .hint("the server must change: it may choose only what is offered; RFC 6455 4.1")
            .exit(exit::UPGRADE));
    }
    if upgraded {
        return Ok(Some(length));
    }
    Err(Error::new("bad-upgrade", "the server said 101, but did not answer this very question (Sec-WebSocket-Accept)")
        .hint("something between here and there answers in the server's place; RFC 6455 4.1")
        .exit(exit::UPGRADE))
}

fn refused(code: u16, reason: &str, location: Option<&str>) -> Error {
    let reason = reason.escape_default();
    let hint = match (code, location) {
        (_, Some(place)) => format!("the server says to ask elsewhere: {}", place.escape_default()),
        (403, _) => "the server takes WebSockets from its own pages only: leave --origin away, or give it the server's own".into(),
        (404, _) => "ask for another path: / counts, /echo repeats, /room is heard by all".into(),
        (200, _) => "there is a page at this path, not a WebSocket: ask with https://".into(),
        (426, _) => "the server wants another WebSocket version, or another protocol".into(),
        (503, _) => "the server is full: try again later, or give it more with --max-connections".into(),
        _ => "look at what it says: ask the same address with https://".into(),
    };
    Error::new("upgrade-refused", format!("the server refused the upgrade to a WebSocket: {code} {reason}")).hint(hint).exit(exit::UPGRADE)
}

/// Reads on. The end of the stream is an error here: an answer was due.
fn read_some(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut more = [0; 2048];
    match stream.read(&mut more)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        n => {
            bytes.extend_from_slice(&more[..n]);
            Ok(())
        }
    }
}

/// 16 bytes in base64 (RFC 6455 4.1): 22 characters and two equals signs.
fn is_nonce(key: &str) -> bool {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    key.len() == 24 && key.ends_with("==") && key.bytes().take(22).all(is_base64)
}

fn the_only<T>(mut values: impl Iterator<Item = T>) -> Option<T> {
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Next, read_head};

    const GOOD: &str = "GET /echo HTTP/1.1\r\nHost: localhost:1234\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
                        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    fn answer(request: &str) -> (u16, String) {
        let Next::Head(head) = read_head(&mut request.as_bytes(), &mut Vec::new()).unwrap() else { panic!("no head: {request}") };
        let response = upgrade(&head, Origins::Own("https"), "counter.v1").unwrap_or_else(|refusal| refusal);
        let mut bytes = Vec::new();
        crate::http::respond(&mut bytes, &head, &response).unwrap();
        (response.status(), String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn the_example_of_the_rfc_gets_the_answer_of_the_rfc() {
        let (status, text) = answer(GOOD);
        assert_eq!(status, 101);
        assert!(text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{text}");
        assert!(text.contains("Upgrade: websocket\r\n") && text.contains("Connection: upgrade\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n") && !text.contains("Content-Length"), "{text}");
    }

    #[test]
    fn each_bad_upgrade_gets_its_own_status() {
        for (from, to, status) in [
            ("Upgrade: WebSocket\r\n", "", 426),
            ("keep-alive, Upgrade", "keep-alive", 400),
            ("Version: 13", "Version: 12", 426),
            ("Sec-WebSocket-Version: 13\r\n", "", 426),
            ("HTTP/1.1", "HTTP/1.0", 426),
            ("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n", 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "short", 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=!", 400),
            ("Sec-WebSocket-Version", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version", 400),
            ("\r\n\r\n", "\r\nOrigin: https://evil.test\r\n\r\n", 403),
            ("\r\n\r\n", "\r\nOrigin: null\r\n\r\n", 403),
            ("\r\n\r\n", "\r\nOrigin: http://localhost:1234\r\n\r\n", 403),
            ("\r\n\r\n", "\r\nOrigin: https://localhost:1235\r\n\r\n", 403),
            ("\r\n\r\n", "\r\nOrigin: https://localhost:1234\r\nOrigin: https://evil.test\r\n\r\n", 403),
            ("\r\n\r\n", "\r\nOrigin: https://localhost:1234\r\n\r\n", 101),
        ] {
            assert!(GOOD.contains(from), "{from}");
            assert_eq!(answer(&GOOD.replacen(from, to, 1)).0, status, "{from:?} became {to:?}");
        }
    }

    #[test]
    fn pages_of_other_origins_may_ask_only_where_they_are_listed() {
        let listed = ["https://localhost:1234".to_owned()];
        for (origins, origin, may) in [
            (Origins::Listed(&listed), "https://localhost:1234", true),
            (Origins::Listed(&listed), "https://localhost:12345", false),
            (Origins::Listed(&listed), "http://localhost:1234", false),
            (Origins::Listed(&listed), "null", false),
            (Origins::Listed(&listed), "", false),
            (Origins::Own("https"), "", false),
            (Origins::Any, "https://evil.test", true),
        ] {
            assert_eq!(origins.hold(origin, "localhost:5678"), may, "{origins:?} {origin}");
        }
    }

    #[test]
    fn an_origin_that_is_no_text_is_a_foreign_one() {
        let request = [GOOD.trim_end().as_bytes(), b"\r\nOrigin: \xff\r\n\r\n"].concat();
        let Next::Head(head) = read_head(&mut request.as_slice(), &mut Vec::new()).unwrap() else { panic!("no head") };
        assert_eq!(upgrade(&head, Origins::Own("https"), "echo.v1").unwrap_or_else(|refusal| refusal).status(), 403);
    }

    #[test]
    fn a_wrong_version_is_told_the_right_one() {
        assert!(answer(&GOOD.replace("Version: 13", "Version: 8")).1.contains("Sec-WebSocket-Version: 13\r\n"));
    }

    #[test]
    fn a_subprotocol_is_confirmed_only_when_offered() {
        assert!(!answer(GOOD).1.contains("Sec-WebSocket-Protocol"));
        let offered = GOOD.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: other, counter.v1\r\n\r\n");
        assert!(answer(&offered).1.contains("Sec-WebSocket-Protocol: counter.v1\r\n"));
    }

    /// What a server has to say to `key`.
    fn good_answer(key: &str) -> String {
        let accept = derive_accept_key(key.as_bytes());
        format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
    }

    #[test]
    fn the_client_takes_only_an_answer_to_its_own_question() {
        let good = good_answer("dGhlIHNhbXBsZSBub25jZQ==");
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        assert_eq!(check_answer(good.as_bytes(), key).unwrap(), Some(good.len()));
        assert_eq!(check_answer(&good.as_bytes()[..good.len() - 1], key).unwrap(), None);
        assert_eq!(check_answer(good_answer("AAAAAAAAAAAAAAAAAAAAAA==").as_bytes(), key).unwrap_err().code, "bad-upgrade");
        for picked in ["Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: x"] {
            let answer = good.replace("\r\n\r\n", &format!("\r\n{picked}\r\n\r\n"));
            assert_eq!(check_answer(answer.as_bytes(), key).unwrap_err().code, "bad-upgrade", "{picked}");
        }
        assert_eq!(check_answer(b"HTTP/1.1 403 Forbidden\r\n\r\n", key).unwrap_err().code, "upgrade-refused");
        assert_eq!(check_answer(b"\x15\x03\x03", key).unwrap_err().code, "not-http");
    }
}
