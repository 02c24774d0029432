//! The file of a capture: batches of whole blocks, parts of bounded size, and an end when the disk is full.

use super::pcapng;
use crate::error::of_system;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What was seen is in the file at most so much later; a write(2) for each packet would cost as much as the packet.
pub const DELAY: Duration = Duration::from_millis(100);
/// With so much to write, no need to wait.
const BATCH: usize = 128 * 1024;

/// The file, and what is not written yet.
pub struct Book {
    name: PathBuf,
    limit: u64,
    /// `None` when it could not be written any more.
    file: Option<File>,
    /// Something else than a file: a pipe to Wireshark, say. It has no parts.
    is_pipe: bool,
    waiting: Vec<u8>,
    written: u64,
    last: SystemTime,
}

impl Book {
    pub fn open(name: &Path, limit: u64) -> std::io::Result<Book> {
        // What a link points to is replaced, never the link: /dev/stdout is one.
        let name = &fs::canonicalize(name).unwrap_or_else(|_| name.to_path_buf());
        let is_pipe = fs::metadata(name).is_ok_and(|there| !there.is_file());
        let file = Some(begin_part(name, is_pipe)?);
        let mut waiting = Vec::with_capacity(2 * BATCH);
        pcapng::start(&mut waiting);
        let mut book = Book { name: name.to_path_buf(), limit, file, is_pipe, waiting, written: 0, last: UNIX_EPOCH };
        book.flush();
        Ok(book)
    }

    /// Adds whole blocks.
    pub fn add(&mut self, now: SystemTime, write: impl FnOnce(&mut Vec<u8>)) {
        if self.file.is_none() {
            return;
        }
        write(&mut self.waiting);
        if self.waiting.len() >= BATCH || now.duration_since(self.last).is_ok_and(|time| time >= DELAY) {
            self.last = now;
            self.flush();
        }
    }

    pub fn flush(&mut self) {
        let Some(file) = &mut self.file else { return };
        if self.waiting.is_empty() {
            return;
        }
        if let Err(error) = file.write_all(&self.waiting) {
            let _ = file.set_len(self.written); // a part of a block is nothing to a reader
            return self.give_up(&error);
        }
        self.written += self.waiting.len() as u64;
        self.waiting.clear();
        if self.written >= self.limit && !self.is_pipe {
            match begin_part(&self.name, false) {
                Ok(file) => {
                    (self.file, self.written) = (Some(file), 0);
                    pcapng::start(&mut self.waiting);
                }
                Err(error) => self.give_up(&error),
            }
        }
    }

    /// Whoever is served must not notice, so it is said once, and that was the capture.
    fn give_up(&mut self, error: &std::io::Error) {
        log::warn!(target: "wire", "capture {}: {}; it ends here, all else goes on", self.name.display(), of_system(error));
        (self.file, self.waiting) = (None, Vec::new());
    }
}

/// A new, empty file. Never one that others may have open, or may read.
fn begin_part(name: &Path, is_pipe: bool) -> std::io::Result<File> {
    if is_pipe {
        return OpenOptions::new().write(true).open(name);
    }
    if name.exists() {
        fs::rename(name, earlier(name))?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(name)
}

/// `lesson.1.pcapng` of `lesson.pcapng`.
fn earlier(name: &Path) -> PathBuf {
    let extension = name.extension().map(|extension| format!("1.{}", extension.to_string_lossy()));
    name.with_extension(extension.unwrap_or_else(|| "1".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_and_leads_to_the_capture() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("lesson.pcapng"), dir.path().join("link"));
        fs::write(&file, "the lesson before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        Book::open(&link, u64::MAX).unwrap();
        assert!(link.is_symlink());
        assert!(fs::read(&link).unwrap().starts_with(&pcapng::SECTION_HEADER.to_le_bytes()));
        assert_eq!(fs::read(earlier(&file)).unwrap(), b"the lesson before");
    }
}
