//! Services, with a certificate: they were shown a ticket, and ask whose it is.

use super::{Auth, refused, told, understood};
use padlock::{
    error::{Error, Result, printable},
    http::Response,
    mutual,
    ticket::AUTH,
    tls::Facts,
};
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};

/// Who may ask whose a ticket is, and so spend it. Any other certificate of the lab's is good for nothing here.
const REDEEMERS: [&str; 2] = ["ticket.services.test", "authority.services.test"];

/// Who is on the other end of a connection.
pub struct Caller {
    pub remote: SocketAddr,
    /// Proved by this certificate. People have none here.
    service: Option<(String, CertificateDer<'static>)>,
}

#[derive(Deserialize)]
struct Shown {
    ticket: String,
    address: IpAddr,
}

impl Caller {
    pub fn of(session: &rustls::Connection, remote: SocketAddr) -> Caller {
        let chain = Facts::of(session).peer_chain;
        let name = mutual::name_of(&chain).ok().flatten();
        Caller { remote, service: name.zip(chain.into_iter().next()) }
    }

    pub fn may_redeem(&self) -> bool {
        self.service.as_ref().is_some_and(|(name, _)| REDEEMERS.contains(&name.as_str()))
    }
}

/// `POST /tickets/redeem {"ticket", "address"}`: whose it is. For services alone.
pub fn redeem(auth: &Auth, body: &[u8], caller: &Caller) -> Response {
    let service = match redeemer(auth, caller) {
        Ok(service) => service,
        Err(response) => return response,
    };
    let Shown { ticket, address } = match understood(body, r#"{"ticket": "…", "address": "127.0.0.1"}"#) {
        Ok(shown) => shown,
        Err(response) => return response,
    };
    match auth.tickets.redeem(&ticket, address) {
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

/// The service that asks, if it may, and still is who it was at the handshake.
fn redeemer<'a>(auth: &Auth, caller: &'a Caller) -> Result<&'a str, Response> {
    let may_not = |why: &str| {
        log::warn!(target: "ticket", "{} may not redeem: {why}", caller.remote);
        let error = Error::new("may-not-redeem", "only a service may redeem tickets, and proves by its certificate which one it is");
        refused(403, &error.hint(format!("ask for {AUTH}, with the certificate of {}", REDEEMERS[0]))).close()
    };
    let Some((name, certificate)) = &caller.service else { return Err(may_not("nobody by certificate")) };
    if !caller.may_redeem() {
        return Err(may_not(&printable(name)));
    }
    auth.services.taken_back(name, certificate).map_or(Ok(name), |why| Err(may_not(&why)))
}
