use crate::{
    certificate::{Name, summary},
    error::{Result, printable},
};
use rustls::pki_types::CertificateDer;
use std::{
    io::{self, Read, Write},
    thread,
    time::{Duration, Instant},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The end of a user's only name: `alice.users.test` is alice. See [`authority`](crate::authority).
const USERS: &str = ".users.test";
/// A line that does not end within so many bytes is refused: somebody has to remember it until it ends.
pub const LINE_MAX: usize = 64 * 1024;
/// What is read at once.
const PIECE: usize = 4 * 1024;
/// Telemetry comes two lines at a time …
const AT_A_TIME: u64 = 2;
/// … with so long between.
const INTERVAL: Duration = Duration::from_millis(100);

/// Who the peer is, by the leaf of a chain that [`trust`](crate::trust) has believed: a user's short name, else the first name
/// that the certificate was made for. Never its CN, which anybody may have written there and nothing has checked (RFC 9525 2).
pub fn name_of(chain: &[CertificateDer<'_>]) -> Result<Option<String>> {
    let Some(leaf) = chain.first() else { return Ok(None) };
    let first = summary(leaf)?.names.into_iter().next();
    Ok(first.map(|name| match name {
        Name::Dns(name) => name.strip_suffix(USERS).map(str::to_owned).unwrap_or(name),
        Name::Ip(address) => address.to_string(),
        other => other.to_string(),
    }))
}

/// One message of a stream of lines.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A whole line, without its end.
    Text(String),
    /// Longer than [`LINE_MAX`], or not UTF-8: nobody knows where the next line begins, so the stream is of no more use.
    Refused(&'static str),
    /// The stream has ended. What stood there without a line's end is not a message.
    End,
}

/// Cuts a stream into lines.
///
/// TCP and TLS carry bytes, not messages: two lines may arrive together, one may arrive in pieces, and a character of several
/// bytes may be cut in two. So bytes are kept until the line's end is there, and only then looked at as text.
#[derive(Default)]
pub struct Lines {
    kept: Vec<u8>,
    /// Up to here, there is no line's end in `kept`.
    searched: usize,
}

impl Lines {
    /// The next line; waits for it.
    pub fn next(&mut self, stream: &mut impl Read) -> io::Result<Line> {
        loop {
            if let Some(line) = self.ready() {
                return Ok(line);
            }
            let mut piece = [0; PIECE];
            match stream.read(&mut piece)? {
                0 => return Ok(Line::End),
                n => self.keep(&piece[..n]),
            }
        }
    }

    /// Adds what has arrived.
    pub fn keep(&mut self, piece: &[u8]) {
        self.kept.extend_from_slice(piece);
    }

    /// The next line, if it is whole.
    pub fn ready(&mut self) -> Option<Line> {
        match self.kept[self.searched..].iter().position(|byte| *byte == b'\n') {
            Some(length) => Some(self.take(self.searched + length)),
            None => {
                self.searched = self.kept.len();
                (self.searched > LINE_MAX).then_some(TOO_LONG)
            }
        }
    }

    /// Takes the line that ends at `end`.
    fn take(&mut self, end: usize) -> Line {
        let mut line: Vec<u8> = self.kept.drain(..=end).collect();
        self.searched = 0;
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.len() > LINE_MAX {
            return TOO_LONG;
        }
        String::from_utf8(line).map_or(Line::Refused("a line is not UTF-8"), Line::Text)
    }
}

const TOO_LONG: Line = Line::Refused("a line is longer than 65536 bytes");

/// The hello service: greets whoever the handshake has proved, then says every line again. On the line `telemetry N` it sends
/// N readings. Ends when the peer ends it, `stop` says so, or the peer breaks the rules of [`Lines`]: then this gives which.
pub fn hello(stream: &mut (impl Read + Write), who: Option<&str>, stop: impl Fn() -> bool) -> io::Result<Option<&'static str>> {
    writeln(stream, &format!("hello {}", who.map_or("stranger".into(), printable)))?;
    let (mut lines, mut next) = (Lines::default(), 0);
    loop {
        match lines.next(stream)? {
            Line::Text(line) => match line.strip_prefix("telemetry ").and_then(|n| n.trim().parse().ok()) {
                Some(count) => send_readings(stream, count, &mut next, &stop)?,
                None => writeln(stream, &line)?,
            },
            Line::Refused(why) => {
                writeln(stream, &format!("refused: {why}"))?;
                return Ok(Some(why));
            }
            Line::End => return Ok(None),
        }
        if stop() {
            return Ok(None);
        }
    }
}

/// Two readings every 100 ms. While they are sent nothing is read: one thread does one thing at a time. Where both directions
/// must go on at once, see [`mailbox`](crate::mailbox).
fn send_readings(stream: &mut impl Write, count: u32, next: &mut u64, stop: impl Fn() -> bool) -> io::Result<()> {
    let (started, end) = (Instant::now(), *next + u64::from(count));
    for pair in 1.. {
        let until = end.min(*next + AT_A_TIME);
        let both: String = (*next..until).map(|sequence| Reading::now(sequence).to_line()).collect();
        stream.write_all(both.as_bytes())?;
        *next = until;
        if until == end || stop() {
            break;
        }
        thread::sleep((INTERVAL * pair).saturating_sub(started.elapsed())); // by the clock, so that delays do not add up
    }
    Ok(())
}

/// What a weather station might send.
#[derive(serde::Serialize, serde::Deserialize)]
struct Reading {
    tag: String,
    date: String,
    latitude: f64,
    longitude: f64,
    #[serde(rename = "seqNo")]
    sequence: u64,
}

impl Reading {
    fn now(sequence: u64) -> Reading {
        let date = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        Reading { tag: "Helsinki".into(), date, latitude: 60.1708, longitude: 24.9375, sequence }
    }

    fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// The receiver's side of telemetry: each connection counts from 0, and a number that is missing means that something was lost.
#[derive(Default)]
pub struct Sequence {
    expected: u64,
}

impl Sequence {
    /// Looks at one line. A line that is no reading is none of ours. `Err` is the number that should have come.
    pub fn check(&mut self, line: &str) -> std::result::Result<(), u64> {
        let Ok(reading) = serde_json::from_str::<Reading>(line) else { return Ok(()) };
        if reading.sequence != self.expected {
            return Err(self.expected);
        }
        self.expected += 1;
        Ok(())
    }
}

fn writeln(stream: &mut impl Write, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests;
