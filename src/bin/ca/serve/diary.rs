//! What the service did, one line each, in a file that only grows: `ca/requests.log`. What it signed is always written; of where it
//! signed nothing, so much that nobody can fill the disk.

use crate::say::fact;
use padlock::authority;
use padlock::error::{Result, printable};
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// So many requests are written for which nothing was signed …
const UNSIGNED: u32 = 100;
/// … in each such time: a few hundred kilobytes a day at most.
const WITHIN: Duration = Duration::from_secs(3_600);

pub struct Diary {
    file: File,
    unsigned: Mutex<Count>,
}

impl Diary {
    /// Goes on with the diary in `ca/`.
    ///
    /// # Errors
    /// It can't be written.
    pub fn open(ca: &Path) -> Result<Diary> {
        Ok(Diary { file: authority::open_own(&ca.join("requests.log"))?, unsigned: Mutex::default() })
    }

    /// Writes one line: when, from where, for which name, what.
    pub fn note(&self, remote: SocketAddr, name: &str, what: &str) {
        let (name, what) = (printable(name), printable(what));
        fact(&format!("{remote} {name}: {what}"));
        self.write(&format!("{remote} {name} {what}"));
    }

    /// The same where nothing was signed. Anybody can have that written, as often as they like.
    pub fn unsigned(&self, remote: SocketAddr, name: &str, what: &str) {
        let number = self.unsigned.lock().unwrap_or_else(PoisonError::into_inner).next(Instant::now());
        match number {
            ..=UNSIGNED => self.note(remote, name, what),
            _ => fact(&format!("{remote} {}: {}", printable(name), printable(what))),
        }
        if number == UNSIGNED {
            self.write("- - that was one of many for which nothing was signed: more are not written within this hour");
        }
    }

    /// Why nothing was signed.
    pub fn refused(&self, remote: SocketAddr, name: &str, why: &str) {
        self.unsigned(remote, name, &format!("refused: {why}"));
    }

    /// One write(2) in append mode, so lines never mix.
    fn write(&self, what: &str) {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let line = format!("{} {what}\n", now.format(&Rfc3339).unwrap_or_default());
        if let Err(e) = (&self.file).write_all(line.as_bytes()) {
            log::error!(target: "authority", "requests.log can't be written: {e}");
        }
    }
}

/// How many there were in this hour.
#[derive(Default)]
struct Count {
    since: Option<Instant>,
    number: u32,
}

impl Count {
    /// The number of one more.
    fn next(&mut self, now: Instant) -> u32 {
        if self.since.is_none_or(|since| now.duration_since(since) >= WITHIN) {
            *self = Count { since: Some(now), number: 0 };
        }
        self.number = self.number.saturating_add(1);
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_is_counted_anew() {
        let (mut count, now) = (Count::default(), Instant::now());
        assert_eq!((1..=200).map(|_| count.next(now)).last(), Some(200));
        assert_eq!(count.next(now + WITHIN - Duration::from_nanos(1)), 201);
        assert_eq!(count.next(now + WITHIN), 1);
    }
}
