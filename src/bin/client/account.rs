//! What the auth service is asked for, with a name and a password: `./client register NAME` makes an account.

use crate::dial::Dialler;
use crate::options::{self, Options};
use crate::output;
use crate::password;
use crate::post::post;
use crate::url::{Scheme, Url};
use padlock::authority::policy::check_user;
use padlock::error::{Error, Result, exit, printable};
use serde::de::DeserializeOwned;
use serde_json::json;

/// Makes an account: the password is asked for twice, and nobody sees it.
pub fn register(options: &Options, account: &options::Account) -> Result<()> {
    check_user(&account.name)?;
    let password = password::new(&account.name, account.password_stdin)?;
    let made: Made = ask(options, account, "/accounts", &password)?;
    if options.json {
        output::line(&json!({"version": 1, "account": made.name}).to_string());
    } else {
        output::status(options, &format!("registered {}", printable(&made.name)));
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Made {
    name: String,
}

/// Sends name and password to the auth service, and reads what it answers.
///
/// # Errors
/// It can't be reached, has to be reached without TLS, or refuses: then its own words, with its code if it is one that we know.
pub fn ask<T: DeserializeOwned>(options: &Options, account: &options::Account, path: &str, password: &str) -> Result<T> {
    let url = Url::parse(&account.auth)?;
    if url.scheme != Scheme::Https {
        return Err(Error::new(
            "bad-flag",
            format!("--auth takes an https:// address, not {url}: a password must not travel in the clear"),
        )
        .hint("for example --auth https://localhost:8443")
        .exit(exit::USAGE));
    }
    let mut session = Dialler::new(options, &url)?.dial(options).map_err(|error| match error.exit {
        exit::CONNECT => error.hint("start the auth service: ./server, or ./server auth; or say where it is: --auth URL (docs/ticket.md)"),
        _ => error,
    })?;
    let body = json!({ "name": account.name, "password": password }).to_string();
    let (status, text) = post(&mut session, &url, path, "application/json", None, body.as_bytes())?;
    if status < 300 {
        return padlock::http::json(&text).map_err(|_| no_auth_service(&url));
    }
    let Refusal { error } = padlock::http::json(&text).map_err(|_| no_auth_service(&url))?;
    Err(error.as_ours())
}

#[derive(serde::Deserialize)]
struct Refusal {
    error: Told,
}

#[derive(serde::Deserialize)]
struct Told {
    code: String,
    cause: String,
    hint: String,
}

impl Told {
    fn as_ours(&self) -> Error {
        const KNOWN: [&str; 8] = [
            "account-taken",
            "accounts-full",
            "accounts-unavailable",
            "bad-password",
            "policy",
            "too-busy",
            "too-many-tries",
            "wrong-password",
        ];
        let code = KNOWN.into_iter().find(|known| *known == self.code).unwrap_or("auth-refused");
        Error::new(code, printable(&self.cause)).hint(printable(&self.hint)).exit(exit::UPGRADE)
    }
}

fn no_auth_service(url: &Url) -> Error {
    Error::new("no-auth-service", format!("what answers at {url} is not the auth service"))
        .hint("./server lists where each service is; name the one called auth: --auth URL")
        .exit(exit::UPGRADE)
}
