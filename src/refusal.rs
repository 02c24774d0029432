use crate::error::{Error, exit};
use crate::tls::Failure;
use crate::trust::{self, Presented, Trust};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, InvalidMessage, PeerIncompatible};
use std::sync::PoisonError;

mod alert;
mod certificate;
mod chain;
mod close;
mod lesson;
mod name;
mod recognise;
mod revoked;
mod stream;
mod told;

pub use close::closed;
pub use lesson::{Lesson, Whose, lesson, lessons, refusals};
pub use recognise::{Recognised, TEXT_MAX, decode, nearest, recognise};
pub use stream::{cannot_connect, cannot_resolve};
pub use told::{details, told, usage};

/// Who tells the story, and so who is "we".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// What was cut short when a stream ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Handshake,
    Session,
}

/// Why the client gave up on the server, with the cure.
///
/// `asked` is the name that the server had to prove, `presented` the chain that it showed, `trust` whom the client
/// believes: all three are needed, since one message of the library (`UnknownIssuer`) stands for four causes.
pub fn client_side(failure: &Failure, asked: &ServerName<'_>, presented: &Presented, trust: &Trust) -> Error {
    let chain = || presented.lock().unwrap_or_else(PoisonError::into_inner);
    let error = match failure {
        Failure::Tls(rustls::Error::InvalidCertificate(error)) => {
            certificate::Case { side: Side::Client, chain: &chain(), asked: Some(asked), trust }.refused(error)
        }
        Failure::Tls(rustls::Error::InvalidCertRevocationList(error)) => revoked::not_its_list(error, &chain(), trust),
        _ => explain(failure, Side::Client),
    };
    with_alert(error, failure, Side::Client)
}

/// Why the server gave up on a client, or the client on it: for the server's log. Where it was us, the fact `alert_sent` is what
/// we said: the client learns no more than that.
pub fn server_side(failure: &Failure) -> Error {
    let error = match failure {
        Failure::Tls(rustls::Error::InvalidCertificate(error)) => refused_client(error),
        Failure::Tls(rustls::Error::InvalidCertRevocationList(error)) => {
            let (chain, trust) = trust::refused_client();
            revoked::not_its_list(error, &chain, &trust)
        }
        _ => explain(failure, Side::Server),
    };
    with_alert(error, failure, Side::Server)
}

/// What the other side learns: the alert that went out, where one did.
fn with_alert(error: Error, failure: &Failure, side: Side) -> Error {
    match alert::sent(failure, side) {
        Some(alert) => error.fact("alert_sent", u8::from(alert)),
        None => error,
    }
}

/// The thread that asks is the one that judged: see [`trust::refused_client`].
fn refused_client(error: &CertificateError) -> Error {
    let (chain, trust) = trust::refused_client();
    certificate::Case { side: Side::Server, chain: &chain, asked: None, trust: &trust }.refused(error)
}

/// As [`client_side`], for what goes wrong once the client believes to be connected.
///
/// In TLS 1.3 the client is done before the server has judged it: a refusal then arrives with the first read.
pub fn client_session(failure: &Failure) -> Error {
    match failure {
        Failure::Tls(_) => explain(failure, Side::Client).exit(exit::RECEIVE),
        Failure::Io(error) => stream::broken(error, Side::Client, Stage::Session),
    }
}

/// As [`server_side`], for a session that had begun.
pub fn server_session(failure: &Failure) -> Error {
    match failure {
        Failure::Tls(_) => explain(failure, Side::Server).exit(exit::RECEIVE),
        Failure::Io(error) => stream::broken(error, Side::Server, Stage::Session),
    }
}

fn explain(failure: &Failure, side: Side) -> Error {
    match failure {
        Failure::Tls(error) => handshake(error, side),
        Failure::Io(error) => stream::broken(error, side, Stage::Handshake),
    }
}

fn handshake(error: &rustls::Error, side: Side) -> Error {
    use rustls::Error as Tls;
    let failed = match error {
        Tls::AlertReceived(alert) => alert::received(*alert, side),
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => not_tls(side),
        Tls::NoCertificatesPresented => no_certificate(side),
        Tls::NoApplicationProtocol => no_alpn(side),
        Tls::PeerIncompatible(why) => incompatible(why, side),
        Tls::DecryptError | Tls::PeerSentOversizedRecord => {
            Error::new("bad-record", format!("a record from the {} could not be opened: it was altered on the way", peer(side)))
                .hint("something between the two changes bytes: try without proxy or antivirus (docs/wire.md)")
        }
        Tls::PeerMisbehaved(why) => broke_rules(&in_words(why), side),
        Tls::InvalidMessage(why) => broke_rules(&in_words(why), side),
        Tls::InappropriateMessage { got_type, .. } => broke_rules(&format!("an unexpected {} record", in_words(got_type)), side),
        Tls::InappropriateHandshakeMessage { got_type, .. } => broke_rules(&format!("an unexpected {} message", in_words(got_type)), side),
        other => Error::new("tls", format!("TLS failed: {other}")).hint("see each message: ./client -v (docs/tls.md)"),
    };
    failed.exit(exit::HANDSHAKE)
}

/// The first byte of a TLS record is its type, 20 to 24. A letter is somebody who speaks HTTP (RFC 9846 5.1).
fn not_tls(side: Side) -> Error {
    match side {
        Side::Client => {
            Error::new("not-tls", "the server answered, but not with TLS: this port speaks something else, most likely plain HTTP")
                .hint("ask the port that speaks TLS, or see what this one says without it: http:// or ws:// (docs/tls.md)")
        }
        Side::Server => Error::new("not-tls", "the client does not speak TLS: its first bytes are no record")
            .hint("whoever speaks HTTP must ask with https:// or wss://; anything else has come to the wrong port (docs/tls.md)"),
    }
}

fn no_certificate(side: Side) -> Error {
    match side {
        Side::Client => Error::new("no-certificate", "the server showed no certificate")
            .hint("the server needs one: ./server --cert FILE --key FILE (docs/certificate.md)"),
        Side::Server => Error::new("certificate-required", "the client showed no certificate, and one is required here")
            .hint("the client must show one: --cert FILE --key FILE (docs/trust.md)"),
    }
}

fn no_alpn(side: Side) -> Error {
    Error::new("no-alpn", format!("the {} offers no application protocol that we speak (ALPN)", peer(side)))
        .hint("both sides must name http/1.1, or the client none at all (docs/tls.md)")
}

fn incompatible(why: &PeerIncompatible, side: Side) -> Error {
    use PeerIncompatible as No;
    let whom = peer(side);
    match why {
        // A hello without signature algorithms is one of TLS 1.1 or older.
        No::SignatureAlgorithmsExtensionRequired
        | No::SupportedVersionsExtensionRequired
        | No::Tls12NotOffered
        | No::Tls12NotOfferedOrEnabled
        | No::ServerDoesNotSupportTls12Or13
        | No::ServerTlsVersionIsDisabledByOurConfig => {
            Error::new("protocol-version", format!("the {whom} does not speak TLS 1.3, and we speak nothing older")).hint(match side {
                Side::Client => "if it must be: --min-tls 1.2; better, bring the server up to date (docs/tls.md)",
                Side::Server => "the client must be brought up to date, or start the server with --min-tls 1.2 (docs/tls.md)",
            })
        }
        other => Error::new("nothing-in-common", format!("nothing in common with the {whom}: {}", in_words(other)))
            .hint("see what each offers: ./client -v, openssl s_client -connect HOST:PORT (docs/tls.md)"),
    }
}

fn broke_rules(how: &str, side: Side) -> Error {
    Error::new("broke-tls", format!("the {} broke the rules of TLS: {how}", peer(side)))
        .hint("see each message: ./client -v; whoever wrote that program must change it (docs/tls.md)")
}

fn peer(side: Side) -> &'static str {
    match side {
        Side::Client => "server",
        Side::Server => "client",
    }
}

/// The library names each reason in one long word, `SelectedUnofferedCipherSuite`. A reader gets words, without the
/// values that may follow.
pub(crate) fn in_words(reason: &impl std::fmt::Debug) -> String {
    let name = format!("{reason:?}");
    let mut words = String::new();
    let mut before = ' ';
    for letter in name.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
        before = letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_librarys_reason_becomes_words() {
        assert_eq!(in_words(&rustls::PeerMisbehaved::SelectedUnofferedCipherSuite), "selected unoffered cipher suite");
        assert_eq!(in_words(&InvalidMessage::MissingData("HandshakePayload")), "missing data");
        assert_eq!(in_words(&PeerIncompatible::NoKxGroupsInCommon), "no kx groups in common");
    }
}
