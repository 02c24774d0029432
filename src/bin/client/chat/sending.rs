//! Files to a peer: announced with size and SHA-256, sent in pieces, one after the other. The peer says what became of each.

use super::receiving::too_large;
use super::screen::Screen;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64;
use padlock::chat::{Link, Peer};
use padlock::error::{Error, Result, printable};
use padlock::key::hex;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// Sent at once: in base64 a piece fits into a frame.
const PIECE: usize = 8 * 1024;
/// So many files may wait behind the one that is sent.
const WAITING: usize = 100;
/// All of a file is with the peer's system; so long may the peer itself take to say that it is kept.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a peer says of a file that we send.
pub struct Answer {
    pub file: String,
    /// Why it is not taken; nothing when it is kept.
    pub refused: Option<String>,
}

/// Where the files wait. When this and all its copies are gone, so is the thread that sends them.
#[derive(Clone)]
pub struct Outgoing(SyncSender<PathBuf>);

impl Outgoing {
    /// Starts the thread that sends files to `peer`, so that talk goes on meanwhile. It reads in `answers` what became of them.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn begin(screen: &Arc<Screen>, link: &Arc<Link>, peer: &str, max: usize, answers: Receiver<Answer>) -> io::Result<Outgoing> {
        let (files, waiting) = sync_channel::<PathBuf>(WAITING);
        let (screen, link, peer) = (screen.clone(), link.clone(), peer.to_owned());
        let sends = move || {
            for file in waiting {
                let sentence = send(&screen, &link, &peer, &file, max, &answers).unwrap_or_else(|e| e.cause);
                screen.line(&printable(&sentence));
            }
        };
        thread::Builder::new().name("file".into()).spawn(sends)?;
        Ok(Outgoing(files))
    }

    /// Puts a file behind those that wait.
    ///
    /// # Errors
    /// There are too many of them, or the chat is over.
    pub fn add(&self, file: &Path) -> std::result::Result<(), String> {
        self.0.try_send(file.to_owned()).map_err(|e| match e {
            TrySendError::Full(_) => format!("{WAITING} files wait already, and that is the limit."),
            TrySendError::Disconnected(_) => "The chat is over.".into(),
        })
    }
}

/// Sends a file, and gives the sentence about what became of it.
///
/// # Errors
/// It can't be read, is larger than what may be sent, or the chat is over.
fn send(screen: &Screen, link: &Link, peer: &str, file: &Path, max: usize, answers: &Receiver<Answer>) -> Result<String> {
    let size = fs::metadata(file).map_err(|e| padlock::file::explain(&e, "read", file))?.len();
    if size > max as u64 {
        return Err(too_large(size, max));
    }
    let bytes = padlock::file::read(file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let sha256 = hex(digest(&SHA256, &bytes).as_ref()).to_ascii_lowercase();
    let over = || Error::new("chat-over", format!("the chat with {peer} ended before {peer} had all of {name}"));
    let _of_before = answers.try_iter().count();
    link.say(&Peer::File { name: name.clone(), size: bytes.len() as u64, sha256: sha256.clone() }).map_err(|_| over())?;
    let (mut sent, mut answer) = (0, None);
    // An empty file has one piece, which is empty.
    for piece in bytes.chunks(PIECE).chain(bytes.is_empty().then_some(&[][..])) {
        answer = answer.or_else(|| answers.try_iter().find(|answer| answer.file == name));
        if answer.as_ref().is_some_and(|answer| answer.refused.is_some()) {
            break;
        }
        link.say(&Peer::Piece { data: BASE64.encode(piece) }).map_err(|_| over())?;
        sent += piece.len();
        screen.progress(&name, sent, bytes.len(), piece.len());
    }
    let answer = loop {
        match answer.map_or_else(|| answers.recv_timeout(ANSWER_WITHIN), Ok) {
            Ok(of_another) if of_another.file != name => answer = None,
            answered => break answered,
        }
    };
    match answer {
        Ok(Answer { refused: None, .. }) => Ok(format!("Sent {name} to {peer}: {} bytes, SHA-256 {sha256}", bytes.len())),
        Ok(Answer { refused: Some(why), .. }) => Ok(format!("{peer} has not taken {name}: {why}")),
        Err(RecvTimeoutError::Disconnected) => Err(over()),
        Err(RecvTimeoutError::Timeout) => Ok(format!("{peer} has not said within {} s that {name} is kept.", ANSWER_WITHIN.as_secs())),
    }
}
