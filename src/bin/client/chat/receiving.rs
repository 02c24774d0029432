//! Files from peers: kept in `received/`, under a clean name that is new, when all of it has come and is what was announced.

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64;
use padlock::chat::file_name;
use padlock::error::{Error, Result};
use padlock::key::hex;
use rustix::fs::{FlockOperation, flock};
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Where files from others go.
const RECEIVED: &str = "received";
/// So many files may be there. None is larger than what is taken at once, so this bounds the disk as well.
const RECEIVED_MAX: usize = 250;
/// What the name of a file begins with that has not come in full.
const COMING: &str = ".receiving-";

/// Removes what a client that was killed has left in `received/`. A file that still comes is locked by whoever receives it.
pub fn sweep() {
    let Ok(entries) = fs::read_dir(RECEIVED) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(COMING)) {
        // What is no file of ours is left alone.
        let ours = entry.file_type().is_ok_and(|kind| kind.is_file());
        let left = ours && fs::File::open(entry.path()).is_ok_and(|file| lock(&file) && fs::remove_file(entry.path()).is_ok());
        if left {
            log::info!(target: "chat", "{} was left by a client that was killed: removed", entry.path().display());
        }
    }
}

/// A file that is on its way to us.
pub struct Incoming {
    /// As the peer calls it.
    pub said: String,
    size: u64,
    sha256: String,
    file: NamedTempFile,
    taken: u64,
    hash: Context,
}

/// What a piece has brought.
pub enum Step {
    More(Incoming),
    Done(Received),
}

/// What was received, and where it is.
pub struct Received {
    path: PathBuf,
    size: u64,
    sha256: String,
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bytes, SHA-256 {}", self.path.display(), self.size, self.sha256)
    }
}

impl Incoming {
    /// Makes room for it.
    ///
    /// # Errors
    /// It is larger than what is taken here, or `received/` is full or can't be written.
    pub fn new(said: &str, size: u64, sha256: &str, max: usize) -> Result<Incoming> {
        if size > max as u64 {
            return Err(too_large(size, max));
        }
        let file = room(Path::new(RECEIVED))?;
        Ok(Incoming { said: said.to_owned(), size, sha256: sha256.to_owned(), file, taken: 0, hash: Context::new(&SHA256) })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// It is not what was announced, or the disk is full. Nothing of the file stays.
    pub fn add(mut self, data: &str) -> Result<Step> {
        let wrong = |what: &str| Error::new("file-wrong", what);
        let bytes = BASE64.decode(data.as_bytes()).map_err(|_| wrong("a piece is not base64"))?;
        self.taken += bytes.len() as u64;
        if self.taken > self.size {
            return Err(wrong("more came than was announced"));
        }
        self.file.write_all(&bytes).map_err(|e| padlock::file::explain(&e, "write", Path::new(RECEIVED)))?;
        self.hash.update(&bytes);
        if self.taken < self.size { Ok(Step::More(self)) } else { self.keep().map(Step::Done) }
    }

    fn keep(self) -> Result<Received> {
        let Incoming { said, size, sha256, mut file, hash, .. } = self;
        if hex(hash.finish().as_ref()).to_ascii_lowercase() != sha256 {
            return Err(Error::new("file-wrong", "its SHA-256 is not the one that was announced"));
        }
        let name = file_name(&said);
        let mut path = Path::new(RECEIVED).join(&name);
        for number in 1.. {
            match file.persist_noclobber(&path) {
                Ok(_) => break,
                Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => file = e.file,
                Err(e) => return Err(padlock::file::explain(&e.error, "write", &path)),
            }
            path.set_file_name(format!("{name}.{number}"));
        }
        Ok(Received { path, size, sha256 })
    }
}

/// A new file in `directory`, locked, if there is room for one more.
fn room(directory: &Path) -> Result<NamedTempFile> {
    fs::create_dir_all(directory).map_err(|e| padlock::file::explain(&e, "make", directory))?;
    let failed = |e: io::Error| padlock::file::explain(&e, "write", directory);
    if fs::read_dir(directory).map_err(failed)?.count() >= RECEIVED_MAX {
        return Err(Error::new("received-full", format!("{RECEIVED_MAX} files are in {RECEIVED}/ already, and that is the limit"))
            .hint("whoever receives has to tidy up there"));
    }
    loop {
        let file = tempfile::Builder::new().prefix(COMING).tempfile_in(directory).map_err(failed)?;
        // A client that starts at this moment may have found it before the lock, and swept it away.
        if lock(file.as_file()) && file.as_file().metadata().map_err(failed)?.nlink() == 1 {
            return Ok(file);
        }
    }
}

/// Held as long as the file is open, and so not after a kill. False when somebody else has it.
fn lock(file: &fs::File) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// More than may be sent, or is taken.
pub fn too_large(size: u64, max: usize) -> Error {
    Error::new("file-too-large", format!("{size} bytes are more than the {max} that are taken"))
        .hint("both sides may allow more: --max-file 16m")
}
