//! What the TCP stream below TLS says: refused, reset, silent, closed.

use super::{Side, Stage, peer};
use crate::error::{Error, exit, of_system};
use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddr};

/// The host's name has no address.
pub fn cannot_resolve(host: &str) -> Error {
    Error::new("unknown-host", format!("{host} has no address"))
        .hint("check the spelling, or say where it is: --connect-to HOST:PORT (docs/tls.md)")
        .exit(exit::RESOLVE)
}

/// Nobody could be reached at this address.
pub fn cannot_connect(error: &io::Error, at: SocketAddr) -> Error {
    match error.kind() {
        ErrorKind::ConnectionRefused => Error::new("nobody-listens", format!("nobody listens at {at}"))
            .hint(if at.ip() == Ipv6Addr::LOCALHOST { ON_V4 } else { "is the server running? the lab's: ./server" })
            .exit(exit::CONNECT),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Error::new("timed-out", format!("no answer from {at}"))
            .hint("check the address and the port; a firewall may swallow the question")
            .exit(exit::TIMEOUT),
        _ => Error::new("cannot-connect", format!("no way to {at}: {}", of_system(error)))
            .hint("check the address and the network")
            .exit(exit::CONNECT),
    }
}

/// Two addresses of one machine are two places to listen at.
const ON_V4: &str = "the lab's server listens at 127.0.0.1: ask for localhost, or start it with ./server --listen ::1";

/// The stream failed under TLS.
pub(super) fn broken(error: &io::Error, side: Side, stage: Stage) -> Error {
    let whom = peer(side);
    let (during, status) = match stage {
        Stage::Handshake => ("the handshake", exit::HANDSHAKE),
        Stage::Session => ("the session", exit::RECEIVE),
    };
    let (code, cause, hint) = match error.kind() {
        ErrorKind::UnexpectedEof => ("closed", format!("the {whom} closed in the middle of {during}, without a word"), ITS_LOG),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            ("reset", format!("the {whom} broke off {during} (TCP reset)"), ITS_LOG)
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            return silent(side, stage, during);
        }
        _ => ("stream", format!("{during} with the {whom} failed: {}", of_system(error)), "check the network"),
    };
    let hint = match (side, stage) {
        (Side::Server, _) => GONE,
        (Side::Client, Stage::Handshake) if hint == ITS_LOG => NOT_TLS,
        (Side::Client, _) => hint,
    };
    Error::new(code, cause).hint(hint).exit(status)
}

const ITS_LOG: &str =
    "the server's log may say why; a healthy session ends with close_notify, without it the end may be missing (docs/tls.md)";
const NOT_TLS: &str = "does this port speak TLS at all? ask it with http:// or ws://; else the server's log may say why";
const GONE: &str = "it gave up, or only looked whether somebody listens: nothing to change here";

fn silent(side: Side, stage: Stage, during: &str) -> Error {
    let hint = match (side, stage) {
        (Side::Client, Stage::Handshake) => NOT_TLS,
        (Side::Client, Stage::Session) => "the server may be stopped or unreachable: ask again, or see its log",
        (Side::Server, _) => GONE,
    };
    Error::new("timed-out", format!("the {} went silent in the middle of {during}", peer(side))).hint(hint).exit(exit::TIMEOUT)
}
