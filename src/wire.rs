mod key_log;

pub use key_log::key_log;

/// What a stranger's first bytes say about the language that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// A TLS handshake record (RFC 9846 5.1): content type 22.
    Tls,
    /// Letters: an HTTP method, most likely.
    Http,
    /// The peer closed before it said anything.
    Nothing,
    Other,
}

impl First {
    pub fn of(bytes: &[u8]) -> First {
        match bytes.first() {
            None => First::Nothing,
            Some(0x16) => First::Tls,
            Some(b) if b.is_ascii_alphabetic() => First::Http,
            Some(_) => First::Other,
        }
    }
}
