//! Standard output, which may be a terminal that somebody has stopped: who prints must not wait for it.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// So many bytes wait for a reader; a screen is a hundredth of it. What comes then is left out.
const WAITING: usize = 256 * 1024;

/// Prints on a thread of its own.
#[derive(Default)]
pub struct Printer {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    text: String,
    /// Lines that found no room.
    left_out: usize,
    printing: bool,
}

impl Printer {
    /// # Errors
    /// The system gives no thread.
    pub fn start() -> io::Result<Arc<Printer>> {
        let printer = Arc::new(Printer::default());
        let prints = printer.clone();
        thread::Builder::new().name("printer".into()).spawn(move || prints.work())?;
        Ok(printer)
    }

    /// These whole lines are printed in their turn, or counted.
    pub fn print(&self, lines: &str) {
        let mut queue = self.queue();
        if queue.left_out > 0 || queue.text.len() + lines.len() > WAITING {
            queue.left_out += lines.lines().count();
        } else {
            queue.text += lines;
        }
        self.changed.notify_all();
    }

    /// Waits until all is printed, so long at most.
    pub fn finish(&self, within: Duration) {
        let busy = |queue: &mut Queue| queue.printing || queue.is_filled();
        drop(self.changed.wait_timeout_while(self.queue(), within, busy));
    }

    fn work(&self) {
        loop {
            let idle = |queue: &mut Queue| !queue.is_filled();
            let mut queue = self.changed.wait_while(self.queue(), idle).unwrap_or_else(PoisonError::into_inner);
            let mut text = std::mem::take(&mut queue.text);
            match std::mem::take(&mut queue.left_out) {
                0 => {}
                n => text += &format!("({n} lines left out: nobody was reading)\n"),
            }
            queue.printing = true;
            drop(queue);
            let mut out = io::stdout();
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            self.queue().printing = false;
            self.changed.notify_all();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_filled(&self) -> bool {
        !self.text.is_empty() || self.left_out > 0
    }
}
