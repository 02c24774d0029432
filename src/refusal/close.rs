//! The codes with which a peer closes a WebSocket (RFC 6455 7.4), in words.

use crate::certificate::escape;
use crate::error::{Error, exit};

/// Why the server closed, unless that was the end of a healthy conversation (1000, 1001, or no code at all).
pub fn closed(code: u16, reason: &str) -> Option<Error> {
    const CHANGE: &str = "what we send must change (docs/websocket.md)";
    let (name, hint) = match code {
        1000 | 1001 | 1005 => return None,
        1002 => ("protocol error", "one side breaks RFC 6455: see what was sent (docs/websocket.md)"),
        1003 => ("it can't take this kind of data", CHANGE),
        1007 => ("it could not read the text", CHANGE),
        1008 => ("against its rules", CHANGE),
        1009 => ("too long a message", "send less at once, or start the server with a larger --max-message (docs/websocket.md)"),
        1010 => ("it lacks an extension", CHANGE),
        1011 => ("an error on its side", "the server's log may say what"),
        1012 => ("it restarts", "connect again in a moment: --reconnect"),
        1013 => ("it has too much to do, or we read too slowly", "connect again later: --reconnect"),
        3000 => ("not authorised", "say who you are first (docs/websocket.md)"),
        3003 => ("forbidden", CHANGE),
        3008 => ("it took too long", "answer sooner, or connect again: --reconnect"),
        _ => ("for a reason of its own", "its documentation may say what this code means; 4000 to 4999 are private"),
    };
    let said = if reason.is_empty() { String::new() } else { format!(": {}", escape(reason)) };
    Some(
        Error::new("closed-with-code", format!("the server closed the WebSocket: {name} (close code {code}){said}"))
            .hint(hint)
            .exit(exit::RECEIVE),
    )
}
