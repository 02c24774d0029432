//! The command line of the client. Flags are named as curl names them.

#[path = "options/verb.rs"]
mod verb;

pub use verb::{Account, Chat, Decrypt, Enrol, Explain, Gallery, Handshake, Ticket, Verb};

use crate::failure;
use crate::record::Record;
use crate::size::size;
use crate::url::Url;
use clap::Parser;
use padlock::authority::Places;
use padlock::error::{Error, Result, escape, exit};
use padlock::tls::Settings;
use std::path::PathBuf;
use std::time::Duration;

/// Where the lab's server answers.
const DEFAULT: &str = "wss://localhost:1234/";
/// How long the client waits for the server when no address was typed: it may just be starting.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client to learn TLS with: it checks who answers, and says why when it says no.
#[derive(Clone, Parser)]
#[command(name = "client", version, max_term_width = 100)]
pub struct Options {
    /// wss:// or ws:// to talk, https:// or http:// to fetch, tls:// for bare lines [default: wss://localhost:1234/]
    url: Option<String>,
    #[command(subcommand)]
    pub verb: Option<Verb>,

    /// Believe the authorities in this PEM file, or exactly the self-signed certificate in it, and nobody else
    #[arg(global = true, long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Believe this PEM file too, besides this system's authorities (the lab's, for the lab's names)
    #[arg(global = true, long, value_name = "FILE", conflicts_with = "cacert")]
    pub add_cacert: Option<PathBuf>,
    /// Believe the web's authorities, whatever the name
    #[arg(global = true, long, conflicts_with_all = ["cacert", "add_cacert"])]
    pub web: bool,
    /// Refuse what this list takes back: a file, or an http:// address; may be given several times
    #[arg(global = true, long, value_name = "FILE|URL")]
    pub crl: Vec<String>,
    /// Show this certificate chain when the server asks who we are: PEM, leaf first
    #[arg(global = true, long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its private key: PEM
    #[arg(global = true, long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Show no certificate, not even the lab's guest, who goes to the lab's tls:// without --cert
    #[arg(global = true, long, conflicts_with = "cert")]
    pub no_cert: bool,
    /// Show who answers and why they would be refused, then end: nothing is sent, and a refusal is still one (60)
    #[arg(global = true, long, conflicts_with = "cert")]
    pub observe: bool,
    /// What curl has and this client has not
    #[arg(global = true, long, short = 'k', hide = true)]
    insecure: bool,
    /// Ask for this name (SNI), and check the certificate for it, instead of the URL's host
    #[arg(global = true, long, value_name = "NAME")]
    pub servername: Option<String>,
    /// Oldest version to speak
    #[arg(global = true, long, value_name = "VERSION", default_value = "1.3", value_parser = ["1.2", "1.3"])]
    min_tls: String,
    /// Where the lab's certificates are
    #[arg(global = true, long, value_name = "DIR", env = "PADLOCK_CERTS", hide_env_values = true, default_value = "certs")]
    certs: PathBuf,

    /// Connect there, whatever the URL says; the name is checked all the same
    #[arg(global = true, long, value_name = "HOST:PORT")]
    pub connect_to: Option<String>,
    /// Take this address for a host and port
    #[arg(global = true, long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<String>,
    /// Wait so long for certificates and server to appear [default: 10 without a URL, else 0]
    #[arg(global = true, long, value_name = "SECONDS", value_parser = seconds)]
    wait: Option<Duration>,
    /// Give up after so long, whatever is going on
    #[arg(global = true, long, short = 'm', value_name = "SECONDS", value_parser = seconds)]
    pub max_time: Option<Duration>,

    /// Show the ticket in this file first, with - the one on standard input: WebSockets only
    #[arg(long, value_name = "FILE")]
    pub ticket: Option<String>,
    /// Connect again when the connection is lost
    #[arg(global = true, long)]
    pub reconnect: bool,
    /// Say that a page of this origin asks
    #[arg(global = true, long, value_name = "ORIGIN", value_parser = field_value)]
    pub origin: Option<String>,
    /// Longest WebSocket message taken, in bytes; also 64k, 16m
    #[arg(global = true, long, value_name = "SIZE", default_value = "16m", value_parser = size)]
    pub max_message: usize,

    /// Ask for the head alone
    #[arg(global = true, long, short = 'I')]
    pub head: bool,
    /// Print the head of the answer too
    #[arg(global = true, long, short)]
    pub include: bool,
    /// End with 22, and print no page, when the answer is an error
    #[arg(global = true, long, short)]
    pub fail: bool,
    /// Print the facts of a fetch or of a tls:// session, each event of a WebSocket, or what went wrong, as a line of JSON
    #[arg(global = true, long)]
    pub json: bool,
    /// Print what is received and nothing else
    #[arg(global = true, long, short)]
    pub quiet: bool,
    /// One line for each TLS message
    #[arg(global = true, long, short)]
    pub verbose: bool,
    #[command(flatten)]
    pub record: Record,
}

impl Options {
    pub fn from_command_line() -> Options {
        let options: Options = failure::command_line();
        start_log(&options);
        if options.insecure {
            let error = Error::new("usage", "there is no --insecure here: whoever is believed unseen may be anybody")
                .hint("look at the server without a word to it: --observe; believe its authority: --cacert FILE (docs/trust.md)")
                .exit(exit::USAGE);
            failure::tell("client", options.json, &error);
            std::process::exit(error.exit.into());
        }
        options
    }

    pub fn url(&self) -> Result<Url> {
        Url::parse(self.typed().unwrap_or(DEFAULT))
    }

    /// The address that was typed, alone or behind a verb.
    fn typed(&self) -> Option<&str> {
        match &self.verb {
            Some(Verb::Handshake(verb)) => verb.url.as_deref(),
            Some(Verb::Register(account)) => Some(&account.auth),
            Some(Verb::Ticket(verb)) => Some(&verb.url),
            _ => self.url.as_deref(),
        }
    }

    /// How long to wait for what is not there yet.
    pub fn patience(&self) -> Duration {
        self.wait.unwrap_or(if self.typed().is_none() { PATIENCE } else { Duration::ZERO })
    }

    pub fn places(&self) -> Places {
        Places::of_program(&self.certs)
    }

    /// What TLS may choose; `protocol` is what will be spoken inside (ALPN), if it has a name.
    pub fn tls(&self, protocol: Option<&str>) -> Result<Settings> {
        Ok(Settings {
            allow_tls12: self.min_tls == "1.2",
            alpn: protocol.map(|name| name.as_bytes().to_vec()).into_iter().collect(),
            key_log: self.record.key_log()?,
            overheard: matches!(self.verb, Some(Verb::Handshake(_))),
        })
    }
}

/// One line a fact, on standard error: the word it belongs to, then the fact.
fn start_log(options: &Options) {
    let level = if options.verbose { "info" } else { "warn" };
    let words = padlock::WORDS.map(|word| format!("{word}={level}")).join(",");
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(format!("off,{words}")))
        .format(|out, record| std::io::Write::write_fmt(out, format_args!("{}: {}\n", record.target(), escape(&record.args().to_string()))))
        .init();
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "a number of seconds, such as 10 or 0.5".to_string())?;
    // A clock has an end, too: what can't be added to it is too long.
    let time = Duration::try_from_secs_f64(number).ok().filter(|time| std::time::Instant::now().checked_add(*time).is_some());
    time.ok_or_else(|| "a number of seconds from 0 up".to_string())
}

/// Nothing that would end the field and begin another.
fn field_value(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(text.into()) } else { Err("printable ASCII without spaces".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Options::command().debug_assert();
    }

    #[test]
    fn sizes_and_times_are_read() {
        assert_eq!((size("64k"), size("16M"), size("5")), (Ok(65536), Ok(16 * 1024 * 1024), Ok(5)));
        assert!(["", "k", "0", "-1", "1g", "99999999999999999999m", "18446744073709551615k"].iter().all(|text| size(text).is_err()));
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert!(["", "x", "-1", "NaN", "1e19", "1e300"].iter().all(|text| seconds(text).is_err()));
    }
}
