//! A password is typed and not seen, or comes through a pipe when that was asked for. It is no argument: others see those (`ps`).

use crate::terminal;
use padlock::error::{Error, Result, exit, of_system};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// Longer than any password that is taken.
const LONGEST: usize = 1024;
/// What shells report for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// The password of an account that there is.
pub fn known(name: &str, from_stdin: bool) -> Result<String> {
    if from_stdin { piped() } else { typed(&format!("Password of {name}: ")) }
}

/// A password that is to be from now on. Typed twice: nobody sees what they type.
pub fn new(name: &str, from_stdin: bool) -> Result<String> {
    if from_stdin {
        return piped();
    }
    let password = typed(&format!("New password for {name}: "))?;
    if typed("The same again: ")? == password {
        return Ok(password);
    }
    Err(Error::new("passwords-differ", "the two passwords differ: nothing was sent").hint("type the same twice").exit(exit::USAGE))
}

fn piped() -> Result<String> {
    let mut line = Vec::new();
    let read = io::stdin().lock().take(LONGEST as u64 + 2).read_until(b'\n', &mut line);
    read.map_err(|e| unreadable(&of_system(&e)))?;
    let line = line.strip_suffix(b"\n").map_or(&line[..], |line| line.strip_suffix(b"\r").unwrap_or(line));
    as_text(line)
}

/// Asks at the terminal.
fn typed(prompt: &str) -> Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::new("no-terminal", "a password is typed at a terminal, and this is none")
            .hint("to take it from a pipe: --password-stdin")
            .exit(exit::USAGE));
    }
    // Mute before the question: whoever sees it may type.
    let unseen = Unseen::begin().map_err(|e| unreadable(&of_system(&e)))?;
    let mut out = io::stderr();
    let _ = out.write_all(prompt.as_bytes());
    let line = unseen.read_line(stdin.lock());
    let _ = out.write_all(b"\n");
    as_text(&line?)
}

fn as_text(line: &[u8]) -> Result<String> {
    if line.len() > LONGEST {
        return Err(unreadable("it is too long"));
    }
    String::from_utf8(line.to_vec()).map_err(|_| unreadable("it is not UTF-8"))
}

fn unreadable(why: &str) -> Error {
    Error::new("no-password", format!("can't read the password: {why}")).hint("type it at a terminal, or pipe one line: --password-stdin")
}

/// A terminal that shows nothing of what is typed, until this is dropped. Ctrl-C comes as a character, so that no way out leaves
/// the terminal mute.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> io::Result<Unseen> {
        terminal::restore_on_signals()?;
        let before = tcgetattr(io::stdin())?;
        let mut mute = before.clone();
        mute.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &mute)?;
        Ok(Unseen(before))
    }

    /// Up to Enter. Backspace takes one character back, Ctrl-U all.
    fn read_line(&self, mut input: impl Read) -> Result<Vec<u8>> {
        let (mut line, mut byte) = (Vec::new(), [0]);
        loop {
            let n = input.read(&mut byte).map_err(|e| unreadable(&of_system(&e)))?;
            match byte[0] {
                _ if n == 0 => return Err(unreadable("the terminal is gone")),
                b'\r' | b'\n' => return Ok(line),
                0x03 | 0x04 => return Err(Error::new("interrupted", "no password was given").exit(INTERRUPTED)),
                0x08 | 0x7F => while line.pop().is_some_and(|last| last & 0xC0 == 0x80) {},
                0x15 => line.clear(),
                byte if line.len() <= LONGEST => line.push(byte),
                _ => {}
            }
        }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
