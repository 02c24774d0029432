//! The auth service: accounts and tickets over HTTPS. People come with a password and get a ticket; services come with a certificate
//! and ask whose it is.

use crate::{
    door,
    identity::Side,
    options::Options,
    pages::{Site, healthz, missing, page_path},
    plain::redirect,
};
use padlock::{
    authority::policy::check_user,
    certificate::Identity,
    error::{Error, Result, printable},
    http::{self, Answer, Head, Request, Response},
    listener::{Connection, Stream},
    mutual,
    ticket::{AUTH, Accounts, LIFE, NoEntry, Tickets},
    tls::{self, Facts, Tls},
    trust::ClientAuth,
};
use rustls::ServerConfig;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Who may ask whose a ticket is, and so spend it. Any other certificate of the lab's is good for nothing here.
const REDEEMERS: [&str; 2] = ["ticket.services.test", "authority.services.test"];
/// A name and a password, with room for the ways to write them in JSON.
const BODY_MAX: usize = 4 * 1024;
/// A browser may remember for so long what it was told before a request from another origin.
const PREFLIGHT_SECONDS: &str = "600";

/// The auth service: what all its connections share.
pub struct Auth {
    pub people: Side,
    pub services: Side,
    accounts: Accounts,
    tickets: Tickets,
    site: Arc<Site>,
    origins: Vec<String>,
}

/// Who is on the other end of a connection.
struct Caller {
    remote: SocketAddr,
    /// Proved by a certificate. People have none here.
    service: Option<String>,
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Deserialize)]
struct Shown {
    ticket: String,
    address: IpAddr,
}

impl Auth {
    /// `origins`: the pages that may ask, besides our own.
    ///
    /// What is wrong with the file of accounts is logged, and no error: everything else goes on.
    pub fn new(options: &Arc<Options>, who: &Identity, site: Arc<Site>, origins: Vec<String>) -> Result<Auth> {
        let people = Side::fixed(options, who, ClientAuth::None, &["http/1.1"])?;
        let services = Side::of_service(options, "auth", &["http/1.1"])?;
        let accounts = Accounts::new(options.accounts())?;
        match accounts.count() {
            Ok(count) => log::debug!(target: "ticket", "{count} accounts in {}", options.accounts().display()),
            Err(e) => log::error!(target: "ticket", "nobody can sign in: {e} ({})", e.hint),
        }
        Ok(Auth { people, services, accounts, tickets: Tickets::default(), site, origins })
    }

    /// One connection, from its first byte to its last.
    pub fn converse(&self, connection: Connection) {
        let Connection { stream, remote, pass } = connection;
        let handshake = |stream| tls::accept_by(stream, |hello| self.side(hello.server_name())).map_err(|(failure, _)| failure);
        if let Some(tls) = door::enter(stream, remote, handshake) {
            http::serve(tls, remote, &pass, Head::target, |request| self.answer(request, remote));
        }
    }

    /// People ask for localhost, services for our name as a service: each gets another certificate, and another question.
    fn side(&self, asked: Option<&str>) -> Arc<ServerConfig> {
        if asked.is_some_and(|name| name.eq_ignore_ascii_case(AUTH)) { self.services.config() } else { self.people.config() }
    }

    fn answer(&self, request: &mut Request<'_, Tls<Stream>>, remote: SocketAddr) -> io::Result<Answer> {
        let service = mutual::name_of(&Facts::of(&request.transport.session).peer_chain).map_err(io::Error::other)?;
        let caller = Caller { remote, service };
        let response = match self.route(&request.head, &caller) {
            Ok(job) => match request.body(BODY_MAX)? {
                Ok(body) => job(self, &body, &caller),
                Err(refuse) => return Ok(Answer::Refuse(refuse)),
            },
            Err(response) => response,
        };
        Ok(self.for_other_origins(&request.head, response).into())
    }

    /// What a request with a body is for; all others are answered at once.
    fn route(&self, head: &Head, caller: &Caller) -> Result<Job, Response> {
        let job: Job = match head.path() {
            "/accounts" => Auth::register,
            "/tickets" => Auth::issue,
            "/tickets/redeem" => Auth::redeem,
            _ => return Err(self.page(head)),
        };
        if let Some(origin) = head.field("origin").filter(|origin| !self.is_ours(head, origin)) {
            log::warn!(target: "ticket", "{} refused: a page of {} asks", caller.remote, printable(origin));
            let sentence = "only pages of this server may ask here (Origin)";
            return Err(refused(403, &Error::new("foreign-origin", sentence).hint("a program leaves the field Origin away")));
        }
        match head.method() {
            "OPTIONS" => Err(preflight()),
            // Only a page that was let through by OPTIONS can send this type (Fetch 2.2.2): a form on a foreign page can't.
            "POST" if is_json(head) => Ok(job),
            "POST" => Err(refused(415, &Error::new("not-json", "the body has to be JSON").hint("say so: Content-Type: application/json"))),
            _ => Err(Response::not_allowed("POST, OPTIONS")),
        }
    }

    /// `POST /accounts {"name", "password"}`: a new account.
    fn register(&self, body: &[u8], caller: &Caller) -> Response {
        let Credentials { name, password } = match understood(body, r#"{"name": "…", "password": "…"}"#) {
            Ok(credentials) => credentials,
            Err(response) => return response,
        };
        match self.accounts.register(&name, &password, caller.remote.ip()) {
            Ok(()) => {
                log::info!(target: "ticket", "{} registered {name}", caller.remote);
                told(201, &json!({ "name": name }))
            }
            Err(no) => no_entry(no, "not registered", &name, caller),
        }
    }

    /// `POST /tickets {"name", "password"}`: a ticket for the address that asks.
    fn issue(&self, body: &[u8], caller: &Caller) -> Response {
        let Credentials { name, password } = match understood(body, r#"{"name": "…", "password": "…"}"#) {
            Ok(credentials) => credentials,
            Err(response) => return response,
        };
        let address = caller.remote.ip();
        let ticket = self.accounts.sign_in(&name, &password, address).and_then(|()| Ok(self.tickets.issue(&name, address)?));
        match ticket {
            Ok(ticket) => {
                log::info!(target: "ticket", "{} gets a ticket: {name}", caller.remote);
                told(200, &json!({ "ticket": ticket, "expires_in": LIFE.as_secs() }))
            }
            Err(no) => no_entry(no, "no ticket", &name, caller),
        }
    }

    /// `POST /tickets/redeem {"ticket", "address"}`: whose it is. For services alone.
    fn redeem(&self, body: &[u8], caller: &Caller) -> Response {
        let Some(service) = caller.service.as_deref().filter(|name| REDEEMERS.contains(name)) else {
            let who = caller.service.as_deref().map_or("nobody by certificate".into(), printable);
            log::warn!(target: "ticket", "{} may not redeem: {who}", caller.remote);
            return refused(
                403,
                &Error::new("may-not-redeem", "only a service may redeem tickets, and proves by its certificate which one it is")
                    .hint(format!("ask for {AUTH}, with the certificate of {}", REDEEMERS[0])),
            );
        };
        let Shown { ticket, address } = match understood(body, r#"{"ticket": "…", "address": "127.0.0.1"}"#) {
            Ok(shown) => shown,
            Err(response) => return response,
        };
        match self.tickets.redeem(&ticket, address) {
            Ok(name) => {
                log::info!(target: "ticket", "{service} redeemed the ticket of {name}, shown from {address}");
                told(200, &json!({ "name": name }))
            }
            Err(no) => {
                log::warn!(target: "ticket", "{service} was refused a ticket shown from {address}: {}", no.reason());
                refused(404, &Error::new("ticket-refused", "the ticket was refused").hint("get a new one"))
            }
        }
    }

    /// The sign-in page, what every port serves, and the way to the rest.
    fn page(&self, head: &Head) -> Response {
        let path = match page_path(head) {
            Ok(path) => path,
            Err(response) => return response,
        };
        match path.as_str() {
            "/" => Response::redirect("/ticket"),
            "/healthz" => healthz(),
            // All else, such as the book that the pages link to, is where the web service is.
            _ => {
                let there = || self.site.web_port().map(|port| redirect(head, port, ""));
                self.site.shared(&path).or_else(there).unwrap_or_else(|| missing(&path))
            }
        }
    }

    /// The pages of our own other ports may read the answer (CORS, Fetch 3.2). Never `*`: that would be the whole web.
    fn for_other_origins(&self, head: &Head, response: Response) -> Response {
        let response = response.field("Vary", "Origin");
        match head.field("origin").filter(|origin| self.is_ours(head, origin)) {
            Some(origin) => {
                response.field("Access-Control-Allow-Origin", origin.to_owned()).field("Access-Control-Expose-Headers", "Retry-After")
            }
            None => response,
        }
    }

    fn is_ours(&self, head: &Head, origin: &str) -> bool {
        let own = origin.strip_prefix("https://").is_some_and(|host| host.eq_ignore_ascii_case(head.host()));
        own || self.origins.iter().any(|known| known.eq_ignore_ascii_case(origin))
    }
}

type Job = fn(&Auth, &[u8], &Caller) -> Response;

fn preflight() -> Response {
    Response::new(200)
        .field("Access-Control-Allow-Methods", "POST")
        .field("Access-Control-Allow-Headers", "Content-Type")
        .field("Access-Control-Max-Age", PREFLIGHT_SECONDS)
}

fn is_json(head: &Head) -> bool {
    let media_type = head.field("content-type").and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

fn understood<T: DeserializeOwned>(body: &[u8], shape: &str) -> Result<T, Response> {
    http::json(body).map_err(|why| refused(400, &Error::new("bad-json", why.to_string()).hint(format!("send {shape}"))))
}

/// Why somebody is not let in: to them what they can do about it, to the log what only we should know.
fn no_entry(no: NoEntry, what: &str, name: &str, caller: &Caller) -> Response {
    // Somebody may have typed the password where the name belongs.
    let (remote, name) = (caller.remote, if check_user(name).is_ok() { name } else { "a name that nobody can have" });
    match no {
        NoEntry::Wrong => {
            log::warn!(target: "ticket", "{remote} {what}: wrong name or password for {name}");
            let error = Error::new("wrong-password", "the name or the password is wrong");
            // 401 has to name a way to prove oneself (RFC 9110 11.6.1). Browsers know none of this name, and so do not ask by themselves.
            refused(401, &error.hint("to make an account: ./client register NAME")).field("WWW-Authenticate", "Password-JSON")
        }
        NoEntry::Slow(wait) => {
            let seconds = wait.as_secs() + 1;
            log::warn!(target: "ticket", "{remote} {what}: too many tries for {name}, or from there");
            let error = Error::new("too-many-tries", format!("there were too many tries; the next is free in {seconds} s"));
            refused(429, &error.hint("wait, then try again")).field("Retry-After", seconds.to_string())
        }
        NoEntry::Error(error) => {
            let status = match error.code {
                "policy" | "bad-password" => 400,
                "account-taken" => 409,
                "too-busy" | "accounts-full" => 503,
                _ => {
                    log::error!(target: "ticket", "{remote} {what}: {error} ({})", error.hint);
                    let error = Error::new("accounts-unavailable", "the accounts can't be used at the moment");
                    return refused(503, &error.hint("the log of the auth service says why"));
                }
            };
            log::warn!(target: "ticket", "{remote} {what}: {error}");
            let response = refused(status, &error);
            if status == 503 { response.field("Retry-After", "5") } else { response }
        }
    }
}

/// An error, in the form of `--json` elsewhere.
fn refused(status: u16, error: &Error) -> Response {
    told(status, &json!({ "error": { "code": error.code, "cause": error.cause, "hint": error.hint } }))
}

fn told(status: u16, value: &Value) -> Response {
    let response = Response::new(status).field("Content-Type", "application/json").field("Cache-Control", "no-store");
    response.body(format!("{value}\n"))
}
