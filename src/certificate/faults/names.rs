//! Names that look right and match nothing (RFC 9525 6.3).

use crate::certificate::Name;
use crate::error::Error;
use std::net::IpAddr;

/// Says of each odd kind of name once what is wrong with it; a certificate may hold thousands.
pub(super) fn odd(names: &[Name], who: &str, found: &mut Vec<Error>) {
    for (code, test, why, cure) in KINDS {
        let mut hits =
            names.iter().filter_map(|name| if let Name::Dns(text) = name { Some(text.as_str()) } else { None }).filter(|text| test(text));
        let Some(first) = hits.next() else { continue };
        let more = match hits.count() {
            0 => String::new(),
            more => format!(" (and {more} more like it)"),
        };
        let first = crate::error::printable(first);
        found.push(Error::new(code, format!("{who} has the name {first}{more}, which {why}")).hint(cure));
    }
}

type Kind = (&'static str, fn(&str) -> bool, &'static str, &'static str);

const KINDS: [Kind; 5] = [
    (
        "address-as-name",
        is_address,
        "is an address among the DNS names, where nobody looks for it",
        "with openssl: subjectAltName=IP:127.0.0.1; here: ./ca sign server 127.0.0.1",
    ),
    (
        "odd-wildcard",
        is_odd_wildcard,
        "has its star elsewhere than as the whole first label, so that it matches nothing",
        "with openssl: subjectAltName=DNS:*.example.test; here: ./ca sign server '*.example.test'",
    ),
    (
        "top-wildcard",
        is_top_wildcard,
        "stands for a whole top level, which browsers do not honour",
        "put a label between: subjectAltName=DNS:*.example.test; here: ./ca sign server '*.example.test'",
    ),
    (
        "not-a-host",
        is_no_host,
        "is no host name: letters, digits, hyphens and dots alone",
        "with openssl: subjectAltName=DNS:localhost, without https://, port or path; here: ./ca sign server localhost",
    ),
    (
        "dotted-end",
        |text| text.len() > 1 && text.ends_with('.'),
        "ends in a dot, which certificates never do",
        "with openssl: subjectAltName=DNS:localhost; here: ./ca sign server localhost",
    ),
];

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn is_odd_wildcard(text: &str) -> bool {
    text.contains('*') && (text == "*" || !text.starts_with("*.") || text[2..].contains('*'))
}

fn is_top_wildcard(text: &str) -> bool {
    text.strip_prefix("*.").is_some_and(|rest| !rest.is_empty() && !rest.contains(['.', '*']))
}

fn is_no_host(text: &str) -> bool {
    let host = text.strip_prefix("*.").unwrap_or(text);
    let plain = |label: &str| {
        let letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        letters && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    !is_address(text) && !is_odd_wildcard(text) && !host.trim_end_matches('.').split('.').all(plain)
}

/// A DNS name that some host can have. A wildcard for a top level can, although browsers do not honour it.
pub(crate) fn could_match(text: &str) -> bool {
    !is_address(text) && !is_odd_wildcard(text) && !is_no_host(text) && !text.ends_with('.')
}

/// A text that is a host's name or address, in lower case; anything else is a text for people. Nothing that a shell would
/// take for more than a word gets through.
pub(crate) fn host(text: &str) -> Option<String> {
    let named = text == "localhost"
        || (text.contains('.') && text.len() <= 253 && !text.contains('*') && !is_no_host(text) && !text.ends_with('.'));
    (named || is_address(text)).then(|| text.to_ascii_lowercase())
}
