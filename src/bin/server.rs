//! The server, on one page. Its services: HTTPS and wss on one port; lines between two who both prove a name; WebSockets that
//! begin with a ticket, and the accounts that tickets are for; a directory that introduces people; and a plain port that sends people
//! to the first.
//!
//! Each service is a listener; each connection has a thread. What a connection goes through is in `server/web.rs`,
//! `server/hello.rs`, `server/ticket.rs`, `server/auth.rs`, `server/chat.rs` and `server/plain.rs`.

#[path = "server/auth.rs"]
mod auth;
#[path = "server/door.rs"]
mod door;
#[path = "server/gallery.rs"]
mod gallery;
#[path = "server/handshake.rs"]
mod handshake;
#[path = "server/chat.rs"]
mod chat;
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
#[path = "shared/failure.rs"]
mod failure;
#[path = "shared/record.rs"]
mod record;
#[path = "shared/size.rs"]
mod size;
#[path = "server/rooms.rs"]
mod rooms;
#[path = "server/tapped.rs"]
mod tapped;
#[path = "server/ticket.rs"]
mod ticket;
#[path = "shared/watch.rs"]
mod watch;
#[path = "server/web.rs"]
mod web;

use auth::Auth;
use chat::Chat;
use hello::Hello;
use identity::Side;
use options::{Options, Service};
use padlock::{
    error::Result,
    listener::{Gate, Listener},
    wire::End,
};
use pages::Site;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};
use tapped::Tapped;
use ticket::Tickets;
use tungstenite::protocol::frame::coding::CloseCode;
use watch::Watch;
use web::Web;

/// What is under way when the server is told to stop has this long to finish.
const LAST_CALL: Duration = Duration::from_millis(1_800);

fn main() -> ExitCode {
    let options = Arc::new(Options::from_command_line());
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            failure::tell("server", options.json, &e);
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
    let revocations = watch_for_revocations(options);
    let services = Arc::new(Services::new(options, &ports)?);
    let gate = Gate::watched(options.limits(), options.record.watcher(End::Server));
    let _ = write!(io::stdout(), "{}", options.table(&ports));
    services.serve(ports, &gate)?;

    if let Some(watch) = revocations {
        let (services, options) = (services.clone(), options.clone());
        watch.tell(move || services.look_again(&options));
    }
    for signal in signals.forever() {
        match signal {
            SIGHUP => {
                services.web.gallery.forget();
                services.reload(options, |_| true);
            }
            _ => break,
        }
    }
    let everyone = &services.web.rooms.everyone;
    log::info!(target: "listener", "stopping: no new connections; told to those who converse: {}", everyone.len());
    everyone.close(CloseCode::Away, "the server stops");
    services.chat.iter().for_each(|chat| chat.close());
    match gate.close(LAST_CALL) {
        0 => log::info!(target: "listener", "all connections have ended"),
        stayed => log::warn!(target: "listener", "{stayed} connections did not end in time, and are cut"),
    }
    options.record.end();
    Ok(())
}

/// What the connections of each service share.
struct Services {
    site: Arc<Site>,
    web: Arc<Web>,
    hello: Option<Arc<Hello>>,
    tickets: Option<Arc<Tickets>>,
    auth: Option<Arc<Auth>>,
    chat: Option<Arc<Chat>>,
    /// Held from the reading of the files until all sides have them: of two who reload at once, the later has the newer ones.
    reloading: Mutex<()>,
}

impl Services {
    fn new(options: &Arc<Options>, ports: &[(Service, Listener)]) -> Result<Services> {
        let site = Arc::new(options.site(ports)?);
        let who = identity::load(options)?;
        let port = |of: Service| ports.iter().find(|(service, _)| *service == of).map(|(_, listener)| listener.address().port());
        let tapped = Tapped::new(options, &who, port(Service::Plain), port(Service::Web))?;
        let web = Arc::new(Web::new(options, &who, site.clone(), tapped)?);
        let hello = options.starts(Service::Hello).then(|| Hello::new(options, &who)).transpose()?;
        let tickets = options.starts_tickets().then(|| Tickets::new(options, &who, ports, &web.rooms.everyone)).transpose()?;
        let auth = options.starts(Service::Auth).then(|| Auth::new(options, &who, site.clone(), options.origins(ports))).transpose()?;
        let chat = options.starts(Service::Chat).then(|| Chat::new(options, &who)).transpose()?;
        Ok(Services {
            site,
            web,
            hello: hello.map(Arc::new),
            tickets: tickets.map(Arc::new),
            auth: auth.map(Arc::new),
            chat: chat.map(Arc::new),
            reloading: Mutex::default(),
        })
    }

    fn serve(&self, ports: Vec<(Service, Listener)>, gate: &Arc<Gate>) -> Result<()> {
        let https = ports.iter().find(|(service, _)| *service == Service::Web).map(|(_, listener)| listener.address().port());
        for (service, listener) in ports {
            match service {
                Service::Web => {
                    let web = self.web.clone();
                    listener.serve(gate, move |connection| web.converse(connection))?;
                }
                Service::Hello => {
                    let Some(hello) = self.hello.clone() else { continue };
                    listener.serve(gate, move |connection| hello.converse(connection))?;
                }
                Service::Ticket | Service::TicketWs => {
                    let Some(tickets) = self.tickets.clone() else { continue };
                    listener.serve(gate, move |connection| tickets.converse(connection, service == Service::Ticket))?;
                }
                Service::Auth => {
                    let Some(auth) = self.auth.clone() else { continue };
                    listener.serve(gate, move |connection| auth.converse(connection))?;
                }
                Service::Chat => {
                    let Some(chat) = self.chat.clone() else { continue };
                    listener.serve(gate, move |connection| chat.converse(connection))?;
                }
                Service::Plain => {
                    let (site, web) = (self.site.clone(), self.web.clone());
                    listener.serve(gate, move |connection| plain::converse(connection, &site, &web, https))?;
                }
            }
        }
        Ok(())
    }

    /// New connections to the sides that it `concerns` get what is in the files now. What can't be used changes nothing.
    fn reload(&self, options: &Options, concerns: fn(&Side) -> bool) {
        let hello = self.hello.as_deref().map(|hello| &hello.side);
        let auth = self.auth.iter().flat_map(|auth| [&auth.people, &auth.services]);
        let chat = self.chat.as_deref().map(|chat| &chat.side);
        let tickets = self.tickets.as_deref().map(|tickets| &tickets.side);
        let sides = std::iter::once(&self.web.side).chain(hello).chain(tickets).chain(auth).chain(chat);
        let _turn = self.reloading.lock();
        let changed = identity::load(options).and_then(|who| {
            sides.filter(|side| concerns(side)).try_for_each(|side| side.change(&who))?;
            self.tickets.iter().try_for_each(|tickets| tickets.call_anew(options))
        });
        match changed {
            Ok(()) => log::info!(target: "certificate", "loaded again: new connections get it, open ones keep theirs"),
            Err(e) => log::error!(target: "certificate", "not loaded again, the old one stays: {e} ({})", e.hint),
        }
    }

    /// The authority has signed a new list of what it took back: nobody on it gets in any more, and whoever is in goes. Where nobody
    /// is asked for a certificate, it changes nothing, and whoever holds a session ticket can still use it.
    fn look_again(&self, options: &Options) {
        self.reload(options, Side::asks);
        identity::look(options, |trust| {
            self.hello.iter().for_each(|hello| hello.look_again(trust));
            self.chat.iter().for_each(|chat| chat.look_again(trust));
        });
    }
}

/// Before any list is read, so that none is missed.
fn watch_for_revocations(options: &Options) -> Option<Watch> {
    let list = options.places().crl("intermediate");
    list.parent().filter(|_| !options.no_crl).map(Watch::begin)
}
