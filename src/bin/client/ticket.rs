//! `./client ticket NAME`: a password becomes a ticket, and the ticket opens a WebSocket.

use crate::account;
use crate::converse;
use crate::dial::Dialler;
use crate::options::{self, Options};
use crate::output;
use crate::password;
use crate::url::{Scheme, Url};
use padlock::error::{Error, Result, exit, of_system};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// Longer than any ticket.
const LONGEST: u64 = 1024;

/// What `POST /tickets` answers.
#[derive(serde::Deserialize)]
struct Issued {
    ticket: String,
}

/// Asks for the password, gets a ticket, shows it, and talks. When the connection is lost, the next one gets a ticket of its own.
///
/// With `--print` the ticket is all there is: somebody else shows it, from this address and within 30 s.
pub fn converse(options: &Options, verb: &options::Ticket) -> Result<()> {
    if verb.print {
        return print(options, &verb.account);
    }
    let url = Url::parse(&verb.url)?;
    if !matches!(url.scheme, Scheme::Wss | Scheme::Ws) {
        return Err(Error::new("bad-url", format!("a ticket opens a WebSocket, and {url} is none"))
            .hint("write it like wss://localhost:5678/ or wss://localhost:5678/room")
            .exit(exit::USAGE));
    }
    let dialler = Dialler::new(options, &url)?;
    let password = password::known(&verb.account.name, verb.account.password_stdin)?;
    converse::converse(options, &url, &dialler, || {
        account::ask(options, &verb.account, "/tickets", &password).map(|Issued { ticket }| Some(ticket))
    })
}

fn print(options: &Options, account: &options::Account) -> Result<()> {
    let password = password::known(&account.name, account.password_stdin)?;
    let Issued { ticket } = account::ask(options, account, "/tickets", &password)?;
    output::line(&if options.json { serde_json::json!({"version": 1, "ticket": ticket}).to_string() } else { ticket });
    Ok(())
}

/// The ticket that `--ticket` names: the first line of a file, or with `-` of standard input. The command line itself is no place
/// for one: everybody on this machine can read it (`ps`).
pub fn named(from: &str) -> Result<String> {
    let unreadable = |e: io::Error| {
        Error::new("no-ticket", format!("can't read a ticket from {}: {}", from.escape_debug(), of_system(&e)))
            .hint("--ticket - takes the first line of standard input, --ticket FILE that of a file")
            .exit(exit::USAGE)
    };
    let mut line = String::new();
    let read = match from {
        "-" => io::stdin().lock().take(LONGEST).read_line(&mut line),
        file => File::open(file).and_then(|file| BufReader::new(file.take(LONGEST)).read_line(&mut line)),
    };
    read.map_err(unreadable)?;
    Ok(line.trim_end().to_owned())
}

/// The first message (docs/ticket.md).
pub fn opening(ticket: &str) -> String {
    serde_json::json!({ "token": ticket }).to_string()
}

/// A line as the ticket service takes it: what is JSON already is left alone.
pub fn saying(line: &str) -> String {
    if line.starts_with('{') { line.to_owned() } else { serde_json::json!({ "msg": line }).to_string() }
}

/// How a close is explained to somebody who had to show a ticket, or should have.
pub fn explained(error: Error, showed: bool) -> Error {
    let is = |part: &str| error.code == "closed-with-code" && error.cause.contains(part);
    if is("auth service") {
        error.hint("start the auth service: ./server, or ./server auth; then connect again (docs/ticket.md)")
    } else if !is("unauthenticated") {
        error
    } else if showed {
        let cause = format!("the server refused the ticket; {}", error.cause);
        Error::new("ticket-refused", cause)
            .hint("a ticket is good once, for 30 s, from the address that asked for it: get a new one with ./client ticket NAME (docs/ticket.md)")
            .exit(exit::UPGRADE)
    } else {
        error.hint("this service wants a ticket first, and a fresh one: ./client ticket NAME; for an account: ./client register NAME (docs/ticket.md)")
    }
}
