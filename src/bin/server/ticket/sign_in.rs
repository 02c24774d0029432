//! `POST /ladder/sign-in {"ticket": "…"}`: a ticket becomes a cookie, and a token for the rungs that need one in the URL or in a field.

use super::{
    Tickets,
    sessions::{COOKIE, Kind, LIFE},
};
use padlock::{
    error::Result,
    http::{self, Request, Response, Transport},
};
use serde_json::json;
use std::{io, net::SocketAddr};

pub const PATH: &str = "/ladder/sign-in";
/// A ticket and its braces.
const BODY_MAX: usize = 1024;

#[derive(serde::Deserialize)]
struct SignIn {
    ticket: String,
}

/// The answer, for our own pages and for programs. A page elsewhere may not even ask, or it could sign its visitors in as somebody else.
pub fn answer(tickets: &Tickets, request: &mut Request<'_, impl Transport>, remote: SocketAddr) -> io::Result<Response> {
    let own = request.head.field("Origin").is_none_or(|origin| tickets.is_ours(origin));
    Ok(match request.head.method() {
        _ if !own => Response::error(403, "only this server's own pages may sign people in (Origin)").close(),
        // What a browser asks first when the page is on another port (Fetch, CORS-preflight).
        "OPTIONS" => Response::made("text/plain", "").field("Access-Control-Allow-Headers", "content-type"),
        "POST" if request.transport.session().is_none() => {
            refused(403, "a cookie that is Secure is not set in the clear: sign in over https")
        }
        "POST" => match request.body(BODY_MAX)? {
            Ok(body) => sign_in(tickets, &body, remote),
            Err(refuse) => refused(refuse.status, &refuse.reason).close(),
        },
        _ => Response::not_allowed("POST"),
    })
}

fn sign_in(tickets: &Tickets, body: &[u8], remote: SocketAddr) -> Response {
    let ticket = match http::json::<SignIn>(body) {
        Ok(SignIn { ticket }) => ticket,
        Err(bad) => return refused(400, &bad.to_string()),
    };
    let name = match tickets.counter.redeem(&ticket, remote.ip()) {
        Ok(name) => name,
        Err(e) if e.code == "ticket-refused" => {
            log::info!(target: "ticket", "{remote} unauthenticated: {e}");
            return refused(401, "unauthenticated").field("WWW-Authenticate", "Ticket");
        }
        Err(e) => {
            log::error!(target: "ticket", "{remote} unauthenticated: {e} ({})", e.hint);
            return refused(503, "the auth service can't be asked; try again later").field("Retry-After", "5");
        }
    };
    match signed_in(tickets, &name) {
        Ok(response) => {
            log::info!(target: "ticket", "{remote} {name} signed in");
            response
        }
        Err(e) => refused(500, &e.cause),
    }
}

fn signed_in(tickets: &Tickets, name: &str) -> Result<Response> {
    let (cookie, token) = (tickets.sessions.begin(Kind::Cookie, name)?, tickets.sessions.begin(Kind::Token, name)?);
    // The strictest cookie there is, and it still goes along with a page on another port: the same site is another origin.
    let cookie = format!("{COOKIE}={cookie}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Strict", LIFE.as_secs());
    Ok(Response::made("application/json", format!("{}\n", json!({"name": name, "token": token}))).field("Set-Cookie", cookie))
}

fn refused(status: u16, why: &str) -> Response {
    let body = format!("{}\n", json!({ "error": why }));
    Response::error(status, why).field("Content-Type", "application/json").body(body)
}
