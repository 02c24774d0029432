//! One change at a time: every process that changes the authority's files holds this lock while it does.

use crate::error::{Error, Result};
use crate::file;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Held until it is dropped, or until its process ends, however it ends: the kernel lets go of it then.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// A change takes milliseconds; whoever holds the lock for this long is stuck or stopped.
const PATIENCE: Duration = Duration::from_secs(10);

impl Lock {
    /// Waits for the authority's lock.
    ///
    /// # Errors
    /// There is no authority, somebody else has held it for too long, or the directory can't be written.
    pub fn take(ca: &Path) -> Result<Lock> {
        if !ca.is_dir() {
            return Err(super::missing(ca));
        }
        Lock::on(&ca.join(".lock"), ca)
    }

    /// Waits for the lock on the file at `path`, which is made if it is missing. `guarded` is what nobody else changes meanwhile.
    ///
    /// # Errors
    /// Somebody else has held it for too long, or the file can't be made.
    pub fn on(path: &Path, guarded: &Path) -> Result<Lock> {
        let file = open(path)?;
        let start = Instant::now();
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            if start.elapsed() > PATIENCE {
                return Err(Error::new(
                    "authority-busy",
                    format!("another process has been changing {} for {} s", guarded.display(), PATIENCE.as_secs()),
                )
                .hint(format!("see which one: fuser -v {}; end it, then run the same command again", path.display())));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(Lock { _file: file })
    }
}

/// Opens, or makes, a file of the authority's own that a lock is put on, or lines are added to.
///
/// # Errors
/// The directory can't be written.
pub fn open(path: &Path) -> Result<File> {
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    opened.map_err(|e| file::explain(&e, "write", path))
}
