//! The terminal: a prompt that incoming lines do not tear; plain lines in and out when there is none.

use super::command::WORDS;
use padlock::authority::policy::check_user;
use padlock::error::{Error, Result};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub const PROMPT: &str = ">> ";
/// Lines that a script may still wait for.
const REMEMBERED: usize = 1_000;
/// A script waits for a line so long.
const WAIT: Duration = Duration::from_secs(20);

/// Where lines are shown. Any thread may.
#[derive(Default)]
pub struct Screen {
    shown: Mutex<Shown>,
    changed: Condvar,
    /// Names that can be completed.
    names: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Default)]
struct Shown {
    /// Draws a line above the prompt; none without a terminal.
    printer: Option<Box<dyn FnMut(String) + Send>>,
    lines: VecDeque<String>,
}

/// Where commands come from.
pub enum Input {
    Terminal(Box<Editor<Names, MemHistory>>),
    Lines(Box<dyn BufRead>),
}

impl Screen {
    pub fn line(&self, text: &str) {
        let mut shown = self.shown();
        match &mut shown.printer {
            Some(print) => print(format!("{text}\n")),
            // Nobody reads any more: that ends nothing here, peers may go on.
            None => drop(writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush())),
        }
        shown.lines.push_back(text.to_owned());
        if shown.lines.len() > REMEMBERED {
            shown.lines.pop_front();
        }
        self.changed.notify_all();
    }

    /// How far something is, in ten steps; only for people.
    pub fn progress(&self, what: &str, done: usize, all: usize, step: usize) {
        let tenths = |n: usize| n * 10 / all.max(1);
        let mut shown = self.shown();
        if let Some(print) = &mut shown.printer
            && tenths(done) > tenths(done.saturating_sub(step))
        {
            let full = tenths(done);
            print(format!("{what} [{}{}] {}0 %\n", "#".repeat(full), "-".repeat(10 - full), full));
        }
    }

    /// Waits for a line with `text` in it. What was waited for is not found again.
    ///
    /// # Errors
    /// It does not come.
    pub fn wait(&self, text: &str) -> Result<()> {
        let missing = |shown: &mut Shown| match shown.lines.iter().position(|line| line.contains(text)) {
            Some(at) => {
                shown.lines.drain(..=at);
                false
            }
            None => true,
        };
        let (_shown, waited) = self.changed.wait_timeout_while(self.shown(), WAIT, missing).unwrap_or_else(PoisonError::into_inner);
        match waited.timed_out() {
            false => Ok(()),
            true => Err(Error::new("script", format!("no line with \"{}\" came within {} s", text.escape_debug(), WAIT.as_secs()))
                .hint("a wait takes text of a line that comes after the last one waited for")),
        }
    }

    /// A name to complete. What the directory says is shown as it is typed, so it has to be one.
    pub fn knows(&self, name: &str) {
        if check_user(name).is_err() {
            return;
        }
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// Commands from a script, from a terminal with a prompt, or else line by line.
    ///
    /// # Errors
    /// The script can't be read; the terminal can't be used.
    pub fn input(&self, script: Option<&Path>) -> Result<Input> {
        if let Some(script) = script {
            return Ok(Input::Lines(Box::new(io::Cursor::new(padlock::file::read(script)?))));
        }
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(Input::Lines(Box::new(io::stdin().lock())));
        }
        let odd = |e: ReadlineError| {
            Error::new("no-terminal", format!("this terminal can't be used: {e}")).hint("use a pipe: ./client chat NAME | cat")
        };
        // While the other way of completing goes through its candidates, nothing that comes in is shown. And the terminal's own
        // modes, which bracketed paste is none of, are all that has to be put back.
        let config = Config::builder().completion_type(CompletionType::List).bracketed_paste(false).build();
        let mut editor = Editor::with_history(config, MemHistory::new()).map_err(odd)?;
        editor.set_helper(Some(Names(self.names.clone())));
        let mut printer = editor.create_external_printer().map_err(odd)?;
        self.shown().printer = Some(Box::new(move |line| drop(printer.print(line))));
        Ok(Input::Terminal(Box::new(editor)))
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Input {
    /// The next line; none at the end, and after Ctrl-C or Ctrl-D.
    pub fn next(&mut self) -> Option<String> {
        match self {
            Input::Terminal(editor) => {
                let line = editor.readline(PROMPT).ok()?;
                let _ = editor.add_history_entry(&line);
                Some(line)
            }
            Input::Lines(lines) => {
                let mut bytes = Vec::new();
                let read = lines.read_until(b'\n', &mut bytes).ok()?;
                (read > 0).then(|| String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned())
            }
        }
    }
}

/// Completes commands and the names of people.
pub struct Names(Arc<Mutex<BTreeSet<String>>>);

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let start = line[..at].rfind([' ', '/']).map_or(0, |space| space + 1);
        let begun = &line[start..at];
        let first = !line[..start].contains(' ');
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<String> = if first { WORDS.iter().map(ToString::to_string).collect() } else { names.iter().cloned().collect() };
        Ok((start, all.into_iter().filter(|word| word.starts_with(begun)).collect()))
    }
}

impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}
