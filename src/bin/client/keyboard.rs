//! What is typed, or comes through a pipe, goes to the server line by line.
//!
//! A read from a terminal can't be called off. So the keyboard has a thread of its own, which outlives connections, and the
//! program ends when the conversation does.

use crate::terminal;
use padlock::error::{Error, Result};
use padlock::mailbox::Mailbox;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, BufRead, Read};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;
use tungstenite::Message;
use tungstenite::protocol::frame::coding::CloseCode;

/// What shells report for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

pub struct Keyboard {
    now: Mutex<Now>,
    changed: Condvar,
    started: Once,
    longest: usize,
}

/// A line as the server wants it.
type Wording = fn(&str) -> String;

#[derive(Default)]
struct Now {
    /// The connection of this moment, and how a line is put there.
    mailbox: Option<(Arc<Mailbox>, Wording)>,
    /// Nothing more will be typed: the input has ended, or Ctrl-C was pressed.
    done: bool,
}

impl Keyboard {
    /// A line may have `longest` bytes.
    pub fn new(longest: usize) -> Arc<Keyboard> {
        Arc::new(Keyboard { now: Mutex::default(), changed: Condvar::new(), started: Once::new(), longest })
    }

    /// From now on lines go there, in these words. The first time, this starts to read.
    pub fn talks_to(self: &Arc<Self>, mailbox: &Arc<Mailbox>, wording: Wording) -> Result<()> {
        let done = {
            let mut now = self.now();
            now.mailbox = Some((mailbox.clone(), wording));
            now.done
        };
        self.changed.notify_all();
        if done {
            mailbox.close(CloseCode::Normal, "");
        }
        let mut result = Ok(());
        self.started.call_once(|| result = self.start());
        result
    }

    /// The connection is gone; lines wait for the next one.
    pub fn lost(&self) {
        self.now().mailbox = None;
    }

    pub fn is_done(&self) -> bool {
        self.now().done
    }

    /// Waits for a while, or until the end of the input. Says whether it was the end.
    pub fn rest(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.now(), time, |now| !now.done);
        waited.unwrap_or_else(PoisonError::into_inner).0.done
    }

    fn start(self: &Arc<Self>) -> Result<()> {
        let failed = |error: io::Error| {
            Error::new("no-thread", format!("can't listen to the keyboard: {}", padlock::error::of_system(&error)))
                .hint("this system is out of threads or memory: end something else")
        };
        terminal::signals_are_heard();
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
        let this = self.clone();
        let signalled = move || {
            let mut signals = signals.forever();
            signals.next();
            this.done();
            signals.next();
            process::exit(INTERRUPTED);
        };
        thread::Builder::new().name("signals".into()).spawn(signalled).map_err(failed)?;
        let this = self.clone();
        thread::Builder::new().name("keyboard".into()).spawn(move || this.read(io::stdin().lock())).map_err(failed)?;
        Ok(())
    }

    /// Sends each line, then says Close: what the server answers before it says Close too still arrives.
    fn read(&self, mut input: impl BufRead) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let limit = self.longest.saturating_add(2) as u64;
            match (&mut input).take(limit).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return self.done(),
                Ok(_) => {}
            }
            let whole = line.ends_with(b"\n") || line.len() < self.longest.saturating_add(2);
            if !whole {
                eprintln!("client: that line is longer than --max-message, {} bytes: it was not sent, and this is the end", self.longest);
                return self.done();
            }
            let text = line.strip_suffix(b"\n").map_or(&line[..], |text| text.strip_suffix(b"\r").unwrap_or(text));
            self.say(text);
        }
    }

    /// Hands one line to the connection; when that is lost, to the next.
    fn say(&self, line: &[u8]) {
        let message = |wording: Wording| match std::str::from_utf8(line) {
            Ok(text) => Message::text(wording(text)),
            Err(_) => Message::binary(line.to_vec()),
        };
        loop {
            let waited = self.changed.wait_while(self.now(), |now| now.mailbox.is_none() && !now.done);
            let Some((mailbox, wording)) = waited.unwrap_or_else(PoisonError::into_inner).mailbox.clone() else { return };
            if mailbox.send(message(wording)).is_ok() {
                return;
            }
            let mut now = self.now();
            now.mailbox.take_if(|(gone, _)| Arc::ptr_eq(gone, &mailbox));
        }
    }

    fn done(&self) {
        let mailbox = {
            let mut now = self.now();
            now.done = true;
            now.mailbox.clone()
        };
        self.changed.notify_all();
        if let Some((mailbox, _)) = mailbox {
            mailbox.close(CloseCode::Normal, "");
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
