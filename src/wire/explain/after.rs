//! What may follow a handshake: tickets and new keys.

use super::extension::{self, Place};
use super::{Reader, count, number};

/// RFC 9846 4.7.1.
pub fn new_session_ticket(reader: &mut Reader<'_>) -> Option<()> {
    const HERE: &str = "RFC 9846 4.7.1";
    reader.bytes("ticket_lifetime", 4, HERE, "the ticket is good for so long, a week at most", |bytes| {
        format!("{} s, {} h", number(bytes), number(bytes) / 3600)
    })?;
    reader.bytes(
        "ticket_age_add",
        4,
        HERE,
        "is added to the age when the ticket is used, so that nobody can link two sessions by it",
        count,
    )?;
    reader.vector("ticket_nonce", 1, HERE, "makes the PSK of this ticket unlike that of the next one", crate::wire::hex)?;
    reader.vector("ticket", 2, HERE, "all that the server must know again, sealed with a key that only it has", count)?;
    extension::list(reader, Place::NewSessionTicket)
}

/// RFC 9846 4.7.3.
pub fn key_update(reader: &mut Reader<'_>) -> Option<()> {
    reader.bytes("request_update", 1, "RFC 9846 4.7.3", "whether the other side must change its keys, too", |bytes| match bytes[0] {
        0 => "no".into(),
        1 => "yes".into(),
        other => other.to_string(),
    })?;
    Some(())
}
