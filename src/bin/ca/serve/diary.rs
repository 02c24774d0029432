//! What the service did, one line each, in a file that only grows: `ca/requests.log`.

use crate::say::fact;
use padlock::authority;
use padlock::error::{Result, printable};
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub struct Diary {
    file: File,
}

impl Diary {
    /// Goes on with the diary in `ca/`.
    ///
    /// # Errors
    /// It can't be written.
    pub fn open(ca: &Path) -> Result<Diary> {
        Ok(Diary { file: authority::open_own(&ca.join("requests.log"))? })
    }

    /// Writes one line: when, from where, for which name, what. One write(2) in append mode, so lines never mix.
    pub fn note(&self, remote: SocketAddr, name: &str, what: &str) {
        let (name, what) = (printable(name), printable(what));
        fact(&format!("{remote} {name}: {what}"));
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let line = format!("{} {remote} {name} {what}\n", now.format(&Rfc3339).unwrap_or_default());
        if let Err(e) = (&self.file).write_all(line.as_bytes()) {
            log::error!(target: "authority", "requests.log can't be written: {e}");
        }
    }
}
