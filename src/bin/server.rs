//! The server, on one page: HTTPS and wss on one port, lines between two who both prove a name on another, and a plain port
//! that sends people to the first.
//!
//! Each service is a listener; each connection has a thread. What a connection goes through is in `server/web.rs` and
//! `server/hello.rs`.

#[path = "server/door.rs"]
mod door;
#[path = "server/hello.rs"]
mod hello;
#[path = "server/identity.rs"]
mod identity;
#[path = "server/options.rs"]
mod options;
#[path = "server/pages.rs"]
mod pages;
#[path = "server/plain.rs"]
mod plain;
#[path = "shared/record.rs"]
mod record;
#[path = "server/rooms.rs"]
mod rooms;
#[path = "server/web.rs"]
mod web;

use identity::Side;
use options::{Options, Service};
use padlock::{
    error::Result,
    listener::{Gate, Listener},
    trust::ClientAuth,
    wire::End,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tungstenite::protocol::frame::coding::CloseCode;

/// What is under way when the server is told to stop has this long to finish.
const LAST_CALL: Duration = Duration::from_millis(1_800);

fn main() -> ExitCode {
    let options = Arc::new(Options::from_command_line());
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let _ = writeln!(io::stderr(), "{}", e.lines("server")); // perhaps nobody reads it: the status stays
            ExitCode::from(e.exit)
        }
    }
}

fn run(options: &Arc<Options>) -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(options::no_signals)?;
    options::raise_descriptor_limit();

    // Take every port before serving on any: a busy one is found before the first client is.
    let mut ports = Vec::new();
    for (service, address) in options.services() {
        ports.push((service, Listener::bind(address)?));
    }
    options.record.begin()?;
    let site = Arc::new(options.site(&ports)?);
    let who = identity::load(options)?;
    let web = Arc::new(web::Web::new(options, &who, site.clone())?);
    let hello = options.starts(Service::Hello).then(|| Side::new(options, &who, ClientAuth::Require, &[])).transpose()?.map(Arc::new);
    let gate = Gate::watched(options.limits(), options.record.watcher(End::Server));
    let _ = write!(io::stdout(), "{}", options.table(&ports));

    let https = ports.iter().find(|(service, _)| *service == Service::Web).map(|(_, listener)| listener.address().port());
    for (service, listener) in ports {
        match service {
            Service::Web => {
                let web = web.clone();
                listener.serve(&gate, move |connection| web.converse(connection))?;
            }
            Service::Hello => {
                let Some(hello) = hello.clone() else { continue };
                listener.serve(&gate, move |connection| hello::converse(connection, &hello))?;
            }
            Service::Plain => {
                let site = site.clone();
                listener.serve(&gate, move |connection| plain::converse(connection, &site, https))?;
            }
        }
    }

    for signal in signals.forever() {
        match signal {
            SIGHUP => reload(options, std::iter::once(&web.side).chain(hello.as_deref())),
            _ => break,
        }
    }
    log::info!(target: "listener", "stopping: no new connections; told to those who converse: {}", web.rooms.everyone.len());
    web.rooms.everyone.close(CloseCode::Away, "the server stops");
    match gate.close(LAST_CALL) {
        0 => log::info!(target: "listener", "all connections have ended"),
        stayed => log::warn!(target: "listener", "{stayed} connections did not end in time, and are cut"),
    }
    options.record.end();
    Ok(())
}

/// New connections get what is in the files now. What can't be used changes nothing.
fn reload<'a>(options: &Options, mut sides: impl Iterator<Item = &'a Side>) {
    match identity::load(options).and_then(|who| sides.try_for_each(|side| side.change(&who))) {
        Ok(()) => log::info!(target: "certificate", "loaded again: new connections get it, open ones keep theirs"),
        Err(e) => log::error!(target: "certificate", "not loaded again, the old one stays: {e} ({})", e.hint),
    }
}
