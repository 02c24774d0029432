//! What is printed: the client's words on the left, the server's on the right.

use crate::printer::Printer;
use padlock::wire::{Direction, Sight};
use std::{
    fmt::Write as _,
    io::{self, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Two columns beside each other fit a wide terminal, and in a narrow one the right one still stands to the right.
const COLUMN: usize = 58;

/// Everything that is seen, on standard output.
pub struct View {
    times: bool,
    next: AtomicU64,
    printer: Arc<Printer>,
}

/// One connection in the view.
pub struct Column {
    printer: Arc<Printer>,
    number: u64,
    began: Option<Instant>,
}

impl View {
    pub fn new(times: bool, printer: Arc<Printer>) -> View {
        View { times, next: AtomicU64::new(1), printer }
    }

    pub fn column(&self) -> Column {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Column { printer: self.printer.clone(), number, began: self.times.then(Instant::now) }
    }
}

impl Column {
    /// What came from the client stands on the left.
    pub fn tell(&self, direction: Direction, sight: &Sight) {
        match sight {
            Sight::Clear(text) => self.say(direction, text),
            Sight::Sealed(bytes) => self.say(direction, &format!("sealed: {bytes} bytes")),
        }
    }

    pub fn say(&self, direction: Direction, text: &str) {
        let indent = if direction == Direction::Received { 0 } else { COLUMN + 2 };
        let mut lines = String::new();
        let mut mark = self.number.to_string();
        if let Some(began) = self.began {
            let _ = write!(mark, " {:.6}", began.elapsed().as_secs_f64());
        }
        for line in wrapped(text, COLUMN.saturating_sub(mark.len() + 1)) {
            let _ = writeln!(lines, "{:indent$}{mark} {line}", "");
            mark = " ".repeat(mark.len());
        }
        self.printer.print(&lines); // together
    }

    /// There are more connections than a lesson has.
    pub fn turned_away(&self, target: SocketAddr) {
        let circle = format!("does {target} pass everything on to here? then it goes in a circle");
        self.say(Direction::Sent, &format!("(turned away: too many connections at once; {circle})"));
    }
}

/// A remark of our own, on standard error.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "wiretap: {text}");
}

/// Lines of so many characters at most, cut at a space where there is one.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some((end, _)) = rest.char_indices().nth(width.max(1)) {
        let at_end = rest[end..].starts_with(' ').then_some(end);
        let cut = at_end.or_else(|| rest[..end].rfind(' ')).filter(|place| *place > 0).unwrap_or(end);
        lines.push(rest[..cut].to_owned());
        rest = rest[cut..].trim_start();
    }
    lines.push(rest.to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_at_spaces_and_nothing_is_lost() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("öööööööö", 3), ["ööö", "ööö", "öö"]);
        assert_eq!(wrapped("", 3), [""]);
    }
}
