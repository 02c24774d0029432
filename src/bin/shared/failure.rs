//! How a program says that it failed: two lines on standard error, or with `--json` one object on standard output.

use clap::error::{ContextKind, ContextValue};
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
        let said = mistyped_verb(&command, &said).unwrap_or(said);
        let error = refusal::usage(&said.to_string(), &form(&mut command));
        tell(command.get_name(), env::args_os().any(|word| word == "--json"), &error);
        process::exit(error.exit.into())
    })
}

/// `./client chatt alice`: where a verb or an address may stand, clap takes the first word for an address, and blames the second for
/// being no verb.
fn mistyped_verb(command: &Command, said: &clap::Error) -> Option<clap::Error> {
    let blamed = said.get(ContextKind::InvalidSubcommand).or(said.get(ContextKind::InvalidArg));
    let Some(ContextValue::String(blamed)) = blamed else { return None };
    let words: Vec<String> = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if !command.has_subcommands() || words.iter().any(|word| command.find_subcommand(word).is_some()) {
        return None;
    }
    let before = words.windows(2).find(|pair| pair[1] == *blamed)?.first()?;
    if before.starts_with('-') || blamed.starts_with('-') || before.contains("://") {
        return None;
    }
    let verbs = Command::new("verbs").subcommand_required(true).subcommands(command.get_subcommands().cloned());
    verbs.try_get_matches_from(["verbs", before]).err()
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
