//! The head of a response, printed by tiny_http.

use super::response::Fields;
use std::{
    cell::RefCell,
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tiny_http::{HTTPVersion, Header, StatusCode};

/// What every response says. A page may bring its own policy instead, with [`super::Response::field`].
const SECURITY: [(&str, &str); 6] = [
    ("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// Prints status line and fields with tiny_http, up to the blank line, which [`end_head`] adds. The body is ours to send:
/// tiny_http would send it in a write of its own.
pub(super) fn print_head(status: u16, fields: &Fields, length: u64) -> Vec<u8> {
    let mut headers = Vec::with_capacity(fields.len() + SECURITY.len() + 2);
    let mut add = |name: &str, value: &str| headers.extend(Header::from_bytes(name, value));
    now(|date| add("Date", std::str::from_utf8(date).unwrap_or_default()));
    add("Server", "padlock");
    for (name, value) in fields {
        add(name, value);
    }
    for (name, value) in SECURITY {
        // They guard pages. 101 is none.
        if status != 101 && !fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            add(name, value);
        }
    }
    let response = tiny_http::Response::new(StatusCode(status), headers, io::empty(), usize::try_from(length).ok(), None);
    let mut out = Vec::with_capacity(1024);
    let upgrade = (status == 101).then_some("websocket");
    // Below the threshold tiny_http says the length; above it would send chunks. Writing to memory can't fail.
    let _ = response.with_chunked_threshold(usize::MAX).raw_print(&mut out, HTTPVersion(1, 1), &[], true, upgrade);
    out.truncate(out.len().saturating_sub(2));
    // tiny_http drops this field from what it is asked to print, but 426 must name the protocol (RFC 9110 15.5.22).
    if let Some((_, protocol)) = fields.iter().find(|(name, _)| status == 426 && *name == "Upgrade") {
        out.extend_from_slice(format!("Upgrade: {protocol}\r\nConnection: Upgrade\r\n").as_bytes());
    }
    out
}

/// Ends a head. tiny_http drops `Connection` too, so it is added here, before the blank line.
pub(super) fn end_head(out: &mut Vec<u8>, keep: bool) {
    out.extend_from_slice(if keep { b"\r\n" } else { b"Connection: close\r\n\r\n" });
}

/// The reason phrase that belongs to a status.
pub(super) fn reason(status: u16) -> &'static str {
    StatusCode(status).default_reason_phrase()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub(super) const DATE_LENGTH: usize = 29;

thread_local! {
    /// The second and its text. Per thread, so that nobody waits for it.
    static NOW: RefCell<(u64, [u8; DATE_LENGTH])> = const { RefCell::new((0, [b' '; DATE_LENGTH])) };
}

/// Hands over the date as HTTP writes it, printed anew once a second at most.
pub(super) fn now(with: impl FnOnce(&[u8; DATE_LENGTH])) {
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
