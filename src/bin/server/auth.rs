//! The auth service: accounts and tickets over HTTPS. People come with a password and get a ticket; services come with a certificate
//! and ask whose it is.

#[path = "auth/people.rs"]
mod people;
#[path = "auth/redeem.rs"]
mod redeem;

use crate::{
    door,
    identity::Side,
    options::Options,
    pages::{Site, healthz, missing, page_path},
    plain::redirect,
};
use padlock::{
    certificate::Identity,
    error::{Error, Result, printable},
    http::{self, Answer, Head, Request, Response},
    listener::{Connection, Stream},
    ticket::{AUTH, Accounts, Tickets},
    tls::{self, Tls},
    trust::ClientAuth,
};
use redeem::Caller;
use rustls::ServerConfig;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{io, sync::Arc};

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

/// What a body is for.
type Job = fn(&Auth, &[u8], &Caller) -> Response;

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
        door::on_probation(&pass);
        let handshake = |stream| tls::accept_by(stream, |hello| self.side(hello.server_name())).map_err(|(failure, _)| failure);
        let Some(tls) = door::enter(stream, remote, handshake) else { return };
        let caller = Caller::of(&tls.session, remote);
        // In a full house, who is no service of ours goes first. People get a ticket within a moment, so they need no place to keep.
        if caller.may_redeem() {
            pass.proven();
        }
        http::serve(tls, remote, &pass, Head::target, |request| self.answer(request, &caller));
    }

    /// People ask for localhost, services for our name as a service: each gets another certificate, and another question.
    fn side(&self, asked: Option<&str>) -> Arc<ServerConfig> {
        if asked.is_some_and(|name| name.eq_ignore_ascii_case(AUTH)) { self.services.config() } else { self.people.config() }
    }

    /// What a request gets.
    fn answer(&self, request: &mut Request<'_, Tls<Stream>>, caller: &Caller) -> io::Result<Answer> {
        let response = match self.route(&request.head, caller) {
            Ok(job) => match request.body(BODY_MAX)? {
                Ok(body) => job(self, &body, caller),
                Err(refuse) => return Ok(Answer::Refuse(refuse)),
            },
            Err(response) => response,
        };
        Ok(self.for_other_origins(&request.head, response).into())
    }

    /// What a request with a body is for; all others are answered at once.
    fn route(&self, head: &Head, caller: &Caller) -> Result<Job, Response> {
        let job: Job = match head.path() {
            "/accounts" => people::register,
            "/tickets" => people::issue,
            "/tickets/redeem" => redeem::redeem,
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

/// An error, in the form of `--json` elsewhere.
fn refused(status: u16, error: &Error) -> Response {
    told(status, &json!({ "error": { "code": error.code, "cause": error.cause, "hint": error.hint } }))
}

fn told(status: u16, value: &Value) -> Response {
    let response = Response::new(status).field("Content-Type", "application/json").field("Cache-Control", "no-store");
    response.body(format!("{value}\n"))
}
