//! What curl says, and what the system says through everybody.

use super::Phrase;

#[rustfmt::skip] // a table
pub(super) const CURL: &[Phrase] = &[
    ("no alternative certificate subject name matches target host name", "wrong-name"),
    ("no alternative certificate subject name matches target hostname", "wrong-name"),
    ("certificate subject name '", "wrong-name"),
    ("received http/0.9 when not allowed", "http-on-tls-port"),
    ("could not resolve host", "unknown-host"),
    ("couldn't connect to server", "nobody-listens cannot-connect"),
    ("failed to connect to", "nobody-listens cannot-connect"),
    ("empty reply from server", "empty-reply"),
    ("the requested url returned error", "http-error"),
    ("unable to set private key file", "key-mismatch not-a-key"),
    ("could not load pem client certificate", "not-a-certificate"),
    ("error setting certificate verify locations", "file-failed no-authority"),
    ("error setting certificate file", "file-failed no-authority"),
    ("error adding trust anchors from file", "not-a-certificate"),
    ("public key does not match pinned public key", "pinned-key"),
    ("alpn: server did not agree to a protocol", "no-alpn"),
    ("operation timed out", "timed-out"),
    ("connection timed out", "timed-out"),
    ("transfer closed with", "cut-short"),
];

#[rustfmt::skip] // a table
pub(super) const OTHERS: &[Phrase] = &[
    ("connection refused", "nobody-listens"),
    ("connection reset by peer", "reset"),
    ("broken pipe", "reset"),
    ("no route to host", "cannot-connect"),
    ("network is unreachable", "cannot-connect"),
    ("name or service not known", "unknown-host"),
    ("temporary failure in name resolution", "unknown-host"),
    ("this port speaks https", "http-on-tls-port"),
    ("the plain http request was sent to https port", "http-on-tls-port"),
    ("client sent a clienthello to the plain port", "tls-on-plain-port"),
];
