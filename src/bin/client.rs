//! The client, on one page: it reaches a server, makes sure that it is who we asked for, and talks to it.
//!
//! The scheme of the address picks what is spoken: `wss://` and `ws://` converse, `https://` and `http://` fetch, `tls://`
//! sends lines. How a server is reached is in `client/dial.rs`; nothing else opens a connection.

#[path = "client/account.rs"]
mod account;
#[path = "client/answer.rs"]
mod answer;
#[path = "client/banner.rs"]
mod banner;
#[path = "client/chat.rs"]
mod chat;
#[path = "client/converse.rs"]
mod converse;
#[path = "client/crl.rs"]
mod crl;
#[path = "client/decrypt.rs"]
mod decrypt;
#[path = "client/dial.rs"]
mod dial;
#[path = "client/enrol.rs"]
mod enrol;
#[path = "client/explain.rs"]
mod explain;
#[path = "client/fetch.rs"]
mod fetch;
#[path = "client/gallery.rs"]
mod gallery;
#[path = "client/handshake.rs"]
mod handshake;
#[path = "client/keyboard.rs"]
mod keyboard;
#[path = "client/lines.rs"]
mod lines;
#[path = "client/options.rs"]
mod options;
#[path = "client/output.rs"]
mod output;
#[path = "shared/failure.rs"]
mod failure;
#[path = "client/password.rs"]
mod password;
#[path = "client/post.rs"]
mod post;
#[path = "shared/record.rs"]
mod record;
#[path = "client/security.rs"]
mod security;
#[path = "shared/size.rs"]
mod size;
#[path = "client/telemetry.rs"]
mod telemetry;
#[path = "client/terminal.rs"]
mod terminal;
#[path = "client/ticket.rs"]
mod ticket;
#[path = "client/url.rs"]
mod url;

use dial::Dialler;
use options::{Options, Verb};
use padlock::error::{Error, Result, exit};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;
use url::Scheme;

fn main() -> ExitCode {
    let options = Options::from_command_line();
    terminal::remember();
    if let Some(limit) = options.max_time {
        give_up_after(limit, options.json);
    }
    let ended = run(&options);
    options.record.end();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(options.json, &error);
            ExitCode::from(error.exit)
        }
    }
}

fn run(options: &Options) -> Result<()> {
    match &options.verb {
        Some(Verb::Enrol(args)) => enrol::enrol(options, args),
        Some(Verb::Chat(args)) => chat::chat(options, args),
        Some(Verb::Explain(words)) => explain::explain(options, words),
        Some(Verb::Gallery(at)) => gallery::visit(options, at),
        Some(Verb::Handshake(how)) => handshake::show(options, how),
        Some(Verb::Decrypt(how)) => decrypt::decrypt(options, how),
        Some(Verb::Register(account)) => account::register(options, account),
        Some(Verb::Ticket(verb)) => ticket::converse(options, verb),
        None => reach(options),
    }
}

fn reach(options: &Options) -> Result<()> {
    let url = options.url()?;
    let dialler = Dialler::new(options, &url)?;
    if options.observe {
        return banner::observe(options, &url, &dialler);
    }
    match url.scheme {
        Scheme::Wss | Scheme::Ws => {
            let ticket = options.ticket.as_deref().map(ticket::named).transpose()?;
            converse::converse(options, &url, &dialler, || Ok(ticket.clone()))
        }
        Scheme::Https | Scheme::Http => fetch::fetch(options, &url, dialler.dial(options)?),
        Scheme::Tls => lines::exchange(options, &url, &dialler),
    }
}

/// `--max-time`: whatever is going on then, it has taken too long.
fn give_up_after(limit: Duration, json: bool) {
    thread::spawn(move || {
        thread::sleep(limit);
        let error = Error::new("max-time", format!("gave up after {} s, as --max-time says", limit.as_secs_f64()))
            .hint("see where it stands: ./client -v; or allow more time: --max-time SECONDS");
        output::failure(json, &error);
        terminal::restore();
        process::exit(exit::TIMEOUT.into());
    });
}
