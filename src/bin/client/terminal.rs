//! The terminal as it was found. Whoever types at a prompt gets every key at once, unseen by the kernel; a program that ends in the
//! middle of that would leave the shell with such a terminal.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io;
use std::sync::OnceLock;

static FOUND: OnceLock<Termios> = OnceLock::new();

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
