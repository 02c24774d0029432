//! `client enrol NAME`: the key is made here and stays here; only a request goes to the authority, and a certificate comes back.

use crate::account;
use crate::dial::Dialler;
use crate::options::{self, Options};
use crate::output;
use crate::password;
use crate::post::post;
use crate::url::Url;
use padlock::authority::policy::{USERS, check_country, check_organisation, check_user};
use padlock::certificate::{Name, date, load_chain, summary};
use padlock::error::{Error, Result, exit, printable};
use padlock::file::{self, Readers};
use padlock::http::json;
use padlock::key::{Key, Kind};
use padlock::request::{self, Subject};
use std::io::{self, BufRead, Write};
use std::path::Path;
use time::OffsetDateTime;

/// What the authority answers when it signs nothing.
#[derive(serde::Deserialize)]
struct Refused {
    code: String,
    cause: String,
    hint: String,
    certificate: Option<Held>,
}

/// The certificate that is valid already.
#[derive(serde::Deserialize)]
struct Held {
    subject: String,
    serial: String,
    not_before: String,
    not_after: String,
}

#[derive(serde::Deserialize)]
struct Issued {
    ticket: String,
}

/// `client enrol`.
///
/// # Errors
/// The authority or the auth service is not there or refuses, or the disk does. Nothing half-written stays.
pub fn enrol(options: &Options, args: &options::Enrol) -> Result<()> {
    let name = &args.account.name;
    check_user(name)?;
    let (chain, key) = options.places().user(name);
    let held = still_valid(&chain);
    // The first line of standard input, if it is to come from there.
    let piped = if !held && args.account.password_stdin { Some(password::known(name, true)?) } else { None };
    let country = asked("Country (two letters)", args.country.as_deref(), check_country)?;
    let organisation = asked("Organisation", args.organisation.as_deref(), check_organisation)?;
    // Whoever has a certificate proves the name by it; whoever has none, by the account.
    let ticket = if held { None } else { Some(ticket(options, &args.account, piped)?) };
    let asking = Subject { common_name: name, country: Some(&country), organisation: Some(&organisation) };
    let pem = request::make(&own_key(&key)?, &asking, &[Name::Dns(format!("{name}.{USERS}"))])?;
    let request = key.with_extension("csr");
    file::write(&request, pem.as_bytes(), Readers::Everyone)?;
    say_openssl(options, args, &asking, &key, &request);

    let url = Url::parse(&args.authority)?;
    let mut options = options.clone();
    if held {
        (options.cert, options.key) = (Some(chain.clone()), Some(key));
    }
    let mut session = Dialler::new(&options, &url)?.dial(&options).map_err(|e| match e.exit {
        exit::CONNECT => e.hint("the authority answers requests only while it runs: ./ca serve, in another terminal"),
        _ => e,
    })?;
    let (status, answer) = post(&mut session, &url, "/certificates", "application/pkcs10", ticket.as_deref(), pem.as_bytes())?;
    // 200: signed before, and lost on its way to us.
    if ![200, 201].contains(&status) {
        return Err(refused(&answer, &url));
    }
    keep(&options, &answer, &chain)
}

/// What the flag says, or else what is typed: until it will do.
fn asked(what: &str, given: Option<&str>, check: fn(&str) -> Result<String>) -> Result<String> {
    if let Some(given) = given {
        return check(given).map_err(|e| e.exit(exit::USAGE));
    }
    loop {
        let _ = write!(io::stderr(), "{what}: ");
        let mut line = String::new();
        if !io::stdin().lock().read_line(&mut line).is_ok_and(|read| read > 0) {
            return Err(Error::new("no-input", format!("nobody says: {what}"))
                .hint("--country DE --organisation Padlock")
                .exit(exit::USAGE));
        }
        match check(line.trim()) {
            Ok(good) => return Ok(good),
            Err(e) => drop(writeln!(io::stderr(), "{e} ({})", e.hint)),
        }
    }
}

fn still_valid(chain: &Path) -> bool {
    let leaf = load_chain(chain).and_then(|chain| summary(&chain[0]));
    leaf.is_ok_and(|leaf| leaf.not_after > OffsetDateTime::now_utc())
}

/// The key that is there, or a new one: it never leaves this machine.
fn own_key(path: &Path) -> Result<Key> {
    if path.exists() {
        return Key::load(path);
    }
    if let Some(directory) = path.parent() {
        file::directory(directory, Readers::Owner)?;
    }
    let key = Key::generate(Kind::default())?;
    key.save(path)?;
    Ok(key)
}

fn ticket(options: &Options, account: &options::Account, piped: Option<String>) -> Result<String> {
    let password = piped.map_or_else(|| password::known(&account.name, false), Ok)?;
    let Issued { ticket } = account::ask(options, account, "/tickets", &password)?;
    Ok(ticket)
}

/// Looks at what came before it takes the place of anything.
fn keep(options: &Options, answer: &[u8], chain: &Path) -> Result<()> {
    let beside = chain.with_extension("new");
    file::write(&beside, answer, Readers::Everyone)?;
    let leaf = load_chain(&beside).and_then(|chain| summary(&chain[0])).inspect_err(|_| drop(std::fs::remove_file(&beside)))?;
    std::fs::rename(&beside, chain).map_err(|e| file::explain(&e, "write", chain))?;
    output::status(options, &format!("{}: {}, valid until {}", chain.display(), leaf.subject, date(leaf.not_after)));
    Ok(())
}

/// The authority's own words. What it says of a certificate that exists is shown first.
fn refused(answer: &[u8], url: &Url) -> Error {
    let Ok(told) = json::<Refused>(answer) else {
        return Error::new("no-authority", format!("what answers at {url} is not the authority"))
            .hint("start it with ./ca serve, or name it: --authority URL")
            .exit(exit::UPGRADE);
    };
    if let Some(held) = told.certificate {
        for (field, value) in
            [("subject", held.subject), ("serial", held.serial), ("not before", held.not_before), ("not after", held.not_after)]
        {
            output::line(&format!("{field}: {}", printable(&value)));
        }
    }
    const KNOWN: [&str; 9] = [
        "certificate-exists",
        "name-taken",
        "not-yours",
        "policy",
        "key-too-short",
        "ticket-refused",
        "unproved",
        "auth-unavailable",
        "proof-outdated",
    ];
    let code = KNOWN.into_iter().find(|known| *known == told.code).unwrap_or("authority-refused");
    Error::new(code, printable(&told.cause)).hint(printable(&told.hint)).exit(exit::UPGRADE)
}

fn say_openssl(options: &Options, args: &options::Enrol, asking: &Subject<'_>, key: &Path, request: &Path) {
    let Subject { common_name, country, organisation } = asking;
    let subject = format!("/C={}/O={}/CN={common_name}", country.unwrap_or_default(), organisation.unwrap_or_default());
    output::note(
        options,
        &format!(
            "openssl: openssl req -new -key {} -subj '{}' -addext subjectAltName=DNS:{common_name}.{USERS} -out {}",
            key.display(),
            subject.replace('\'', "'\\''"),
            request.display()
        ),
    );
    output::note(
        options,
        &format!(
            "openssl: curl --cacert certs/ca/root.crt -H 'Authorization: Bearer TICKET' --data-binary @{} {}/certificates",
            request.display(),
            args.authority.trim_end_matches('/')
        ),
    );
}
