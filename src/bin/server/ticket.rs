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
    identity::Side,
    options::{Options, Service},
    pages,
    web::on_small_stack,
};
use counter::Counter;
use ladder::{PROTOCOL, Rung, Who, rung};
use padlock::{
    certificate::Identity,
    error::{Result, printable},
    http::{self, Head, Next, Response},
    listener::{Connection, Listener, Pass, Stream, farewell},
    mailbox::{Deadline, Mailbox, Room},
    refusal,
    ticket::Auth,
    tls::{self, Facts, Tls},
    trust::{ClientAuth, Trust},
    websocket::{self, Origins},
};
use sessions::Sessions;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr},
    sync::Arc,
    time::Duration,
};
use talk::Visitor;
use tungstenite::protocol::{Role, frame::coding::CloseCode};

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

/// A connection before its upgrade.
enum Line {
    Secure(Box<Tls<Stream>>),
    Clear(Box<Stream>),
}

/// Where a WebSocket was opened.
struct Visit {
    path: &'static str,
    in_room: bool,
    who: Who,
}

/// How the requests on a connection ended.
enum Done {
    Upgraded(Visit),
    PeerClosed,
    WeClose,
}

impl Tickets {
    /// To the auth service we are `ticket.services.test`, not `who`. `ports`: of all services, since pages of some of them come here.
    /// `everyone` is told when the server stops.
    pub fn new(options: &Arc<Options>, who: &Identity, ports: &[(Service, Listener)], everyone: &Arc<Room>) -> Result<Tickets> {
        let places = options.places();
        let (chain, key) = places.service("ticket");
        let (host, port) = options.auth(ports)?;
        let auth = Auth::new(&host, port, &Identity::load(&chain, &key)?, &Trust::lab(&places)?)?;
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

    /// One connection, from its first byte to its last. Until it has said who it is, others may need its place.
    pub fn converse(self: &Arc<Tickets>, connection: Connection, secure: bool) {
        let Connection { stream, remote, pass } = connection;
        let socket = stream.socket().clone();
        pass.on_probation(move || drop(socket.shutdown(Shutdown::Both)));
        if !secure {
            return self.session(Line::Clear(Box::new(stream)), remote, pass);
        }
        if let Some(tls) = door::enter(stream, remote, |stream| tls::accept(stream, &self.side.config()).map_err(|e| e.0)) {
            self.session(Line::Secure(Box::new(tls)), remote, pass);
        }
    }

    fn session(self: &Arc<Tickets>, mut line: Line, remote: SocketAddr, pass: Pass) {
        let mut buffer = Vec::new();
        match self.requests(&mut line, &mut buffer, remote, &pass) {
            Ok(Done::Upgraded(visit)) => return self.move_to_websocket(visit, line, buffer, remote, pass),
            Ok(Done::PeerClosed) => return line.close(),
            Ok(Done::WeClose) => line.close(),
            Err(_) if pass.gate().closed() => line.close(), // it was us who ended the reading
            Err(e) => log::debug!(target: "http", "{remote}: {}", refusal::server_session(&e.into())),
        }
        farewell(line.stream().socket());
    }

    /// Request after request, until one of the sides has had enough.
    fn requests(&self, line: &mut Line, buffer: &mut Vec<u8>, remote: SocketAddr, pass: &Pass) -> io::Result<Done> {
        let (idle, head_time) = (pass.gate().limits().idle, pass.gate().limits().head);
        line.stream().expect(head_time, head_time);
        loop {
            let mut head = match http::read_head(line, buffer)? {
                Next::Head(head) => head,
                Next::Closed => return Ok(Done::PeerClosed),
                Next::ClientHello => return Ok(Done::WeClose),
                Next::Refuse(refuse) => {
                    log::info!(target: "http", "{remote} {} {}", refuse.status, refuse.reason);
                    http::refuse(line, &refuse)?;
                    return Ok(Done::WeClose);
                }
            };
            let (response, visit) = match pass.refused() {
                Some(why) => (Response::error(503, why).field("Retry-After", "5").close(), None),
                None if head.path() == sign_in::PATH => {
                    let response = sign_in::answer(self, line, buffer, &mut head, remote)?;
                    (self.readable_by_own_pages(&head, response), None)
                }
                None => self.route(&head, line),
            };
            log::info!(target: "http", "{remote} {} {} {}", head.method(), printable(logged(&head)), response.status());
            let keep = http::respond(line, &head, &response)?;
            match visit {
                Some(visit) => return Ok(Done::Upgraded(visit)),
                None if !keep || pass.gate().closed() => return Ok(Done::WeClose),
                None => line.stream().expect(idle, head_time),
            }
        }
    }

    /// What a request gets. With a visit, the response is `101`.
    fn route(&self, head: &Head, line: &Line) -> (Response, Option<Visit>) {
        let (path, in_room) = match head.path() {
            "/" => ("/", false),
            "/room" => ("/room", true),
            "/healthz" => return (pages::healthz(), None),
            "/ladder" => return (self.readable_by_own_pages(head, ladder::table()), None),
            path => match rung(path) {
                Some(rung) => return self.climb(rung, head, line),
                None => return (Response::error(404, "WebSockets live here: / repeats, /room is heard by all, /ladder/… are labs"), None),
            },
        };
        match websocket::upgrade(head, Origins::Listed(&self.origins), PROTOCOL) {
            Ok(response) => (response, Some(Visit { path, in_room, who: Who::Later })),
            Err(response) => (response, None),
        }
    }

    fn climb(&self, rung: &Rung, head: &Head, line: &Line) -> (Response, Option<Visit>) {
        // A page that came in the clear may be anybody's by now, whatever port it came from.
        let own: Vec<String> = self.origins.iter().filter(|origin| origin.starts_with("https:")).cloned().collect();
        let (response, who) = rung.admit(head, &line.peer_chain(), &own, &self.sessions);
        (response, who.map(|who| Visit { path: rung.path, in_room: false, who }))
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
    fn move_to_websocket(self: &Arc<Tickets>, visit: Visit, line: Line, rest: Vec<u8>, remote: SocketAddr, pass: Pass) {
        log::info!(target: "ticket", "{remote} connected to {}{}", visit.path, if line.is_secure() { "" } else { " in the clear" });
        pass.converses();
        let (socket, session) = match line {
            Line::Secure(tls) => (tls.stream.into_socket(), Some(tls.session)),
            Line::Clear(stream) => (stream.into_socket(), None),
        };
        let mailbox = Mailbox::new(socket, session, Role::Server, rest, talk::FIRST_MAX);
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

impl Line {
    fn stream(&mut self) -> &mut Stream {
        match self {
            Line::Secure(tls) => &mut tls.stream,
            Line::Clear(stream) => stream,
        }
    }

    fn is_secure(&self) -> bool {
        matches!(self, Line::Secure(_))
    }

    /// What the peer has proved in the handshake.
    fn peer_chain(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
        match self {
            Line::Secure(tls) => Facts::of(&tls.session).peer_chain,
            Line::Clear(_) => Vec::new(),
        }
    }

    /// Says close_notify, where there is one.
    fn close(&mut self) {
        if let Line::Secure(tls) = self {
            let _ = tls.close();
        }
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Line::Secure(tls) => tls.read(buffer),
            Line::Clear(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Line::Secure(tls) => tls.write(bytes),
            Line::Clear(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
