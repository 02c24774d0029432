//! `revoke`, `crl`, `list`: what the authority has signed, and what it takes back.

use crate::options;
use crate::say::{answer, fact, openssl, shell};
use padlock::authority::crl::Reason;
use padlock::authority::{self, Ledger, Lock, Places, Status, Which};
use padlock::certificate::{date, load_chain, summary};
use padlock::error::{Error, Result};
use serde::Serialize;
use std::path::Path;
use time::OffsetDateTime;

/// `ca revoke`: takes a certificate back, and tells everybody by a new list.
pub fn revoke(places: &Places, options: &options::Revoke) -> Result<()> {
    let why: Reason = options.reason.parse()?;
    let serial = serial(places, &options.which)?;
    let which = authority::revoke(places, &serial, why)?;
    let reason = why.spelling().map(|reason| format!(" -crl_reason {reason}")).unwrap_or_default();
    let directory = shell(&which.directory(places));
    openssl(&format!("openssl ca -config {directory}/openssl.cnf -revoke {directory}/issued/{serial}.pem{reason}"));
    say_openssl(places, which);
    fact(&format!("revoked {}; the new list is {}", options.which.escape_default(), places.crl(which.name()).display()));
    Ok(())
}

/// `ca crl`: signs fresh lists, though nothing has changed, because the old ones run out.
pub fn crl(places: &Places, options: &options::Crl) -> Result<()> {
    let lock = Lock::take(places.ca())?;
    for which in options.which.map_or(vec![Which::Root, Which::Intermediate], |which| vec![which]) {
        say_openssl(places, which);
        let path = authority::list(places, &lock, which)?;
        fact(&format!("signed the revocation list of the {}: {}", which.name(), path.display()));
    }
    Ok(())
}

fn say_openssl(places: &Places, which: Which) {
    openssl(&format!(
        "openssl ca -config {}/openssl.cnf -gencrl -out {}",
        shell(&which.directory(places)),
        shell(&places.crl(which.name()))
    ));
}

/// What to revoke may be said by a file, by a serial, or by the name that a certificate was signed for.
fn serial(places: &Places, which: &str) -> Result<String> {
    if Path::new(which).is_file() {
        let chain = load_chain(Path::new(which))?;
        return Ok(summary(&chain[0])?.serial);
    }
    let plain = which.replace(':', "").to_ascii_uppercase();
    let ledger = Ledger::load(&Which::Intermediate.directory(places))?;
    if plain.len() >= 16 && plain.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(plain);
    }
    let now = OffsetDateTime::now_utc();
    let called: Vec<_> = ledger
        .entries
        .iter()
        .filter(|e| e.status == Status::Valid && e.not_after > now && e.subject.ends_with(&format!("/CN={which}")))
        .collect();
    match called[..] {
        [entry] => Ok(entry.serial.clone()),
        [] => {
            Err(Error::new("unknown-name", format!("this authority has signed nothing for {} that is still valid", which.escape_default()))
                .hint("./ca list shows all; name a file, a serial, or a common name"))
        }
        _ => Err(Error::new("several", format!("{} valid certificates are for {}", called.len(), which.escape_default()))
            .hint("name one by its serial or its file; ./ca list shows all")),
    }
}

/// One certificate as `ca list` shows it.
#[derive(Serialize)]
struct Row {
    issuer: &'static str,
    status: &'static str,
    not_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    serial: String,
    subject: String,
}

/// `ca list`: everything that was signed, in order.
pub fn list(places: &Places, json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for which in [Which::Root, Which::Intermediate] {
        let directory = which.directory(places);
        if !directory.exists() {
            return Err(authority::missing(&directory));
        }
        openssl(&format!("cat {}/index.txt", shell(&directory)));
        rows.extend(Ledger::load(&directory)?.entries.into_iter().map(|entry| row(which, entry)));
    }
    if json {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "version": 1, "certificates": rows }));
        return answer(&format!("{}\n", text.map_err(|e| Error::new("json", e.to_string()))?));
    }
    let line = |row: &Row| {
        let more = row
            .revoked_at
            .as_ref()
            .map(|at| format!("  since {at}{}", row.reason.as_ref().map(|r| format!(", {r}")).unwrap_or_default()))
            .unwrap_or_default();
        format!("{:8} {:12} until {}  {}  {}{more}\n", row.status, row.issuer, row.not_after, row.serial, row.subject)
    };
    answer(&rows.iter().map(line).collect::<String>())
}

fn row(which: Which, entry: authority::Entry) -> Row {
    let (status, revoked_at, reason) = match entry.status {
        Status::Revoked { at, reason } => ("revoked", Some(date(at)), reason),
        _ if entry.not_after < OffsetDateTime::now_utc() => ("expired", None, None),
        _ => ("valid", None, None),
    };
    Row { issuer: which.name(), status, not_after: date(entry.not_after), revoked_at, reason, serial: entry.serial, subject: entry.subject }
}
