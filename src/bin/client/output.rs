//! Standard output is what was asked for; everything else goes to standard error.

use crate::failure;
use crate::options::Options;
use padlock::error::{Error, escape, exit};
use padlock::refusal;
use std::io::{self, Write};
use std::process;

/// A line of what was asked for. When nobody reads it any more (`| head`), the program ends without a word.
pub fn line(text: &str) {
    bytes(format!("{text}\n").as_bytes());
}

/// Bytes of what was asked for, as they are.
pub fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        process::exit(exit::FAILED.into());
    }
}

/// How things stand: `connected to server`. Not with `--quiet` or `--json`.
pub fn status(options: &Options, text: &str) {
    if !options.quiet && !options.json {
        line(text);
    }
}

/// A remark on standard error.
pub fn note(options: &Options, text: &str) {
    if !options.quiet {
        let _ = writeln!(io::stderr(), "client: {}", escape(text));
    }
}

/// Why it ended badly: two lines on standard error, or with `--json` one object on standard output. With `-v` each fact has a
/// line before them.
pub fn failure(json: bool, error: &Error) {
    if !json {
        refusal::details(error).iter().for_each(|line| log::info!(target: "refusal", "{line}"));
    }
    failure::tell("client", json, error);
}
