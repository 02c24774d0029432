//! `--keylog` and `--capture`: what the server and the client write down about their connections, in the same words.

use clap::Args;
use padlock::{
    error::Result,
    listener::Attach,
    wire::{self, Capture, End},
};
use rustls::KeyLog;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

#[derive(Clone, Args)]
pub struct Record {
    /// Append the secrets of each session to this file, for Wireshark [default: SSLKEYLOGFILE]
    #[arg(global = true, long, value_name = "FILE")]
    keylog: Option<PathBuf>,
    /// Write what passes into this file as packets, with the secrets that open them: for Wireshark
    #[arg(global = true, long, value_name = "FILE")]
    capture: Option<PathBuf>,
    /// Keep the secrets out of the capture: it is then what a stranger has
    #[arg(global = true, long, requires = "capture")]
    no_secrets: bool,
    /// When the capture has so many bytes, begin another; of those before it, one is kept, with .1 in its name
    #[arg(global = true, long, value_name = "SIZE", default_value = "64m", value_parser = size)]
    capture_size: u64,
    #[arg(skip)]
    begun: OnceLock<Arc<Capture>>,
}

impl Record {
    /// Begins the capture, if one was asked for. What `watcher` and `key_log` do follows from it.
    pub fn begin(&self) -> Result<()> {
        if let (Some(file), None) = (&self.capture, self.begun.get()) {
            let _ = self.begun.set(Capture::create(file, self.capture_size, !self.no_secrets)?);
        }
        Ok(())
    }

    /// The key log that was named, for whoever reads one.
    #[allow(dead_code)] // the server writes only
    pub fn keylog(&self) -> Option<&Path> {
        self.keylog.as_deref()
    }

    /// What shows the capture all that passes over a stream of which we are this end. `None`: there is no capture.
    pub fn watcher(&self, end: End) -> Option<Attach> {
        let capture = self.begun.get()?.clone();
        Some(Box::new(move |stream| stream.watch(capture.socket(stream.socket(), end))))
    }

    /// Everybody who is to be told the secrets of sessions.
    pub fn key_log(&self) -> Result<Option<Arc<dyn KeyLog>>> {
        let file = wire::key_log(self.keylog.as_deref())?;
        Ok(wire::several(file.into_iter().chain(self.begun.get().and_then(Capture::key_log))))
    }

    /// The program ends: what was seen last goes to the file.
    pub fn end(&self) {
        self.begun.get().into_iter().for_each(|capture| capture.flush());
    }
}

/// `65536`, `512k`, `64m`: not so little that a handshake would not fit.
fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| "a number of bytes, such as 65536, 512k or 64m".to_owned())?;
    number.checked_mul(unit).filter(|size| *size >= 1 << 16).ok_or_else(|| "64k at least".to_owned())
}
