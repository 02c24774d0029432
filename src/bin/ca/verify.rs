//! `ca verify`: judges a chain as the client would, without a connection.

use crate::options::{self, Purpose};
use crate::say::{answer, openssl, quote, shell};
use padlock::certificate::load_either;
use padlock::error::{Error, Result, escape, exit};
use padlock::refusal;
use padlock::tls::Failure;
use padlock::trust::{ClientAuth, Presented, Trust};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime, macros::format_description};

/// A peer takes 64 KiB of certificates (rustls' longest handshake message), and who signed whom is tried in every order.
const LONGEST_CHAIN: usize = 100;

/// `ca verify`: ends in 0 when the chain is good, in 60 when it is refused, in 2 when it was asked wrongly.
pub fn verify(options: &options::Verify, json: bool) -> Result<()> {
    let asked = options.name.as_deref().map(asked).transpose()?;
    say_openssl(options);
    let trust = options.crl.iter().try_fold(trust(&options.cacert)?, |trust, crl| trust.and_revoked_by(crl))?;
    let chain = load_either(&options.chain)?;
    if chain.len() > LONGEST_CHAIN {
        return Err(Error::new(
            "chain-too-long",
            format!("certificate refused: {} certificates in one chain; no handshake carries more than {LONGEST_CHAIN}", chain.len()),
        )
        .hint("keep the leaf and who signed it: cat leaf.crt intermediate.crt > fullchain.pem (docs/certificate.md)")
        .exit(exit::VERIFY));
    }
    let now = unix(options.time.unwrap_or_else(OffsetDateTime::now_utc))?;
    match (options.purpose, &asked) {
        (Purpose::Server, Some(asked)) => server(&trust, &chain, asked, now)?,
        (Purpose::Server, None) => return Err(usage("which name should the certificate have?".into())),
        (Purpose::Client, asked) => client(&trust, &chain, asked.as_ref(), now)?,
    }
    let file = options.chain.to_string_lossy();
    if json {
        return answer(&format!(
            "{}\n",
            json!({"version": 1, "good": true, "file": file, "name": options.name, "believed": trust.described()})
        ));
    }
    let about = options.name.as_ref().map(|name| format!(" for {name}")).unwrap_or_default();
    answer(&format!("{}: good{about}\n", escape(&file)))
}

/// Whom to believe: all of the files together.
fn trust(files: &[PathBuf]) -> Result<Trust> {
    let mut all = files.iter().map(|file| {
        let from = file.display();
        let found = load_either(file).and_then(|found| Trust::certificates(format!("what is in {from}"), &found));
        found.map_err(|error| Error { exit: exit::CA_FILE, ..error })
    });
    let first = all.next().ok_or_else(|| usage("whom should be believed?".into()))??;
    all.try_fold(first, |known, more| Ok(known.and(more?)))
}

fn asked(name: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(name.to_string()).map_err(|_| usage(format!("\"{}\" is neither a host name nor an address", escape(name))))
}

fn usage(cause: String) -> Error {
    Error::new("usage", cause)
        .hint("a good chain for somebody else proves nothing: --cacert certs/ca/root.crt --name localhost")
        .exit(exit::USAGE)
}

fn server(trust: &Trust, chain: &[CertificateDer<'static>], asked: &ServerName<'_>, now: UnixTime) -> Result<()> {
    let presented = Presented::default();
    let judge = trust.judge_servers(presented.clone())?;
    let judged = judge.verify_server_cert(&chain[0], &chain[1..], asked, &[], now);
    judged.map(|_| ()).map_err(|e| refusal::client_side(&Failure::Tls(e), asked, &presented, trust))
}

/// A client's name is no part of the handshake; here it is compared as a server's is.
fn client(trust: &Trust, chain: &[CertificateDer<'static>], asked: Option<&ServerName<'_>>, now: UnixTime) -> Result<()> {
    let judge = trust.judge_clients(ClientAuth::Require)?;
    judge.verify_client_cert(&chain[0], &chain[1..], now).map_err(|e| refusal::server_side(&Failure::Tls(e)).exit(exit::VERIFY))?;
    let Some(asked) = asked else { return Ok(()) };
    let judged = ParsedCertificate::try_from(&chain[0]).and_then(|leaf| verify_server_name(&leaf, asked));
    judged.map_err(|e| refusal::client_side(&Failure::Tls(e), asked, &Arc::new(Mutex::new(chain.to_vec())), trust))
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
    let name = options.name.as_ref().map(|name| format!(" {switch} {}", quote(name))).unwrap_or_default();
    let at = options.time.map(|time| format!(" -attime {}", time.unix_timestamp())).unwrap_or_default();
    let lists: String = options.crl.iter().map(|file| format!(" -CRLfile {}", shell(file))).collect();
    let check = if lists.is_empty() { "" } else { " -crl_check" };
    openssl(&format!(
        "openssl verify -x509_strict{roots} -untrusted {0} -purpose {purpose}{name}{at}{check}{lists} {0}",
        shell(&options.chain)
    ));
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
