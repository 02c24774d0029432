//! What each message and each kind of record is for, and the line of this program that had a part in it.

use super::Field;
use crate::wire::hello::ServerHello;
use crate::wire::message::{SERVER_HELLO, TLS13, name};
use crate::wire::records::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE};
use crate::wire::session::Speaker;
use serde::Serialize;

/// What something on the wire is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    pub name: String,
    pub means: &'static str,
    /// `RFC 9846 4.2.2`
    pub source: &'static str,
    /// The item of this program that had a part in it: `crate::tls::connect`.
    pub code: &'static str,
}

const NO_MEANING: &str = "a message that is not explained here";

/// A handshake message, header included.
pub fn message(speaker: Speaker, message: &[u8], version: u16) -> About {
    let Some((&[kind, ..], body)) = message.split_first_chunk::<4>() else {
        return About { name: "nothing".into(), means: NO_MEANING, source: "RFC 9846 4", code: "crate::wire::Session" };
    };
    let retry = kind == SERVER_HELLO && ServerHello::read(body).is_some_and(|hello| hello.retry);
    let (means, source, code) = match (kind, speaker) {
        (1, _) => (
            "The client says what it can do, whom it wants to talk to, and sends its key shares at once.",
            "RFC 9846 4.2.2",
            "crate::tls::client",
        ),
        (SERVER_HELLO, _) if retry => (
            "The server can use none of the key shares: it names a group, and the client must send another hello. That costs a round trip.",
            "RFC 9846 4.2.4",
            "crate::tls::server",
        ),
        (SERVER_HELLO, _) => (
            "The server picks one version, one suite, one group, and sends its key share. Now both can compute the same secret, and all that follows is sealed.",
            "RFC 9846 4.2.3",
            "crate::tls::server",
        ),
        (4, _) => ("For the next time: with this ticket, no certificates need to be sent.", "RFC 9846 4.7.1", "crate::tls::server"),
        (8, _) => {
            ("What else the server answers to the hello, out of sight of those on the way.", "RFC 9846 4.4.1", "crate::tls::Settings")
        }
        (11, Speaker::Server) => {
            ("The server's chain of certificates: this is who I am.", "RFC 9846 4.5.1", "crate::certificate::Identity")
        }
        (11, Speaker::Client) => (
            "The client's chain, since the server asked; empty when it has none to show.",
            "RFC 9846 4.5.1",
            "crate::certificate::Identity",
        ),
        (13, _) => ("The server asks who the client is: mutual TLS.", "RFC 9846 4.4.2", "crate::trust::Trust::judge_clients"),
        (15, Speaker::Server) => (
            "A signature over all of the above: I have the key that belongs to the certificate.",
            "RFC 9846 4.5.2",
            "crate::trust::Trust::judge_servers",
        ),
        (15, Speaker::Client) => {
            ("The same from the client: it has its certificate's key.", "RFC 9846 4.5.2", "crate::trust::Trust::judge_clients")
        }
        (20, _) => {
            ("A checksum over all of the above, made with a secret: nobody changed a byte.", "RFC 9846 4.5.3", "crate::tls::Tls::handshake")
        }
        (24, _) if version == TLS13 => ("From here on, this side uses new keys.", "RFC 9846 4.7.3", "crate::wire::Opener::next"),
        _ => (NO_MEANING, "RFC 9846 4", "crate::wire::Session"),
    };
    About { name: name(kind, body, version), means, source, code }
}

/// The disguise.
pub fn change_cipher_spec(version: u16) -> About {
    let (means, source) = if version == TLS13 || version == 0 {
        ("Means nothing: old middleboxes expect it, and TLS 1.3 goes disguised as a resumed TLS 1.2 session.", "RFC 9846 E.4")
    } else {
        ("What follows is sealed.", "RFC 5246 7.1")
    };
    About { name: "ChangeCipherSpec".into(), means, source, code: "crate::wire::Session" }
}

/// An alert by its number, named as the program names refusals.
pub fn alert(description: u8) -> About {
    let words = crate::refusal::in_words(&rustls::AlertDescription::from(description));
    let (means, source, code) = match description {
        0 => ("I have said everything. Without it, the end may have been cut off.", "RFC 9846 6.1", "crate::tls::Tls::close"),
        _ => ("This side says no, and why. It is fatal: nothing follows.", "RFC 9846 6.2", "crate::tls::Tls::receive"),
    };
    About { name: format!("alert: {words} ({description})"), means, source, code }
}

/// A record by the type on its outside.
pub fn record(kind: u8) -> About {
    let (name, means, source) = match kind {
        CHANGE_CIPHER_SPEC => ("change_cipher_spec", "in the clear, and without meaning", "RFC 9846 5"),
        ALERT => ("alert", "in the clear, since there are no keys yet", "RFC 9846 6"),
        HANDSHAKE => ("handshake", "in the clear, since there are no keys yet", "RFC 9846 5.1"),
        APPLICATION_DATA => ("application_data", "sealed: the true type is inside", "RFC 9846 5.2"),
        _ => ("unknown", "", "RFC 9846 5.1"),
    };
    About { name: name.into(), means, source, code: "crate::wire::Records" }
}

/// What travels once the handshake is over.
pub fn data() -> About {
    let means = "What is spoken inside. It belongs to the handshake no more: it only came in the same breath.";
    About { name: "application data".into(), means, source: "RFC 9846 5.2", code: "crate::tls::Tls::read" }
}

/// The two bytes of an alert.
pub fn alert_fields(level: u8, description: u8) -> Vec<Field> {
    let field = |name: &str, at, says: String, means| {
        let (name, inside) = (name.to_string(), Vec::new());
        Field { name, at, length: 1, says, means, source: "RFC 9846 6", inside }
    };
    let severity = if level == 2 { "fatal" } else { "warning" };
    let words = crate::refusal::in_words(&rustls::AlertDescription::from(description));
    vec![
        field("level", 0, format!("{level} = {severity}"), "means nothing any more: the description says it all"),
        field("description", 1, format!("{description} = {words}"), "why"),
    ]
}
