//! What `make certs` needs: which files are due, and a lock around the whole of it.

use crate::options;
use crate::say::{answer, fact};
use padlock::authority::{self, Places, open_own};
use padlock::error::{Error, Result};
use padlock::file::{self, Readers};
use rustix::fs::{FlockOperation, flock};
use rustix::io::{FdFlags, fcntl_setfd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// `ca gallery`: the wrong certificates that the server shows under names of their own.
pub fn gallery(places: &Places) -> Result<()> {
    authority::gallery::make(places)?;
    fact(&format!("made {} certificates for the gallery: {}", authority::gallery::ENTRIES.len(), places.gallery().display()));
    Ok(())
}

/// `ca due FILE…`: prints those that have to be made again, and says why.
pub fn due(places: &Places, options: &options::Due) -> Result<()> {
    let mut files = String::new();
    for path in &options.files {
        if let Some(why) = authority::due(places, path)? {
            fact(&format!("{} is made again: {why}", path.display()));
            files += &format!("{}\n", path.display());
        }
    }
    answer(&files)
}

/// `ca alone COMMAND…`: becomes the command, holding a lock that ends when the command and all its children have.
pub fn alone(places: &Places, options: &options::Alone) -> Result<()> {
    file::directory(&places.dir, Readers::Everyone)?;
    let lock = open_own(&places.dir.join(".making"))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(Error::new("certs-busy", format!("another make certs is at work in {}", places.dir.display()))
            .hint("let it end, then run make certs again"));
    }
    let handed_on = fcntl_setfd(&lock, FdFlags::empty());
    handed_on.map_err(|e| Error::new("lock", format!("can't hand on the lock: {e}")))?;
    let (program, rest) = options.command.split_first().ok_or_else(|| Error::new("usage", "which command?"))?;
    let failed = Command::new(program).args(rest).exec();
    Err(Error::new("command", format!("can't run {program}: {failed}")))
}
