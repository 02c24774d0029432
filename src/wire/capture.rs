//! A capture of our own connections, without root and without another program: `--capture FILE`.
//!
//! Each connection is a [`Flow`], which watches it and adds packets to the file; the session's secrets go in beside them, so that
//! Wireshark opens it already decrypted. Written in batches of whole blocks: whatever happens, the file can be read up to there.

use super::book::{Book, DELAY};
use super::flow::{End, Flow};
use super::{hex, pcapng};
use crate::error::{Error, Result, of_system};
use rustls::KeyLog;
use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::SystemTime;

/// A pcapng file that is being written. Several threads add to it.
pub struct Capture {
    pub(super) secrets: bool,
    book: Mutex<Book>,
}

impl Capture {
    /// Begins a capture in `file`, for its owner's eyes only. What is there already becomes `file` with a `.1` before its extension,
    /// and so does each part that grows past `limit` bytes; the `.1` before that is gone. Without `secrets`, the file is what a
    /// stranger would have.
    pub fn create(file: &Path, limit: u64, secrets: bool) -> Result<Arc<Capture>> {
        let book = Mutex::new(Book::open(file, limit).map_err(|error| unusable(file, &error))?);
        let capture = Arc::new(Capture { secrets, book });
        let weak = Arc::downgrade(&capture);
        let keep_up = move || {
            while let Some(capture) = weak.upgrade() {
                capture.flush();
                drop(capture);
                thread::sleep(DELAY);
            }
        };
        // Without the thread, the last words of a silence wait for the next packet, or for the end.
        let _ = thread::Builder::new().name("capture".into()).spawn(keep_up);
        Ok(capture)
    }

    /// Who is to be told the secrets of each session: this capture, unless it does without.
    pub fn key_log(self: &Arc<Capture>) -> Option<Arc<dyn KeyLog>> {
        self.secrets.then(|| self.clone() as Arc<dyn KeyLog>)
    }

    /// Watches a connection of which we are one end.
    pub fn socket(self: &Arc<Capture>, socket: &TcpStream, end: End) -> Arc<Flow> {
        let nowhere = SocketAddr::from(([0; 4], 0)); // it has gone already, or is no TCP
        let (ours, theirs) = (socket.local_addr().unwrap_or(nowhere), socket.peer_addr().unwrap_or(nowhere));
        Arc::new(Flow::new(self.clone(), ours, theirs, end))
    }

    /// Watches a connection whose two ends are others: what is received comes from `client`, what is sent comes from `server`.
    pub fn relay(self: &Arc<Capture>, client: SocketAddr, server: SocketAddr) -> Arc<Flow> {
        Arc::new(Flow::new(self.clone(), server, client, End::Server))
    }

    /// Writes what is to be written yet.
    pub fn flush(&self) {
        self.book().flush();
    }

    /// What is added under this lock stays in that order.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.flush();
    }
}

impl KeyLog for Capture {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        self.book().add(SystemTime::now(), |out| pcapng::secrets(line.as_bytes(), out));
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a capture")
    }
}

fn unusable(file: &Path, error: &std::io::Error) -> Error {
    Error::new("capture", format!("capture {}: {}", file.display(), of_system(error)))
        .in_file(file)
        .hint("name a file that can be written: --capture /tmp/lesson.pcapng")
}
