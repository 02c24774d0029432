//! Files between peers: announced with size and SHA-256, sent in pieces, kept in `received/` under a clean name that is new.

use super::screen::Screen;
use aws_lc_rs::digest::{Context, SHA256, digest};
use data_encoding::BASE64;
use padlock::chat::{Link, Peer, file_name};
use padlock::error::{Error, Result};
use padlock::key::hex;
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sent at once: in base64 a piece fits into a frame.
const PIECE: usize = 8 * 1024;
/// Where files from others go.
const RECEIVED: &str = "received";
/// Names are tried with a number behind, up to this.
const SAME_NAMES: usize = 1_000;

/// Sends a file.
///
/// # Errors
/// It can't be read, is larger than what may be sent, or the chat is over.
pub fn send(screen: &Screen, link: &Arc<Link>, to: &str, file: &Path, max: usize) -> Result<()> {
    let size = fs::metadata(file).map_err(|e| padlock::file::explain(&e, "read", file))?.len();
    if size > max as u64 {
        return Err(too_large(size, max));
    }
    let bytes = padlock::file::read(file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let sha256 = hex(digest(&SHA256, &bytes).as_ref()).to_ascii_lowercase();
    let over = |_| Error::new("chat-over", format!("the chat with {to} ended before the file was sent"));
    link.say(&Peer::File { name: name.clone(), size: bytes.len() as u64, sha256: sha256.clone() }).map_err(over)?;
    let mut sent = 0;
    // An empty file has one piece, which is empty.
    for piece in bytes.chunks(PIECE).chain(bytes.is_empty().then_some(&[][..])) {
        link.say(&Peer::Piece { data: BASE64.encode(piece) }).map_err(over)?;
        sent += piece.len();
        screen.progress(&name, sent, bytes.len(), piece.len());
    }
    screen.line(&format!("Sent {name} to {to}: {} bytes, SHA-256 {sha256}", bytes.len()));
    Ok(())
}

/// A file that is on its way to us.
pub struct Incoming {
    name: String,
    size: u64,
    sha256: String,
    file: tempfile::NamedTempFile,
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
    /// It is larger than what is taken here, or `received/` can't be written.
    pub fn new(name: &str, size: u64, sha256: &str, max: usize) -> Result<Incoming> {
        if size > max as u64 {
            return Err(too_large(size, max));
        }
        let directory = Path::new(RECEIVED);
        fs::create_dir_all(directory).map_err(|e| padlock::file::explain(&e, "make", directory))?;
        let file = tempfile::Builder::new().prefix(".receiving-").tempfile_in(directory);
        let file = file.map_err(|e| padlock::file::explain(&e, "write", directory))?;
        Ok(Incoming { name: file_name(name), size, sha256: sha256.to_owned(), file, taken: 0, hash: Context::new(&SHA256) })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// It is not what was announced, or the disk is full. Nothing of the file stays.
    pub fn add(mut self, data: &str) -> Result<Step> {
        let wrong = |what: &str| Error::new("file-wrong", format!("{}: {what}", self.name));
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
        let Incoming { name, size, sha256, file, hash, .. } = self;
        if hex(hash.finish().as_ref()).to_ascii_lowercase() != sha256 {
            return Err(Error::new("file-wrong", format!("{name}: its SHA-256 is not the one that was announced")));
        }
        let mut file = file;
        for number in 0..SAME_NAMES {
            let path = Path::new(RECEIVED).join(if number == 0 { name.clone() } else { format!("{name}.{number}") });
            match file.persist_noclobber(&path) {
                Ok(_) => return Ok(Received { path, size, sha256 }),
                Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => file = e.file,
                Err(e) => return Err(padlock::file::explain(&e.error, "write", &path)),
            }
        }
        Err(Error::new("file-names", format!("there are {SAME_NAMES} files called {name} in {RECEIVED}/")).hint("tidy up there"))
    }
}

fn too_large(size: u64, max: usize) -> Error {
    Error::new("file-too-large", format!("{size} bytes are more than the {max} that are taken"))
        .hint("both sides may allow more: --max-file 16m")
}
