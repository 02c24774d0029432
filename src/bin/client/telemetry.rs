//! The linked example: once readings were asked for, their numbers are checked.

use padlock::error::{Error, Result};
use padlock::mutual::{Line, Lines, Sequence};

/// Looks at both directions of a session, and changes neither.
pub struct Telemetry {
    /// Until the first line that is none: then this is no conversation in lines.
    sent: Option<Lines>,
    /// Since readings were asked for.
    received: Option<Lines>,
    sequence: Sequence,
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry { sent: Some(Lines::default()), received: None, sequence: Sequence::default() }
    }
}

impl Telemetry {
    /// Waits for the line `telemetry N`.
    pub fn sends(&mut self, piece: &[u8]) {
        let Some(sent) = &mut self.sent else { return };
        sent.keep(piece);
        while let Some(line) = sent.ready() {
            match line {
                Line::Text(text) if text.strip_prefix("telemetry ").is_some_and(|count| count.trim().parse::<u32>().is_ok()) => {
                    self.received.get_or_insert_default();
                }
                Line::Text(_) => {}
                Line::Refused(_) | Line::End => {
                    self.sent = None;
                    return;
                }
            }
        }
    }

    /// Checks the readings among what has come.
    ///
    /// # Errors
    /// A number is missing or comes twice, or the stream is not in lines.
    pub fn received(&mut self, piece: &[u8]) -> Result<()> {
        let Some(received) = &mut self.received else { return Ok(()) };
        received.keep(piece);
        while let Some(line) = received.ready() {
            match line {
                Line::Text(text) => self.sequence.check(&text).map_err(gap)?,
                Line::Refused(why) => return Err(not_lines(why)),
                Line::End => break,
            }
        }
        Ok(())
    }
}

fn gap(expected: u64) -> Error {
    Error::new("sequence", format!("sequence number error, expected: {expected}"))
        .hint("TLS loses nothing on the way: the sender left one out, or one side cuts its lines wrong (docs/mutual.md)")
}

fn not_lines(why: &str) -> Error {
    Error::new("not-lines", format!("what the server sends is no telemetry: {why}"))
        .hint("ask a server that sends lines: tls://localhost:8000 (docs/mutual.md)")
}
