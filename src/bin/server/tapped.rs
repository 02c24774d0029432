//! What `/wiretap` shows: a ws and a wss session with this very server, and a stranger on the path of each.
//!
//! The server is the client of both as well, so that a page can show them: a browser does not let a page see its own bytes. The tap
//! is on the TCP stream below TLS, and what it sees is what crosses loopback.

use crate::options::Options;
use padlock::{
    certificate::Identity,
    error::{Error, Result},
    listener::{self, Stream},
    mailbox::{Ended, Mailbox},
    refusal,
    tls::{self, Settings},
    trust::Trust,
    websocket::{self, NoUpgrade},
    wire::{Direction, Sight, Stranger},
};
use rustls::{ClientConfig, client::Resumption, pki_types::ServerName};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tungstenite::{Message, protocol::Role};

/// Pages that look at once: each costs four connections.
const PAGES: usize = 16;
/// Our own door is answered at once, or not at all.
const WITHIN: Duration = Duration::from_secs(5);
/// A message that is typed.
const TYPED: usize = 1000;
/// Room on the stack for a handshake.
const STACK: usize = if cfg!(debug_assertions) { 1024 } else { 256 } * 1024;

/// The two sessions of every page.
pub struct Tapped {
    ws: Option<u16>,
    wss: Option<u16>,
    host: IpAddr,
    tls: Arc<ClientConfig>,
    pages: AtomicUsize,
}

#[derive(Clone, Copy)]
enum Line {
    Ws,
    Wss,
}

/// A session that is being opened, and is there at some time.
#[derive(Default)]
struct Opening {
    mailbox: Mutex<Opened>,
    changed: Condvar,
}

#[derive(Default)]
enum Opened {
    #[default]
    NotYet,
    Here(Arc<Mailbox>),
    Never,
}

impl Tapped {
    /// `ws` and `wss`: the ports of plain HTTP and of HTTPS, if they are served.
    pub fn new(options: &Options, who: &Identity, ws: Option<u16>, wss: Option<u16>) -> Result<Tapped> {
        let trust = match Trust::lab(&options.places()) {
            Ok(lab) if !options.self_signed => lab,
            _ => Trust::certificates("the server's own certificate", &who.chain)?,
        };
        let settings = Settings { alpn: vec![b"http/1.1".to_vec()], ..Settings::default() };
        let mut tls = Arc::unwrap_or_clone(tls::client(None, &trust, Default::default(), &settings)?);
        tls.resumption = Resumption::disabled(); // each page is to show a whole handshake
        let host = if options.listen.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { options.listen };
        Ok(Tapped { ws, wss, host, tls: Arc::new(tls), pages: AtomicUsize::new(0) })
    }

    /// Shows a page what a stranger sees, and says on both lines what is typed there: `ws hello`, `wss hello`.
    pub fn converse(self: &Arc<Tapped>, page: &Arc<Mailbox>) -> Ended {
        let full = self.pages.fetch_add(1, Ordering::Relaxed) >= PAGES;
        if full {
            note(page, "too many pages look at once; close one, and load this one again");
        }
        let lines = [Line::Ws, Line::Wss].map(|line| if full { Arc::default() } else { self.open(line, page) });
        let ended = page.listen(|message| {
            let Message::Text(typed) = message else { return };
            match typed.split_once(' ') {
                Some(("ws", text)) if text.len() <= TYPED => lines[0].say(text),
                Some(("wss", text)) if text.len() <= TYPED => lines[1].say(text),
                _ => note(page, "say ws or wss, and then up to 1000 letters"),
            }
        });
        lines.iter().for_each(|line| line.close());
        self.pages.fetch_sub(1, Ordering::Relaxed);
        ended
    }

    /// A thread that opens the session and listens to it until it ends.
    fn open(self: &Arc<Tapped>, line: Line, page: &Arc<Mailbox>) -> Arc<Opening> {
        let (opening, this, page) = (Arc::new(Opening::default()), self.clone(), page.clone());
        let theirs = opening.clone();
        let run = move || match this.session(line, &page) {
            Ok(mailbox) => {
                theirs.set(Opened::Here(mailbox.clone()));
                mailbox.listen(drop);
            }
            Err(e) => {
                theirs.set(Opened::Never);
                note(&page, &format!("{}: {e}", line.name()));
            }
        };
        if thread::Builder::new().name("tapped".into()).stack_size(STACK).spawn(run).is_err() {
            opening.set(Opened::Never);
        }
        opening
    }

    fn session(&self, line: Line, page: &Arc<Mailbox>) -> Result<Arc<Mailbox>> {
        let (port, service) = match line {
            Line::Ws => (self.ws, "plain"),
            Line::Wss => (self.wss, "web"),
        };
        let missing = || Error::new("no-service", format!("the service {service} was not started")).hint("start them all: ./server");
        let port = port.ok_or_else(missing)?;
        let lost = |e: std::io::Error| refusal::client_session(&e.into());
        let socket = Arc::new(TcpStream::connect_timeout(&SocketAddr::new(self.host, port), WITHIN).map_err(lost)?);
        listener::prepare(&socket).map_err(lost)?;
        let mut stream = Stream::new(&socket, WITHIN).map_err(lost)?;
        let shown = page.clone();
        stream.watch(Arc::new(Stranger::new(move |direction, sight| show(&shown, line, direction, sight))));
        let host = format!("localhost:{port}");
        let unsaid = |no: NoUpgrade| match no {
            NoUpgrade::Broken(failure) => refusal::client_session(&failure),
            NoUpgrade::Answer(e) => e,
        };
        if let Line::Ws = line {
            let rest = websocket::connect(&mut stream, &host, "/echo", None).map_err(unsaid)?;
            return Ok(Mailbox::new(stream.into_socket(), None, Role::Client, rest, 2 * TYPED));
        }
        let name = ServerName::try_from("localhost").map_err(|_| Error::new("bad-name", "localhost is no name"))?;
        let mut tls = tls::connect(stream, name, &self.tls).map_err(|(failure, _)| refusal::client_session(&failure))?;
        let rest = websocket::connect(&mut tls, &host, "/echo", None).map_err(unsaid)?;
        Ok(Mailbox::new(tls.stream.into_socket(), Some(tls.session), Role::Client, rest, 2 * TYPED))
    }
}

impl Line {
    fn name(self) -> &'static str {
        match self {
            Line::Ws => "ws",
            Line::Wss => "wss",
        }
    }
}

impl Opening {
    fn set(&self, opened: Opened) {
        *self.mailbox.lock().unwrap_or_else(PoisonError::into_inner) = opened;
        self.changed.notify_all();
    }

    /// The session, when it has been opened; `None` if it can't be.
    fn wait(&self) -> Option<Arc<Mailbox>> {
        let opened = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        let not_yet = |opened: &mut Opened| matches!(opened, Opened::NotYet);
        match &*self.changed.wait_timeout_while(opened, WITHIN, not_yet).unwrap_or_else(PoisonError::into_inner).0 {
            Opened::Here(mailbox) => Some(mailbox.clone()),
            _ => None,
        }
    }

    fn say(&self, text: &str) {
        if let Some(mailbox) = self.wait() {
            let _ = mailbox.post(Message::text(text));
        }
    }

    fn close(&self) {
        if let Some(mailbox) = self.wait() {
            mailbox.close(tungstenite::protocol::frame::coding::CloseCode::Normal, "");
        }
    }
}

/// Tells the page what a stranger saw.
fn show(page: &Arc<Mailbox>, line: Line, direction: Direction, sight: Sight) {
    let from = if direction == Direction::Sent { "client" } else { "server" };
    tell(
        page,
        match sight {
            Sight::Clear(text) => json!({"line": line.name(), "from": from, "text": text}),
            Sight::Sealed(bytes) => json!({"line": line.name(), "from": from, "sealed": bytes}),
        },
    );
}

fn note(page: &Arc<Mailbox>, text: &str) {
    tell(page, json!({ "note": text }));
}

fn tell(page: &Arc<Mailbox>, what: Value) {
    let _ = page.post(Message::text(what.to_string()));
}
