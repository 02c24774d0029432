//! How a program says that it failed: two lines on standard error, or with `--json` one object on standard output.

use clap::{Command, Parser};
use padlock::error::Error;
use padlock::refusal;
use std::io::{self, Write};
use std::{env, process};

/// What was typed. Ends the program when that is wrong, or a question about it (`--help`).
pub fn command_line<T: Parser>() -> T {
    T::try_parse().unwrap_or_else(|said| {
        if !said.use_stderr() {
            said.exit();
        }
        let mut command = T::command();
        let error = refusal::usage(&said.to_string(), &form(&mut command));
        tell(command.get_name(), env::args_os().any(|word| word == "--json"), &error);
        process::exit(error.exit.into())
    })
}

/// How the command is written that somebody tried to write: `./ca doctor [OPTIONS] <FILE>...`. What clap shows with a mistake names
/// as needed whatever an environment variable has given.
fn form(command: &mut Command) -> String {
    command.build();
    let named = env::args_os().skip(1).find(|word| command.find_subcommand(word).is_some());
    let tried = named.and_then(|name| command.find_subcommand_mut(name));
    let form = match tried {
        Some(verb) => verb.render_usage(),
        None => command.render_usage(),
    };
    format!("./{}", form.to_string().trim_start_matches("Usage: ").split('\n').next().unwrap_or_default())
}

/// Says what went wrong. Perhaps nobody reads it; the exit status stays.
pub fn tell(who: &str, json: bool, error: &Error) {
    let _ = if json { writeln!(io::stdout(), "{}", refusal::told(error)) } else { writeln!(io::stderr(), "{}", error.lines(who)) };
}
