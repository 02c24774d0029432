//! What is spoken in lines, such as HTTP: shown line by line, whatever they mean.

use crate::error::printable;

/// So much of a line is shown. A cookie or a token is not longer.
const SHOWN: usize = 200;

/// A direction in which text is spoken.
#[derive(Default)]
pub struct Lines {
    line: Vec<u8>,
    /// Bytes of this line that are not shown.
    more: usize,
    /// Bytes in a row that are no text.
    dark: usize,
    /// The head of a `101` (RFC 9110 15.2.2) is passing.
    switches: bool,
}

impl Lines {
    /// Tells each line as it ends. Gives where the head of a `101` does: from there on both sides speak in frames.
    pub fn look(&mut self, bytes: &[u8], tell: &mut dyn FnMut(String)) -> Option<usize> {
        for (place, byte) in bytes.iter().enumerate() {
            if *byte != b'\n' {
                if self.line.len() < SHOWN {
                    self.line.push(*byte)
                } else {
                    self.more += 1
                }
                continue;
            }
            if self.line.last() == Some(&b'\r') && self.more == 0 {
                self.line.pop();
            }
            if self.switches && self.line.is_empty() {
                return Some(place + 1);
            }
            self.switches |= self.line.starts_with(b"HTTP/1.1 101 ");
            self.tell(tell);
        }
        None
    }

    /// What was said without an end of line.
    pub fn end(&mut self, tell: &mut dyn FnMut(String)) {
        self.tell(tell);
        self.tell_dark(tell);
    }

    fn tell(&mut self, tell: &mut dyn FnMut(String)) {
        let (line, more) = (std::mem::take(&mut self.line), std::mem::take(&mut self.more));
        match std::str::from_utf8(&line) {
            Ok(text) if text.chars().all(|c| !c.is_control() || c == '\t') => {
                self.tell_dark(tell);
                match (text.is_empty(), more) {
                    (true, _) => {}
                    (_, 0) => tell(printable(text).to_string()),
                    (_, more) => tell(format!("{} … and {more} bytes more", printable(text))),
                }
            }
            _ => self.dark += line.len() + more + 1,
        }
    }

    fn tell_dark(&mut self, tell: &mut dyn FnMut(String)) {
        match std::mem::take(&mut self.dark) {
            0 => {}
            dark => tell(format!("{dark} bytes that are no text")),
        }
    }
}
