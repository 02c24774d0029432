//! People, with a name and a password: they get an account, and then tickets.

use super::{Auth, Caller, refused, told, understood};
use padlock::{
    authority::policy::check_user,
    error::Error,
    http::Response,
    ticket::{LIFE, NoEntry},
};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

/// `POST /accounts {"name", "password"}`: a new account.
pub fn register(auth: &Auth, body: &[u8], caller: &Caller) -> Response {
    let Credentials { name, password } = match understood(body, r#"{"name": "…", "password": "…"}"#) {
        Ok(credentials) => credentials,
        Err(response) => return response,
    };
    match auth.accounts.register(&name, &password, caller.remote.ip()) {
        Ok(()) => {
            log::info!(target: "ticket", "{} registered {name}", caller.remote);
            told(201, &json!({ "name": name }))
        }
        Err(no) => no_entry(no, "not registered", &name, caller),
    }
}

/// `POST /tickets {"name", "password"}`: a ticket for the address that asks.
pub fn issue(auth: &Auth, body: &[u8], caller: &Caller) -> Response {
    let Credentials { name, password } = match understood(body, r#"{"name": "…", "password": "…"}"#) {
        Ok(credentials) => credentials,
        Err(response) => return response,
    };
    let address = caller.remote.ip();
    let ticket = auth.accounts.sign_in(&name, &password, address).and_then(|()| Ok(auth.tickets.issue(&name, address)?));
    match ticket {
        Ok(ticket) => {
            log::info!(target: "ticket", "{} gets a ticket: {name}", caller.remote);
            told(200, &json!({ "ticket": ticket, "expires_in": LIFE.as_secs() }))
        }
        Err(no) => no_entry(no, "no ticket", &name, caller),
    }
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
