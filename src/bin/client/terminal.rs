//! The terminal as it was found. Whoever types at a prompt gets every key at once, unseen by the kernel; a program that ends in the
//! middle of that would leave the shell with such a terminal.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};
use std::{io, thread};

static FOUND: OnceLock<Termios> = OnceLock::new();
static WATCH: Once = Once::new();
/// Somebody else hears signals, and ends the program in good order.
static HEARD: AtomicBool = AtomicBool::new(false);

/// Before the first change.
pub fn remember() {
    if let Ok(found) = tcgetattr(io::stdin()) {
        let _ = FOUND.set(found);
    }
}

/// Before the program ends on a way that leaves prompts no time to tidy up.
pub fn restore() {
    if let Some(found) = FOUND.get() {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, found);
    }
}

/// From now on a signal that ends the program restores the terminal first. Once a handler is there, it has to stay.
pub fn restore_on_signals() -> io::Result<()> {
    let mut failed = None;
    WATCH.call_once(|| {
        let watch = |mut signals: Signals| {
            let wait = move || {
                for signal in signals.forever().filter(|_| !HEARD.load(Ordering::Relaxed)) {
                    restore();
                    let _ = emulate_default_handler(signal);
                }
            };
            thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
        };
        failed = Signals::new([SIGINT, SIGTERM]).and_then(watch).err();
    });
    failed.map_or(Ok(()), Err)
}

/// From now on whoever calls this ends the program on signals.
pub fn signals_are_heard() {
    HEARD.store(true, Ordering::Relaxed);
}
