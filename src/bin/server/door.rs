//! The way in through TLS, the same for every service: whoever comes with something else is told so in its own tongue.

use padlock::{
    error::Error,
    http::{self, Head, Next, Response},
    listener::{Pass, Stream, farewell},
    refusal,
    tls::{Failure, Tls},
    wire::{self, First},
};
use std::{
    io::Write,
    net::{Shutdown, SocketAddr},
};

/// Until it is proved who this is, somebody else may need the place: then it is cut.
pub fn on_probation(pass: &Pass) {
    let socket = pass.socket().clone();
    pass.on_probation(move || drop(socket.shutdown(Shutdown::Both)));
}

/// Looks at the first bytes, and does the `handshake` if they are TLS. `None`: it came to nothing, and all is said and logged.
pub fn enter<S>(mut stream: Stream, remote: SocketAddr, handshake: impl FnOnce(Stream) -> Result<Tls<S>, Failure>) -> Option<Tls<S>> {
    match stream.first_bytes().map(First::of) {
        Ok(First::Nothing) => log::debug!(target: "listener", "{remote} came and went without a word"),
        Ok(First::Http) => wrong_door(stream, remote),
        Ok(First::OldTls) => too_old(stream, remote),
        Err(e) => log::info!(target: "tls", "{remote}: {}", refusal::server_side(&e.into())),
        // TLS itself knows what to say to what is not TLS.
        Ok(First::Tls | First::Other) => {
            let socket = stream.socket().clone();
            match handshake(stream) {
                Ok(tls) => return Some(tls),
                Err(failure) => {
                    tell(remote, &refusal::server_side(&failure));
                    farewell(&socket);
                }
            }
        }
    }
    None
}

/// A handshake that failed: in one line, why, and which alert crossed in which direction; with `-v` also whose side must change.
pub fn tell(remote: SocketAddr, error: &Error) {
    let sent = error.facts.iter().find(|(name, _)| *name == "alert_sent").map(|(_, alert)| format!(" (we sent alert {alert})"));
    log::warn!(target: "tls", "{remote}: {error}{}", sent.unwrap_or_default());
    log::debug!(target: "tls", "{remote}: hint: {}", error.hint);
    refusal::details(error).iter().for_each(|line| log::debug!(target: "refusal", "{remote}: {line}"));
}

/// Somebody speaks plain HTTP to the TLS port: a page with the right address.
fn wrong_door(mut stream: Stream, remote: SocketAddr) {
    let mut buffer = Vec::new();
    log::info!(target: "http", "{remote} speaks plain HTTP to the TLS port");
    let told = match http::read_head(&mut stream, &mut buffer) {
        Ok(Next::Head(head)) => http::respond(&mut stream, &head, &https_only(&head)).map(drop),
        Ok(Next::Refuse(refuse)) => http::refuse(&mut stream, &refuse),
        Ok(Next::Closed | Next::ClientHello) | Err(_) => return,
    };
    if told.is_ok() {
        farewell(stream.socket());
    }
}

/// A client from before TLS 1.2: told so in its own tongue.
fn too_old(mut stream: Stream, remote: SocketAddr) {
    log::warn!(target: "tls", "{remote}: protocol_version sent: the client speaks TLS 1.1 at most, and that is broken (RFC 8996)");
    if stream.write_all(&wire::PROTOCOL_VERSION_ALERT).is_ok() {
        farewell(stream.socket());
    }
}

/// 400, with a link to the same page where it is.
fn https_only(head: &Head) -> Response {
    let host = head.host();
    let plausible = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
    let host = if plausible { host } else { "localhost:1234" };
    let link = http::escape(&format!("https://{host}{}", head.path()));
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>This port speaks HTTPS</title>\n\
         <h1>This port speaks HTTPS</h1>\n<p>You asked in plain HTTP, which anyone on the way can read. \
         Ask here instead: <a href=\"{link}\">{link}</a></p>\n</html>\n"
    );
    Response::new(400).field("Content-Type", "text/html; charset=utf-8").body(page).close()
}
