//! What a well-formed head must still not say.

use super::{Head, Refuse};
use std::net::Ipv6Addr;

/// A body that announces more than this is answered with 413. Whoever reads one takes less: see [`super::read_body`].
pub const BODY_MAX: u64 = 64 * 1024;
/// The methods of RFC 9110 9.1 and RFC 5789. Any other is answered with 501.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Refuses unknown methods, odd targets, doubtful hosts and doubtful lengths. Gives the length of the body.
pub(super) fn check(head: &Head) -> Result<u64, Refuse> {
    if !METHODS.contains(&head.method()) {
        return Err(Refuse::new(501, "this server knows no such method"));
    }
    check_target(head)?;
    check_host(head)?;
    check_framing(head)
}

/// The four forms of a target (RFC 9112 3.2): `/path`, `http://host/path`, `host:port` for CONNECT, `*` for OPTIONS.
fn check_target(head: &Head) -> Result<(), Refuse> {
    let target = head.target();
    let plain = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let form = match head.method() {
        "CONNECT" => is_host(target),
        "OPTIONS" if target == "*" => true,
        _ => target.starts_with('/') || absolute(target).is_some_and(|(authority, rest)| is_host(authority) && rest.is_ascii()),
    };
    if plain && form { Ok(()) } else { Err(Refuse::new(400, "the target is neither a path that begins with / nor an https:// URL")) }
}

/// Exactly one `Host` in HTTP/1.1, at most one in 1.0 (RFC 9112 3.2): two would let two readers see two sites.
fn check_host(head: &Head) -> Result<(), Refuse> {
    let mut hosts = head.values("host");
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => Err(Refuse::new(400, "the request has two Host fields")),
        (None, _) if head.version == 1 => Err(Refuse::new(400, "an HTTP/1.1 request names its host: Host: localhost")),
        (Some(host), _) if !std::str::from_utf8(host).is_ok_and(is_host) => Err(Refuse::new(400, "the Host field is no host and port")),
        _ => Ok(()),
    }
}

/// Where does the body end? Two answers are an attack (request smuggling, RFC 9112 6.3 and 11.2).
fn check_framing(head: &Head) -> Result<u64, Refuse> {
    let mut lengths = head.values("content-length");
    let length = lengths.next();
    if head.values("transfer-encoding").next().is_some() {
        let both = length.is_some() || head.version == 0;
        return Err(match both {
            true => Refuse::new(400, "Transfer-Encoding stands beside Content-Length, or in an HTTP/1.0 request: where does the body end?"),
            false => Refuse::new(501, "this server takes no transfer coding; send Content-Length"),
        });
    }
    let Some(length) = length else { return Ok(0) };
    let number = length.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(length).ok()?.parse::<u64>().ok()).flatten();
    match number {
        Some(number) if number > BODY_MAX => Err(Refuse::new(413, format!("a body of more than {BODY_MAX} bytes is not taken"))),
        Some(number) if lengths.next().is_none() => Ok(number),
        _ => Err(Refuse::new(400, "Content-Length is given twice, or is no number")),
    }
}

/// `http://host/path` in two: `host` and `/path` (with the query).
pub(super) fn absolute(target: &str) -> Option<(&str, &str)> {
    let scheme = target.find("://").and_then(|at| target.get(..at))?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let rest = target.get(scheme.len() + 3..)?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

/// `uri-host [":" port]` (RFC 9110 7.2): a name, an IPv4 address or an IPv6 address in brackets, no user name.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some((address, rest)) if address.parse::<Ipv6Addr>().is_ok() => ("v6", rest),
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port_is_number = port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.is_empty() || digits.parse::<u16>().is_ok());
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    !host.is_empty() && host.bytes().all(is_name) && port_is_number
}
