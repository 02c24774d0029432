mod book;
mod capture;
mod dissect;
mod explain;
mod flow;
mod hello;
mod illustration;
mod key_log;
mod message;
mod packet;
mod pcapng;
mod recording;
mod records;
mod registry;
mod schedule;
mod sealed;
mod session;
mod steps;
mod stranger;
mod tap;
mod trace;
mod transcript;

pub use capture::Capture;
pub use dissect::{Connection, Dissected, dissect};
pub use explain::{About, Field, address, explain};
pub use flow::{End, Flow};
pub use hello::{ClientHello, ServerHello};
pub use illustration::{Illustration, Item, Sealed, Shown};
pub use key_log::{key_log, several};
pub use recording::{KEPT, Kept, Recording};
pub use records::{Record, Records};
pub use registry::group;
pub use schedule::{Keys, Known, Schedule, Secret, Suite};
pub use sealed::{Opened, Opener};
pub use session::{Inside, Seen, Session, Speaker};
pub use steps::Step;
pub use stranger::{Sight, Stranger};
pub use tap::{Direction, Socket, Tap, Watcher};
pub use trace::Trace;
pub use transcript::Transcript;

use std::fmt::Write;

/// What a stranger's first bytes say about the language that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// A TLS handshake record (RFC 9846 5.1): content type 22.
    Tls,
    /// The same, from a client that knows no TLS newer than 1.1.
    OldTls,
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
            // Behind a record's header (5 bytes) and a message's (4), a ClientHello begins with the newest version that the
            // client knows; 0x0303 for TLS 1.2 and everything since (RFC 9846 4.2.2).
            Some(0x16) if matches!(bytes.get(5..11), Some([1, .., 3, 0..3])) => First::OldTls,
            Some(0x16) => First::Tls,
            Some(b) if b.is_ascii_alphabetic() => First::Http,
            Some(_) => First::Other,
        }
    }
}

/// The alert protocol_version, in a record as old clients know it. rustls would say handshake_failure to them, since they lack
/// an extension that they can't have; the RFC asks for this one (RFC 9846 E.2).
pub const PROTOCOL_VERSION_ALERT: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];

/// Bytes as people read them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
