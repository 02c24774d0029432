//! The ticket service: WebSockets on which the first message says who is there. Over TLS, and, to see the difference, in the clear.

#[path = "ticket/counter.rs"]
mod counter;
#[path = "ticket/ladder.rs"]
pub mod ladder;
#[path = "ticket/sessions.rs"]
mod sessions;
#[path = "ticket/sign_in.rs"]
mod sign_in;
#[path = "ticket/talk.rs"]
mod talk;

use crate::{
    door,
    identity::{self, Side},
    options::{Options, Service},
    pages,
    web::on_small_stack,
};
use counter::Counter;
use ladder::{PROTOCOL, Rung, Who, rung};
use padlock::{
    certificate::Identity,
    error::Result,
    http::{self, Answer, Head, Request, Response, Transport, Upgraded},
    listener::{Connection, Listener, Pass},
    mailbox::{Deadline, Mailbox, Room},
    ticket::Auth,
    tls::{self, Facts},
    trust::ClientAuth,
    websocket::{self, Origins},
};
use sessions::Sessions;
use std::{
    io,
    net::{Shutdown, SocketAddr},
    sync::Arc,
    time::Duration,
};
use talk::Visitor;
use tungstenite::protocol::{Role, frame::coding::CloseCode};

/// The service that we are to the auth service.
const OWN_NAME: &str = "ticket";

/// The service: what all its connections share.
pub struct Tickets {
    pub side: Side,
    counter: Counter,
    sessions: Sessions,
    /// Where our own pages come from.
    origins: Vec<String>,
    codes: CloseCodes,
    patience: Duration,
    max_message: usize,
    room: Arc<Room>,
    everyone: Arc<Room>,
}

/// What a stranger is told at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CloseCodes {
    /// 1008, policy violation (RFC 6455 7.4.1)
    Rfc,
    /// 3000, unauthorized, and 3008, timeout, from IANA's registry
    Iana,
    /// 1011, as if the fault were the server's
    #[value(skip)]
    Compat,
}

/// Where a WebSocket was opened.
struct Visit {
    path: &'static str,
    in_room: bool,
    who: Who,
}

impl Tickets {
    /// To the auth service we are `ticket.services.test`, not `who`. `ports`: of all services, since pages of some of them come here.
    /// `everyone` is told when the server stops.
    pub fn new(options: &Arc<Options>, who: &Identity, ports: &[(Service, Listener)], everyone: &Arc<Room>) -> Result<Tickets> {
        let (host, port) = options.auth(ports)?;
        let auth = Auth::new(&host, port, &identity::service(options, OWN_NAME)?, &identity::lab(options)?)?;
        // The highest rung needs a certificate. But a Chromium that is asked for one before a WebSocket gives up the WebSocket, so
        // the question has to be wanted: --client-auth request.
        let side = Side::new(options, who, ClientAuth::None, &["http/1.1"])?;
        Ok(Tickets {
            side,
            counter: Counter::new(auth, options.demo_token),
            sessions: Sessions::default(),
            origins: options.origins(ports),
            codes: options.close_codes(),
            patience: options.auth_within,
            max_message: options.max_message,
            room: Arc::default(),
            everyone: everyone.clone(),
        })
    }

    /// The files have changed: from now on we go to the auth service as whoever they say, and believe whom they say.
    pub fn call_anew(&self, options: &Options) -> Result<()> {
        self.counter.auth.change(&identity::service(options, OWN_NAME)?, &identity::lab(options)?)
    }

    /// One connection, from its first byte to its last. Until it has said who it is, others may need its place.
    pub fn converse(self: &Arc<Tickets>, connection: Connection, secure: bool) {
        let Connection { stream, remote, pass } = connection;
        door::on_probation(&pass);
        if !secure {
            return self.session(stream, remote, pass);
        }
        if let Some(tls) = door::enter(stream, remote, |stream| tls::accept(stream, &self.side.config()).map_err(|e| e.0)) {
            self.session(tls, remote, pass);
        }
    }

    fn session(self: &Arc<Tickets>, transport: impl Transport, remote: SocketAddr, pass: Pass) {
        if let Some(upgraded) = http::serve(transport, remote, &pass, logged, |request| self.answer(request, remote)) {
            self.move_to_websocket(upgraded, remote, pass);
        }
    }

    /// What a request gets.
    fn answer(&self, request: &mut Request<'_, impl Transport>, remote: SocketAddr) -> io::Result<Answer<Visit>> {
        Ok(match request.head.path() {
            "/" => self.upgrade(&request.head, "/", false),
            "/room" => self.upgrade(&request.head, "/room", true),
            "/healthz" => pages::healthz().into(),
            "/ladder" => self.readable_by_own_pages(&request.head, ladder::table()).into(),
            sign_in::PATH => {
                let response = sign_in::answer(self, request, remote)?;
                self.readable_by_own_pages(&request.head, response).into()
            }
            path => match rung(path) {
                Some(rung) => self.climb(rung, request),
                None => Response::error(404, "WebSockets live here: / repeats, /room is heard by all, /ladder/… are labs").into(),
            },
        })
    }

    fn upgrade(&self, head: &Head, path: &'static str, in_room: bool) -> Answer<Visit> {
        match websocket::upgrade(head, Origins::Listed(&self.origins), PROTOCOL) {
            Ok(response) => Answer::Upgrade(response, Visit { path, in_room, who: Who::Later }),
            Err(response) => response.into(),
        }
    }

    fn climb(&self, rung: &Rung, request: &Request<'_, impl Transport>) -> Answer<Visit> {
        // A page that came in the clear may be anybody's by now, whatever port it came from.
        let own: Vec<String> = self.origins.iter().filter(|origin| origin.starts_with("https:")).cloned().collect();
        let proved = request.transport.session().map(|session| Facts::of(session).peer_chain).unwrap_or_default();
        match rung.admit(&request.head, &proved, &own, &self.sessions) {
            (response, Some(who)) => Answer::Upgrade(response, Visit { path: rung.path, in_room: false, who }),
            (response, None) => response.into(),
        }
    }

    /// A page on another port may read the answer if it is ours (Fetch, CORS protocol).
    fn readable_by_own_pages(&self, head: &Head, response: Response) -> Response {
        match head.field("Origin") {
            Some(origin) if self.is_ours(origin) => {
                let response = response.field("Access-Control-Allow-Origin", origin.to_owned()).field("Vary", "Origin");
                response.field("Access-Control-Allow-Credentials", "true")
            }
            _ => response,
        }
    }

    fn is_ours(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own == origin)
    }

    /// A handshake needs a large stack, a conversation does not, and it may last for days.
    fn move_to_websocket(self: &Arc<Tickets>, upgraded: Upgraded<Visit>, remote: SocketAddr, pass: Pass) {
        let Upgraded { to: visit, stream, session, rest } = upgraded;
        log::info!(target: "ticket", "{remote} connected to {}{}", visit.path, if session.is_some() { "" } else { " in the clear" });
        pass.converses();
        let mailbox = Mailbox::new(stream.into_socket(), session, Role::Server, rest, talk::FIRST_MAX);
        let (told, its) = (mailbox.clone(), pass.socket().clone());
        pass.on_probation(move || {
            told.close(CloseCode::Again, "the server is full, and others come who may say who they are");
            let _ = its.shutdown(Shutdown::Both);
        });
        let tickets = self.clone();
        on_small_stack(move || {
            let _here = tickets.everyone.join(&mailbox);
            let room = visit.in_room.then_some(&tickets.room);
            Visitor { tickets: &tickets, mailbox: &mailbox, remote, pass: &pass, room }.converse(visit.who);
        });
    }

    /// By when a ticket must have been shown.
    fn deadline(&self, mailbox: &Arc<Mailbox>) -> Deadline {
        mailbox.close_in(self.patience, self.codes.too_late(), "unauthenticated: no ticket in time")
    }
}

/// What the log says about a request. A query may hold a secret, so it is left out; but on one rung of the ladder it is not, as
/// in every access log that was not made with that in mind.
fn logged(head: &Head) -> &str {
    if rung(head.path()).is_some_and(|rung| rung.how == ladder::How::Url) { head.target() } else { head.path() }
}

impl CloseCodes {
    fn unauthenticated(self) -> CloseCode {
        match self {
            CloseCodes::Rfc => CloseCode::Policy,
            CloseCodes::Iana => CloseCode::from(3000),
            CloseCodes::Compat => CloseCode::Error,
        }
    }

    fn too_late(self) -> CloseCode {
        if self == CloseCodes::Iana { CloseCode::from(3008) } else { self.unauthenticated() }
    }
}
