//! The key log: a session's secrets, so that Wireshark can read what was captured (RFC 9850).
//!
//! Whoever has this file can read the sessions in it. It is written only when asked for, for its owner's eyes only.

use super::hex;
use crate::error::{Error, Result, of_system};
use rustls::KeyLog;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The key log that was asked for: `--keylog FILE`, else `SSLKEYLOGFILE`, else none.
pub fn key_log(flag: Option<&Path>) -> Result<Option<Arc<dyn KeyLog>>> {
    let asked = flag.map(Path::to_path_buf).or_else(|| std::env::var_os("SSLKEYLOGFILE").map(PathBuf::from));
    match asked.filter(|file| !file.as_os_str().is_empty()) {
        None => Ok(None),
        Some(file) => Ok(Some(Arc::new(KeyLogFile::append(&file)?))),
    }
}

/// One key log that tells all of these. `None` when there are none.
pub fn several(logs: impl IntoIterator<Item = Arc<dyn KeyLog>>) -> Option<Arc<dyn KeyLog>> {
    let mut logs: Vec<_> = logs.into_iter().collect();
    if logs.len() > 1 { Some(Arc::new(Several(logs))) } else { logs.pop() }
}

#[derive(Debug)]
struct Several(Vec<Arc<dyn KeyLog>>);

impl KeyLog for Several {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        self.0.iter().for_each(|log| log.log(label, client_random, secret));
    }
}

/// Appends a line for each secret: several programs may share one file, a reader may follow it.
struct KeyLogFile {
    name: PathBuf,
    file: File,
    failed: AtomicBool,
}

impl KeyLogFile {
    fn append(name: &Path) -> Result<KeyLogFile> {
        let unusable = |error: std::io::Error| {
            Error::new("key-log", format!("key log {}: {}", name.display(), of_system(&error)))
                .in_file(name)
                .hint("name a file that can be written: SSLKEYLOGFILE=/tmp/padlock.keylog, or unset SSLKEYLOGFILE")
        };
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(name).map_err(unusable)?;
        let mode = file.metadata().map_err(unusable)?.permissions().mode();
        if mode & 0o077 != 0 {
            log::warn!(target: "wire", "others may read the key log, and with it the sessions: chmod 600 {}", name.display());
        }
        Ok(KeyLogFile { name: name.to_path_buf(), file, failed: AtomicBool::new(false) })
    }
}

impl KeyLog for KeyLogFile {
    /// A session goes on when its secret can't be written; that is said once.
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        // One write for a line: with O_APPEND the lines of several sessions never mix.
        if let Err(error) = (&self.file).write_all(line.as_bytes())
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            log::warn!(target: "wire", "key log {}: {}, secrets are missing from it", self.name.display(), of_system(&error));
        }
    }
}

impl fmt::Debug for KeyLogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key log {}", self.name.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_key_log_is_for_its_owner_only_and_is_appended_to() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys");
        for random in [[0xab; 32], [0xcd; 32]] {
            key_log(Some(&file)).unwrap().unwrap().log("CLIENT_RANDOM", &random, &[0x01, 0xff]);
        }
        assert_eq!(mode(&file), 0o600);
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, format!("CLIENT_RANDOM {} 01ff\nCLIENT_RANDOM {} 01ff\n", "ab".repeat(32), "cd".repeat(32)));
    }

    #[test]
    fn a_key_log_that_cannot_be_opened_is_an_error_with_its_name() {
        let error = key_log(Some(Path::new("/nowhere/at/all"))).unwrap_err();
        assert_eq!(error.cause, "key log /nowhere/at/all: no such file or directory");
    }

    #[test]
    fn a_full_disk_does_not_end_the_session() {
        key_log(Some(Path::new("/dev/full"))).unwrap().unwrap().log("CLIENT_RANDOM", &[0; 32], &[0; 32]);
    }

    #[test]
    fn lines_of_many_threads_never_mix() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys");
        std::thread::scope(|scope| {
            for byte in 0..8u8 {
                let log = key_log(Some(&file)).unwrap().unwrap();
                scope.spawn(move || (0..50).for_each(|_| log.log("L", &[byte; 32], &[byte; 48])));
            }
        });
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 400);
        for line in text.lines() {
            let byte = &line[2..4];
            assert_eq!(line, format!("L {} {}", byte.repeat(32), byte.repeat(48)));
        }
    }
}
