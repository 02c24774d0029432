//! `ca verify`: judges a chain as the client would, without a connection.

use crate::options::{self, Purpose};
use crate::say::{answer, openssl, shell};
use padlock::certificate::{Name, load_chain, summary};
use padlock::error::{Error, Result, escape, exit};
use padlock::refusal;
use padlock::tls::Failure;
use padlock::trust::{ClientAuth, Presented, Trust};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::path::PathBuf;
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime, macros::format_description};

/// `ca verify`: ends in 0 when the chain is good, in 60 when it is refused.
pub fn verify(options: &options::Verify) -> Result<()> {
    say_openssl(options);
    let trust = options.crl.iter().try_fold(trust(&options.cacert)?, |trust, crl| trust.and_revoked_by(crl))?;
    let chain = load_chain(&options.chain)?;
    let now = options.time.unwrap_or_else(OffsetDateTime::now_utc);
    match options.purpose {
        Purpose::Server => server(&trust, &chain, options.name.as_deref(), now)?,
        Purpose::Client => client(&trust, &chain, options.name.as_deref(), now)?,
    }
    let about = options.name.as_ref().map(|name| format!(" for {name}")).unwrap_or_default();
    answer(&format!("{}: good{about}\n", escape(&options.chain.to_string_lossy())))
}

/// Whom to believe: all of the files together.
fn trust(files: &[PathBuf]) -> Result<Trust> {
    let mut all = files.iter().map(|file| Trust::file(file));
    let none = || Error::new("usage", "whom should be believed?").hint("--cacert certs/ca/root.crt").exit(exit::USAGE);
    let first = all.next().ok_or_else(none)??;
    all.try_fold(first, |known, more| Ok(known.and(more?)))
}

fn server(trust: &Trust, chain: &[CertificateDer<'static>], name: Option<&str>, now: OffsetDateTime) -> Result<()> {
    let usage = |cause: String| {
        Error::new("usage", cause).hint("a good chain for somebody else proves nothing: --name localhost").exit(exit::USAGE)
    };
    let name = name.ok_or_else(|| usage("which name should the certificate have?".into()))?;
    let asked = ServerName::try_from(name.to_string())
        .map_err(|_| usage(format!("\"{}\" is neither a host name nor an address", name.escape_default())))?;
    let presented = Presented::default();
    let judge = trust.judge_servers(presented.clone())?;
    let judged = judge.verify_server_cert(&chain[0], &chain[1..], &asked, &[], unix(now)?);
    judged.map(|_| ()).map_err(|e| refusal::client_side(&Failure::Tls(e), &asked, &presented, trust))
}

fn client(trust: &Trust, chain: &[CertificateDer<'static>], name: Option<&str>, now: OffsetDateTime) -> Result<()> {
    let judge = trust.judge_clients(ClientAuth::Require)?;
    judge.verify_client_cert(&chain[0], &chain[1..], unix(now)?).map_err(|e| refusal::server_side(&Failure::Tls(e)).exit(exit::VERIFY))?;
    let Some(name) = name else { return Ok(()) };
    let names = summary(&chain[0])?.names;
    if names.contains(&Name::Dns(name.to_ascii_lowercase())) {
        return Ok(());
    }
    let has = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::new("wrong-name", format!("certificate refused: made for {has}, but you asked for {}", name.escape_default()))
        .hint("ask for a name that it has")
        .exit(exit::VERIFY))
}

fn unix(time: OffsetDateTime) -> Result<UnixTime> {
    let seconds =
        u64::try_from(time.unix_timestamp()).map_err(|_| Error::new("usage", "certificates know no time before 1970").exit(exit::USAGE))?;
    Ok(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

fn say_openssl(options: &options::Verify) {
    let roots: String = options.cacert.iter().map(|file| format!(" -trusted {}", shell(file))).collect();
    let (purpose, switch) = match options.purpose {
        Purpose::Server => (
            "sslserver",
            if options.name.as_ref().is_some_and(|name| name.parse::<std::net::IpAddr>().is_ok()) {
                "-verify_ip"
            } else {
                "-verify_hostname"
            },
        ),
        Purpose::Client => ("sslclient", "-verify_hostname"),
    };
    let name = options.name.as_ref().map(|name| format!(" {switch} {name}")).unwrap_or_default();
    let at = options.time.map(|time| format!(" -attime {}", time.unix_timestamp())).unwrap_or_default();
    openssl(&format!("openssl verify -x509_strict{roots} -untrusted {0} -purpose {purpose}{name}{at} {0}", shell(&options.chain)));
}

/// Reads `2027-01-31`, `2027-01-31T12:00:00Z`, or seconds since 1970.
///
/// # Errors
/// It is none of these.
pub fn time(text: &str) -> Result<OffsetDateTime, String> {
    let day = || Date::parse(text, format_description!("[year]-[month]-[day]")).ok().map(|day| day.midnight().assume_utc());
    let exact = || OffsetDateTime::parse(text, &Rfc3339).ok();
    let seconds = || text.parse().ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    day().or_else(exact).or_else(seconds).ok_or_else(|| "a day (2027-01-31), a time (2027-01-31T12:00:00Z), or seconds since 1970".into())
}
