//! The ledger: every certificate that was ever signed, and which of them are taken back.
//!
//! It is the database of `openssl ca`, line by line, so that OpenSSL can read it and go on with it. One line is one
//! certificate: status, end of validity, revocation, serial, file, subject, with tabs between them.

use crate::error::{Error, Result};
use crate::file::{self, Readers};
use std::fmt;
use std::path::{Path, PathBuf};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// All entries of one issuer, in the order in which they were signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    pub entries: Vec<Entry>,
}

/// One certificate that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub status: Status,
    pub not_after: OffsetDateTime,
    /// Upper-case hex, whole bytes.
    pub serial: String,
    /// `unknown`, as OpenSSL writes it: the file's name follows from the serial.
    pub file: String,
    /// `/CN=localhost`
    pub subject: String,
}

/// The first column of an entry, with what the third adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// `V`
    Valid,
    /// `E`: `openssl ca -updatedb` writes it. We only look at the date.
    Expired,
    /// `R`: taken back at that time; the reason as OpenSSL spells it (RFC 5280 5.3.1).
    Revoked { at: OffsetDateTime, reason: Option<String> },
}

impl Ledger {
    /// Reads `index.txt`.
    ///
    /// # Errors
    /// It can't be read, or a line is not one of a ledger: the error names it.
    pub fn load(directory: &Path) -> Result<Ledger> {
        let path = index(directory);
        let bytes = file::read(&path)?;
        let text = String::from_utf8(bytes).map_err(|_| damaged(&path, 0, "it is not text"))?;
        Ledger::parse(&text).map_err(|(line, why)| damaged(&path, line, why))
    }

    /// Reads the text of a ledger. Empty lines and lines that begin with `#` say nothing.
    ///
    /// # Errors
    /// The number of the line that is not an entry, and why.
    pub fn parse(text: &str) -> Result<Ledger, (usize, &'static str)> {
        let lines = text.split('\n').enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let entries = lines.map(|(number, line)| Entry::parse(line).map_err(|why| (number + 1, why)));
        Ok(Ledger { entries: entries.collect::<Result<_, _>>()? })
    }

    /// Writes `index.txt`, whole or not at all.
    ///
    /// # Errors
    /// The disk is full or read-only; the old ledger is then still there.
    pub fn save(&self, directory: &Path) -> Result<()> {
        file::write(&index(directory), self.to_string().as_bytes(), Readers::Owner)
    }

    /// The entry of this serial.
    pub fn find(&mut self, serial: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.serial == serial)
    }

    /// The entries that were taken back.
    pub fn revoked(&self) -> impl Iterator<Item = (&Entry, OffsetDateTime, Option<&str>)> {
        self.entries.iter().filter_map(|entry| match &entry.status {
            Status::Revoked { at, reason } => Some((entry, *at, reason.as_deref())),
            _ => None,
        })
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl Entry {
    fn parse(line: &str) -> Result<Entry, &'static str> {
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err("it holds a control character; line ends are plain LF");
        }
        let columns = split(line);
        let [status, not_after, revoked, serial, file, subject] = columns[..] else {
            return Err("it does not have six columns with tabs between them");
        };
        let status = match (status, revoked) {
            ("V", "") => Status::Valid,
            ("E", "") => Status::Expired,
            ("R", revoked) => {
                let (at, reason) = revoked.split_once(',').map_or((revoked, None), |(at, reason)| (at, Some(reason.to_string())));
                Status::Revoked { at: time(at).ok_or("the time of its revocation is not YYMMDDHHMMSSZ")?, reason }
            }
            ("V" | "E", _) => return Err("it has a time of revocation, but is not marked R"),
            _ => return Err("it begins with something else than V, R or E"),
        };
        if serial.is_empty() || serial.len() % 2 == 1 || !serial.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')) {
            return Err("its serial is not upper-case hex of whole bytes");
        }
        let not_after = time(not_after).ok_or("the end of its validity is not YYMMDDHHMMSSZ")?;
        Ok(Entry { status, not_after, serial: serial.into(), file: file.into(), subject: subject.into() })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, revoked) = match &self.status {
            Status::Valid => ("V", String::new()),
            Status::Expired => ("E", String::new()),
            Status::Revoked { at, reason: None } => ("R", stamp(*at)),
            Status::Revoked { at, reason: Some(reason) } => ("R", format!("{},{reason}", stamp(*at))),
        };
        write!(f, "{letter}\t{}\t{revoked}\t{}\t{}\t{}", stamp(self.not_after), self.serial, self.file, self.subject)
    }
}

/// The columns of a line. OpenSSL writes a tab inside of a column with a backslash before it.
fn split(line: &str) -> Vec<&str> {
    let (mut columns, mut start, mut before) = (Vec::new(), 0, None);
    for (at, c) in line.char_indices() {
        if c == '\t' && before != Some('\\') {
            columns.push(&line[start..at]);
            start = at + 1;
        }
        before = Some(c);
    }
    columns.push(&line[start..]);
    columns
}

// As in certificates (RFC 5280 4.1.2.5): two digits for the year mean 1950 to 2049, later years have four.
const SHORT: &[BorrowedFormatItem<'_>] = format_description!("[year repr:last_two][month][day][hour][minute][second]Z");
const LONG: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day][hour][minute][second]Z");

/// A time as the ledger writes it.
pub fn stamp(time: OffsetDateTime) -> String {
    let format = if (1950..2050).contains(&time.year()) { SHORT } else { LONG };
    time.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

fn time(text: &str) -> Option<OffsetDateTime> {
    /// `YYMMDDHHMMSSZ`
    const SHORT_LENGTH: usize = 13;
    if !text.is_ascii() {
        return None;
    }
    let full = match text.len() {
        SHORT_LENGTH => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        _ => text.to_string(),
    };
    Some(PrimitiveDateTime::parse(&full, LONG).ok()?.assume_utc())
}

/// Where the ledger of an issuer lies.
pub fn index(directory: &Path) -> PathBuf {
    directory.join("index.txt")
}

fn damaged(path: &Path, line: usize, why: &str) -> Error {
    let place = if line == 0 { String::new() } else { format!(", line {line}") };
    Error::new("ledger-damaged", format!("the ledger {}{place} is damaged: {why}", path.display()))
        .in_file(path)
        .hint("mend the line by hand (certs/README.md shows the columns); nothing is signed until it can be read")
}
