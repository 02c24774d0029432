//! How a program says that it failed: two lines on standard error, or with `--json` one object on standard output.

use clap::Parser;
use padlock::error::Error;
use padlock::refusal;
use std::io::{self, Write};
use std::{env, process};

/// What was typed. Ends the program when that is wrong, or a question about it (`--help`); with `--json` the answer is JSON too.
pub fn command_line<T: Parser>() -> T {
    T::try_parse().unwrap_or_else(|said| {
        if !said.use_stderr() || !env::args_os().any(|word| word == "--json") {
            said.exit();
        }
        let error = refusal::usage(&said.to_string());
        tell("", true, &error);
        process::exit(error.exit.into())
    })
}

/// Says what went wrong. Perhaps nobody reads it; the exit status stays.
pub fn tell(who: &str, json: bool, error: &Error) {
    let _ = if json { writeln!(io::stdout(), "{}", refusal::told(error)) } else { writeln!(io::stderr(), "{}", error.lines(who)) };
}
