//! The stranger in the coffee shop, on one page: it sits between a client and a server, passes on what each says to the other,
//! and prints what anybody on the path can read. It holds no key.
//!
//! With `--mitm` it stops listening and lies instead: it answers in the server's place, with a certificate of its own.

#[path = "wiretap/attacker.rs"]
mod attacker;
#[path = "shared/failure.rs"]
mod failure;
#[path = "wiretap/middle.rs"]
mod middle;
#[path = "wiretap/options.rs"]
mod options;
#[path = "wiretap/pair.rs"]
mod pair;
#[path = "wiretap/printer.rs"]
mod printer;
#[path = "wiretap/relay.rs"]
mod relay;
#[path = "wiretap/view.rs"]
mod view;

use middle::Middle;
use options::Options;
use padlock::{
    error::{Error, Result},
    listener::{Gate, Limits, Listener},
    wire::Capture,
};
use printer::Printer;
use relay::Relay;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{io, process::ExitCode, sync::Arc, time::Duration};
use view::View;

/// Connections at once. A browser makes some ten; two wiretaps that pass everything on to each other make as many as they may, and
/// this many fit into the 1,024 descriptors that a program usually has.
const CONNECTIONS: usize = 256;
/// What is under way when it is told to stop has this long to end.
const LAST_CALL: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    match Options::from_command_line().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            failure::tell("wiretap", false, &e);
            ExitCode::from(e.exit)
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let no_signals = |e: io::Error| Error::new("no-signals", format!("can't wait for signals: {e}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(no_signals)?;
    let listener = Listener::bind(options.listen())?;
    let (here, target) = (listener.address(), options.target()?);
    if options::is_circle(here, target) {
        return Err(options::circle(here));
    }
    let capture = options.capture.as_ref().map(|file| Capture::create(file, options::CAPTURE_SIZE, false)).transpose()?;
    let printer = Printer::start().map_err(|e| Error::new("no-threads", format!("can't start a thread to print with: {e}")))?;
    let view = Arc::new(View::new(options.times, printer.clone()));
    let gate = Gate::new(Limits { total: CONNECTIONS, ..Limits::default() });
    match options.mitm {
        None => {
            let relay = Relay { target, view, capture: capture.clone() };
            view::note(&format!("listening on {here}, passing everything on to {target}; it holds no key"));
            listener.serve(&gate, move |connection| relay.converse(connection))?;
        }
        Some(how) => {
            let middle = Middle::new(how, options, target, view)?;
            view::note(&format!("listening on {here} in the place of {target}, as {}", how.described()));
            middle.hint(here).iter().for_each(|hint| view::note(hint));
            listener.serve(&gate, move |connection| middle.converse(connection))?;
        }
    }
    signals.forever().next();
    gate.close(LAST_CALL);
    capture.iter().for_each(|capture| capture.flush());
    printer.finish(LAST_CALL);
    Ok(())
}
