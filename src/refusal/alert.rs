//! The alerts that a peer sends when it is the one who says no (RFC 9846 6.2), in words, and whose side must change.

use super::{Side, peer};
use crate::error::Error;
use crate::tls::Failure;
use rustls::{AlertDescription as Alert, PeerIncompatible};

pub(super) fn received(alert: Alert, side: Side) -> Error {
    let (name, why, cure) = match side {
        Side::Client => from_server(alert),
        Side::Server => from_client(alert),
    };
    let number = u8::from(alert);
    let cause = format!("the {} refused us: {}: {why} (alert {number})", peer(side), name.replace('-', " "));
    Error::new(name, cause).hint(cure).fact("alert", number)
}

/// The code that an alert is told by: its name, where it has one.
pub(super) fn code(alert: Alert) -> &'static str {
    from_server(alert).0
}

/// The alert that we sent about a failure, as the library picks it. None when the peer has spoken first, or the stream broke, and
/// for broken rules (`PeerMisbehaved`), where it depends on the message.
pub(super) fn sent(failure: &Failure, side: Side) -> Option<Alert> {
    let Failure::Tls(error) = failure else { return None };
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(why) => Some(why.clone().into()),
        Tls::InvalidCertRevocationList(_) => Some(Alert::HandshakeFailure),
        Tls::NoCertificatesPresented if side == Side::Server => Some(Alert::CertificateRequired),
        Tls::NoApplicationProtocol => Some(Alert::NoApplicationProtocol),
        Tls::InvalidMessage(why) => Some((*why).into()),
        Tls::InappropriateMessage { .. } | Tls::InappropriateHandshakeMessage { .. } => Some(Alert::UnexpectedMessage),
        Tls::PeerSentOversizedRecord => Some(Alert::RecordOverflow),
        Tls::DecryptError => Some(Alert::BadRecordMac),
        Tls::PeerIncompatible(why) => nothing_in_common(why),
        _ => None,
    }
}

fn nothing_in_common(why: &PeerIncompatible) -> Option<Alert> {
    use PeerIncompatible as No;
    Some(match why {
        No::Tls12NotOffered
        | No::Tls12NotOfferedOrEnabled
        | No::SupportedVersionsExtensionRequired
        | No::ServerDoesNotSupportTls12Or13
        | No::ServerTlsVersionIsDisabledByOurConfig => Alert::ProtocolVersion,
        No::NoKxGroupsInCommon
        | No::NoCipherSuitesInCommon
        | No::NoSignatureSchemesInCommon
        | No::SignatureAlgorithmsExtensionRequired
        | No::KeyShareExtensionRequired => Alert::HandshakeFailure,
        _ => return None,
    })
}

type Said = (&'static str, &'static str, &'static str);

/// A server speaks to its client: about the hello, or about the client's certificate.
fn from_server(alert: Alert) -> Said {
    const CERTIFICATE: &str = "show another certificate: --cert FILE --key FILE (docs/trust.md)";
    match alert {
        Alert::HandshakeFailure => (
            "handshake-failure",
            "it shares no version, suite, group or signature with us",
            "let us offer more: --min-tls 1.2; or see what it offers: openssl s_client -connect HOST:PORT (docs/tls.md)",
        ),
        Alert::ProtocolVersion => (
            "protocol-version",
            "it does not speak TLS 1.3",
            "if it must be: --min-tls 1.2; better, bring the server up to date (docs/tls.md)",
        ),
        Alert::CertificateRequired => {
            ("certificate-required", "it wants a certificate from us and got none", "show one: --cert FILE --key FILE (docs/trust.md)")
        }
        Alert::UnknownCA => (
            "unknown-ca",
            "it does not trust the authority that signed our certificate",
            "show one that its authority signed: --cert FILE --key FILE, or let the server trust yours (docs/trust.md)",
        ),
        Alert::BadCertificate => ("bad-certificate", "it finds our certificate bad", CERTIFICATE),
        Alert::UnsupportedCertificate => ("unsupported-certificate", "our certificate is of a kind that it can't use", CERTIFICATE),
        Alert::CertificateRevoked => ("certificate-revoked", "our certificate was taken back by its authority", CERTIFICATE),
        Alert::CertificateExpired => ("certificate-expired", "our certificate is out of date, or a clock is wrong", CERTIFICATE),
        Alert::CertificateUnknown => ("certificate-unknown", "it will not take our certificate, and does not say why", CERTIFICATE),
        Alert::AccessDenied => ("access-denied", "our certificate is good, but we may not come in", CERTIFICATE),
        Alert::UnrecognisedName => (
            "unrecognized-name",
            "it has no host of the name that we asked for",
            "ask for a name that it has: --servername NAME (docs/tls.md)",
        ),
        Alert::NoApplicationProtocol => (
            "no-application-protocol",
            "it speaks none of the protocols that we offered (ALPN)",
            "the server must allow http/1.1, or ask with tls:// (docs/tls.md)",
        ),
        other => in_general(other),
    }
}

/// A client speaks to its server: most often about the server's certificate.
fn from_client(alert: Alert) -> Said {
    const NAME: &str = "sign one for the name that it asks for: ./ca sign server NAME (docs/trust.md)";
    const ROOT: &str = "on the client: --cacert with the root of what we show, the lab's is certs/ca/root.crt; in a browser: http://localhost:8080/trust (docs/trust.md)";
    match alert {
        Alert::UnknownCA => ("unknown-ca", "it does not trust the authority that signed our certificate", ROOT),
        Alert::BadCertificate => ("bad-certificate", "it finds our certificate bad, often for being made for another name", NAME),
        Alert::CertificateUnknown => {
            ("certificate-unknown", "it will not take our certificate; browsers say this of an authority that they don't know", ROOT)
        }
        Alert::UnsupportedCertificate => ("unsupported-certificate", "our certificate is of a kind that it can't use", NAME),
        Alert::CertificateExpired => ("certificate-expired", "our certificate is out of date, or a clock is wrong", "renew it: make certs"),
        Alert::CertificateRevoked => {
            ("certificate-revoked", "our certificate was taken back by its authority", "make a new one: make certs")
        }
        Alert::HandshakeFailure => (
            "handshake-failure",
            "it shares no version, suite, group or signature with us",
            "look at what it offers in Wireshark (docs/wire.md)",
        ),
        Alert::ProtocolVersion => (
            "protocol-version",
            "it does not speak TLS 1.3",
            "bring the client up to date, or start the server with --min-tls 1.2 (docs/tls.md)",
        ),
        other => in_general(other),
    }
}

/// What either side may say about the other's messages.
fn in_general(alert: Alert) -> Said {
    const MESSAGES: &str = "see each message: ./client -v (docs/tls.md)";
    const ALTERED: &str = "something between the two may change bytes: try without proxy or antivirus (docs/wire.md)";
    match alert {
        Alert::UnexpectedMessage => ("unexpected-message", "a message came out of turn", MESSAGES),
        Alert::BadRecordMac => ("bad-record-mac", "a record could not be opened", ALTERED),
        Alert::RecordOverflow => ("record-overflow", "a record was too long", MESSAGES),
        Alert::IllegalParameter => ("illegal-parameter", "a field of our messages makes no sense to it", MESSAGES),
        Alert::DecodeError => ("decode-error", "a message of ours could not be read", MESSAGES),
        Alert::DecryptError => {
            ("decrypt-error", "a signature or a Finished did not fit: one side holds the wrong key, or bytes were changed", ALTERED)
        }
        Alert::InsufficientSecurity => ("insufficient-security", "what we offer is too weak for it", MESSAGES),
        Alert::InappropriateFallback => ("inappropriate-fallback", "we asked for less than both can do", MESSAGES),
        Alert::MissingExtension => ("missing-extension", "our hello lacks an extension that it needs", MESSAGES),
        Alert::UnsupportedExtension => ("unsupported-extension", "we answered what was not asked", MESSAGES),
        Alert::UnknownPSKIdentity => {
            ("unknown-psk-identity", "it does not know the ticket that we came with", "connect again: a full handshake needs no ticket")
        }
        Alert::UserCanceled => ("user-canceled", "somebody stopped it", "connect again"),
        Alert::InternalError => ("internal-error", "something broke on its side, not in TLS", "its log may say what"),
        Alert::CloseNotify => ("close-notify", "it closed before the handshake was done", "its log may say why"),
        _ => ("alert", "it says no more than a number", "the registry of TLS alerts says what it means: RFC 9846 6.2"),
    }
}
