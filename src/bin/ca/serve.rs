//! `ca serve`: answers requests over HTTPS. Who asks proves the name first; what is granted is the policy's decision.
//!
//! `POST /certificates` takes a request (PEM) and gives a chain. `GET /chain` and `GET /crl` are for everybody.

#[path = "serve/diary.rs"]
mod diary;
#[path = "serve/refused.rs"]
mod refused;

use crate::options;
use crate::say::{answer, fact};
use crate::watch::Watch;
use diary::Diary;
use padlock::authority::{self, Enrolled, Places, Proof, Which};
use padlock::certificate::{Identity, summary};
use padlock::error::{Error, Result};
use padlock::http::{self, Answer, Head, Request, Response};
use padlock::key::{self, pem};
use padlock::listener::{Connection, Gate, Limits, Listener, Stream, farewell};
use padlock::mutual;
use padlock::refusal;
use padlock::request;
use padlock::ticket::Auth;
use padlock::tls::{self, Facts, Settings, Tls};
use padlock::trust::{ClientAuth, Trust};
use refused::{exists, failed, taken};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// A request for a certificate is a kilobyte; one with an RSA key of 4096 bits and a few names is two.
const REQUEST_MAX: usize = 16 * 1024;
/// What a chain in PEM is called (RFC 8555 9.1).
const CHAIN: &str = "application/pem-certificate-chain";
/// What is under way when we are told to stop has this long to finish.
const LAST_CALL: Duration = Duration::from_millis(1_800);
/// The account that redeems tickets for us.
const OWN_NAME: &str = "authority";

/// What all connections share.
struct Desk {
    places: Places,
    config: Arc<ServerConfig>,
    auth: Auth,
    diary: Diary,
}

/// `ca serve`: until Ctrl-C.
pub fn serve(places: &Places, options: &options::Serve) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|e| Error::new("no-signals", format!("can't wait for signals: {e}")))?;
    if !places.intermediate_certificate().exists() {
        return Err(authority::missing(&places.intermediate_certificate()));
    }
    let listener = Listener::bind(SocketAddr::new(options.address, options.port))?;
    // Before any list is read, so that none is missed.
    let lists = places.crl(Which::Intermediate.name()).parent().map(Watch::begin);
    let desk = Arc::new(Desk::new(places, options)?);
    let gate = Gate::new(Limits::default());
    answer(&format!("https://localhost:{}  certificate requests; stop with Ctrl-C\n", listener.address().port()))?;
    let told = desk.clone();
    if let Some(lists) = lists {
        lists.tell(move || told.look_again());
    }
    listener.serve(&gate, move |connection| desk.converse(connection))?;
    signals.forever().next();
    let stayed = gate.close(LAST_CALL);
    fact(&format!("stopped; {stayed} connections were cut"));
    Ok(())
}

impl Desk {
    fn new(places: &Places, options: &options::Serve) -> Result<Desk> {
        let (chain, key) = places.server("localhost");
        let who = Identity::load(&chain, &key)?;
        let trust = Trust::lab(places)?;
        let settings = Settings { alpn: vec![b"http/1.1".to_vec()], ..Settings::default() };
        let (host, port) = Auth::place(&options.auth)?;
        let auth = Auth::new(&host, port, &own_identity(places)?, &Trust::lab_less_revoked(places)?)?;
        let config = tls::server(&who, Some((&trust, ClientAuth::Request)), &settings)?;
        Ok(Desk { places: places.clone(), config, auth, diary: Diary::open(places.ca())? })
    }

    /// We have signed a new list of what was taken back: no auth service that is on it is asked any more.
    fn look_again(&self) {
        let changed = Trust::lab_less_revoked(&self.places).and_then(|trust| self.auth.change(&own_identity(&self.places)?, &trust));
        if let Err(e) = changed {
            log::error!(target: "trust", "the new list of what was taken back is not gone by: {e} ({})", e.hint);
        }
    }

    /// One connection, from its first byte to its last.
    fn converse(&self, connection: Connection) {
        let Connection { stream, remote, pass } = connection;
        let tls = match tls::accept(stream, &self.config) {
            Ok(tls) => tls,
            Err((failure, stream)) => {
                log::warn!(target: "tls", "{remote}: {}", refusal::server_side(&failure));
                return farewell(stream.socket());
            }
        };
        http::serve(tls, remote, &pass, Head::target, |request| self.answer(request, remote));
    }

    fn answer(&self, request: &mut Request<'_, Tls<Stream>>, remote: SocketAddr) -> io::Result<Answer> {
        let peer = Facts::of(&request.transport.session).peer_chain;
        Ok(match request.body(REQUEST_MAX)? {
            Ok(body) => self.route(&request.head, &body, &peer, remote).into(),
            Err(refuse) => Answer::Refuse(refuse),
        })
    }

    fn route(&self, head: &Head, body: &[u8], peer: &[CertificateDer<'_>], remote: SocketAddr) -> Response {
        match (head.method(), head.path()) {
            ("POST", "/certificates") => self.certificates(head, body, peer, remote),
            ("GET" | "HEAD", "/chain") => self.chain().unwrap_or_else(|e| failed(&e)),
            ("GET" | "HEAD", path) if path.starts_with("/certificates/") => self.certificate(&path["/certificates/".len()..]),
            ("GET" | "HEAD", "/crl") => self.list().unwrap_or_else(|e| failed(&e)),
            (_, "/certificates") => Response::not_allowed("POST"),
            (_, "/chain" | "/crl") => Response::not_allowed("GET, HEAD"),
            _ => Response::error(404, "POST /certificates takes a request; GET /certificates/NAME, /chain and /crl are for everybody"),
        }
    }

    /// Whose name it is, then what the policy says to it.
    fn certificates(&self, head: &Head, body: &[u8], peer: &[CertificateDer<'_>], remote: SocketAddr) -> Response {
        let (name, proof) = match self.proved(head, peer, remote.ip()) {
            Ok(proved) => proved,
            Err(e) => return self.refuse(remote, "-", &e),
        };
        let request = match request::only(body) {
            Ok(request) => request,
            Err(e) => {
                self.diary.refused(remote, &name, &e.cause);
                return refused::with(400, &e);
            }
        };
        let key = key::identifier(&request.key.der());
        let enrolled = authority::enrol(&self.places, &name, &request, &proof, OffsetDateTime::now_utc());
        match enrolled {
            Ok(Enrolled::Issued { chain, leaf, instead_of }) => {
                let instead = instead_of.map(|old| format!(", instead of {old}")).unwrap_or_default();
                self.diary.note(remote, &name, &format!("issued {} for the key {key}{instead}", leaf.serial));
                signed(201, chain)
            }
            Ok(Enrolled::Again { chain, leaf }) => {
                self.diary.unsigned(remote, &name, &format!("given again: {}, for the key {key}", leaf.serial));
                signed(200, chain)
            }
            Ok(Enrolled::Exists(held)) => {
                self.diary.refused(remote, &name, &format!("{} is valid", held.serial));
                exists(&held)
            }
            Ok(Enrolled::Taken(held)) => {
                self.diary.refused(remote, &name, &format!("{} is valid, with another country or organisation", held.serial));
                taken(&held)
            }
            Err(e) => self.refuse(remote, &name, &e),
        }
    }

    /// The name that is proved: by a ticket of the auth service, or by the certificate that is to be renewed.
    fn proved(&self, head: &Head, peer: &[CertificateDer<'_>], address: IpAddr) -> Result<(String, Proof)> {
        let bearer = head.field("authorization").and_then(|field| field.split_once(' '));
        if let Some((_, ticket)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
            return Ok((self.auth.redeem(ticket.trim(), address)?, Proof::Account));
        }
        match (mutual::name_of(peer)?, peer.first()) {
            (Some(name), Some(leaf)) => Ok((name, Proof::Certificate(summary(leaf)?.serial))),
            _ => Err(Error::new("unproved", "nobody has proved the name: neither a ticket nor a certificate came with the request")
                .hint("./client enrol NAME brings a ticket of the auth service; by hand: Authorization: Bearer TICKET")),
        }
    }

    fn refuse(&self, remote: SocketAddr, name: &str, e: &Error) -> Response {
        self.diary.refused(remote, name, &e.cause);
        failed(e)
    }

    /// The certificates that a leaf leads to, the root last.
    fn chain(&self) -> Result<Response> {
        let read = |which: Which| padlock::file::read(&which.certificate(&self.places));
        Ok(Response::made(CHAIN, [read(Which::Intermediate)?, read(Which::Root)?].concat()))
    }

    /// Somebody's certificate, if they have one that is valid. It is no secret: they show it to everybody they talk to.
    fn certificate(&self, name: &str) -> Response {
        match authority::valid(&self.places, name, OffsetDateTime::now_utc()) {
            Ok(Some(leaf)) => Response::made(CHAIN, leaf),
            Ok(None) => Response::error(404, "nobody of this name has a valid certificate"),
            Err(e) => failed(&e),
        }
    }

    /// The list of what the intermediate took back, DER (RFC 5280 5).
    fn list(&self) -> Result<Response> {
        let file = self.places.crl(Which::Intermediate.name());
        let list = pem::lists(&padlock::file::read(&file)?, &file)?.swap_remove(0);
        Ok(Response::made("application/pkix-crl", list.to_vec()))
    }
}

/// A certificate, and those that it leads to.
fn signed(status: u16, chain: String) -> Response {
    Response::new(status).field("Content-Type", CHAIN).field("Cache-Control", "no-store").body(chain)
}

/// Who we are to the auth service.
fn own_identity(places: &Places) -> Result<Identity> {
    let (chain, key) = places.service(OWN_NAME);
    Identity::load(&chain, &key)
}
