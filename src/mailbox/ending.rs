//! What the library says at the end of a conversation, in the terms of the RFC.

use super::Ended;
use crate::tls::Failure;
use std::io;
use tungstenite::{
    Error as Problem,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Both have said Close. For a code that may never be sent (RFC 6455 7.4.2), tungstenite has answered 1002, and shows the answer
/// in place of what was sent.
pub fn parted(frame: Option<CloseFrame>) -> Ended {
    match frame {
        Some(frame) if frame.code == CloseCode::Protocol && frame.reason == "Protocol violation" => {
            Ended::Refused(CloseCode::Protocol, "a close code that may not be sent".into())
        }
        frame => Ended::Closed(frame),
    }
}

/// Which rule was broken, as the code to close with (RFC 6455 7.4.1).
pub fn judge(problem: Problem) -> Ended {
    match problem {
        Problem::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ended::Lost(Failure::Io(io::ErrorKind::UnexpectedEof.into())),
        Problem::Protocol(rule) => Ended::Refused(CloseCode::Protocol, rule.to_string().to_lowercase()),
        Problem::Capacity(limit) => Ended::Refused(CloseCode::Size, limit.to_string().to_lowercase()),
        Problem::Utf8(_) => Ended::Refused(CloseCode::Invalid, "text that is not utf-8".into()),
        Problem::Io(e) => Ended::Lost(Failure::from(e)),
        other => Ended::Refused(CloseCode::Error, other.to_string().to_lowercase()),
    }
}
