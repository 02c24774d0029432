//! Beneath the words: a file is written whole or not at all, and a disk that says no is explained.
//!
//! Everything that `ca` makes goes through [`write()`] or [`create`]: a temporary file beside the target, flushed to the
//! disk, then moved into place in one step. Whoever looks, and whenever the power fails, sees the old file or the new
//! one, never half of one.

use crate::error::{Error, Result, of_system};
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Who may read what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Mode 0600, directories 0700: private keys and what belongs to the authority alone.
    Owner,
    /// Mode 0644, directories 0755, less what the umask takes away: certificates are public.
    Everyone,
}

/// No key, certificate or ledger of a lab comes near this; without a limit `--cert /dev/zero` would eat the memory.
pub const LARGEST: u64 = 16 * 1024 * 1024;

/// How the name of a file begins that is not yet whole.
const UNFINISHED: &str = ".new-";

/// Replaces `path` by `bytes` in one step.
///
/// # Errors
/// The disk is full or read-only, or the directory is missing or not ours. The old file is then still there.
pub fn write(path: &Path, bytes: &[u8], readers: Readers) -> Result<()> {
    place(path, bytes, readers, true).map_err(|e| explain(&e, "write", path))
}

/// Writes a new file and refuses to replace one.
///
/// # Errors
/// As [`write()`], and when `path` is there already.
pub fn create(path: &Path, bytes: &[u8], readers: Readers) -> Result<()> {
    place(path, bytes, readers, false).map_err(|e| explain(&e, "write", path))
}

/// Reads all of a file.
///
/// # Errors
/// It is missing, a directory, not ours to read, or larger than [`LARGEST`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| explain(&e, "read", path))?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| explain(&e, "read", path))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new("file-too-large", format!("{} is larger than {} MiB", path.display(), LARGEST >> 20))
            .hint("no key, certificate or ledger is; check the file's name")
            .in_file(path));
    }
    Ok(bytes)
}

/// Makes a directory, and those above it, when they are missing.
///
/// # Errors
/// As [`write()`].
pub fn directory(path: &Path, readers: Readers) -> Result<()> {
    let mode = if readers == Readers::Owner { 0o700 } else { 0o755 };
    // The parents of a private directory are not themselves private.
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.is_dir()) {
        directory(parent, Readers::Everyone)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Err(e) if !(e.kind() == ErrorKind::AlreadyExists && path.is_dir()) => Err(explain(&e, "make the directory", path)),
        _ => Ok(()),
    }
}

/// Turns what the operating system said about `path` into two lines.
pub fn explain(e: &io::Error, doing: &str, path: &Path) -> Error {
    let shown = path.display();
    let parent = parent(path).display();
    let (code, why, hint) = match e.kind() {
        ErrorKind::NotFound if doing == "read" => {
            ("file-missing", "there is no such file", "check the name; make certs makes the lab's own files".into())
        }
        ErrorKind::NotFound => ("file-missing", "its directory does not exist", format!("mkdir -p {parent}")),
        ErrorKind::AlreadyExists => (
            "file-exists",
            "it is there already and is not replaced",
            format!("choose another name, or move it away: mv {shown} {shown}.old"),
        ),
        ErrorKind::PermissionDenied => ("not-allowed", "this user may not", format!("ls -ld {parent} {shown} shows who may")),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ("disk-full", "no room is left on the disk", format!("make room (df -h {parent}), then run the same command again"))
        }
        ErrorKind::ReadOnlyFilesystem => {
            ("disk-read-only", "the disk is read-only", "work in a copy that can be written, or choose another place: --certs DIR".into())
        }
        ErrorKind::IsADirectory => ("is-a-directory", "it is a directory", format!("name a file: ls {shown} shows what is there")),
        ErrorKind::NotADirectory => ("not-a-directory", "a part of its path is a file", format!("ls -ld {parent} shows which")),
        _ => {
            return Error::new("file-failed", format!("can't {doing} {shown}: {}", of_system(e)))
                .hint(format!("look at the disk: df -h {parent}; ls -ld {parent}"))
                .in_file(path);
        }
    };
    Error::new(code, format!("can't {doing} {shown}: {why}")).hint(hint).in_file(path)
}

fn place(path: &Path, bytes: &[u8], readers: Readers, replace: bool) -> io::Result<()> {
    let parent = parent(path);
    let mode = if readers == Readers::Owner { 0o600 } else { 0o644 };
    // The mode is given at creation: a chmod afterwards would leave a moment in which others can open a key.
    let mut file = tempfile::Builder::new().prefix(&unfinished(path)).permissions(Permissions::from_mode(mode)).tempfile_in(parent)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if replace {
        file.persist(path).map_err(|e| e.error)?;
    } else {
        file.persist_noclobber(path).map_err(|e| e.error)?;
    }
    // The new name itself lives in the directory, which has to reach the disk as well.
    File::open(parent)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// How the names of files begin that are to become `path`. What follows has no dot.
fn unfinished(path: &Path) -> OsString {
    let mut name = OsString::from(UNFINISHED);
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name
}

/// Removes what a killed process left behind in `directory`. Only for directories whose writers hold a lock.
pub fn sweep(directory: &Path) {
    remove(&beginning_with(directory, OsStr::new(UNFINISHED)));
}

/// What was to become `path`: a killed process left it behind, or a live one is writing it. [`remove()`] it under the writers' lock:
/// whatever was there before, and still is, will not become anything.
pub fn half_written(path: &Path) -> Vec<PathBuf> {
    let start = unfinished(path);
    let mut found = beginning_with(parent(path), &start);
    found.retain(|found| found.file_name().is_some_and(|name| !name.as_encoded_bytes()[start.len()..].contains(&b'.')));
    found
}

/// Removes files that nobody needs, where they are still there.
pub fn remove(files: &[PathBuf]) {
    for file in files {
        match fs::remove_file(file) {
            Err(e) if e.kind() != ErrorKind::NotFound => log::debug!(target: "authority", "could not remove {}: {e}", file.display()),
            _ => {}
        }
    }
}

fn beginning_with(directory: &Path, start: &OsStr) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(start.as_encoded_bytes()));
    ours.map(|entry| entry.path()).collect()
}
