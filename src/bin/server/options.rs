//! The command line of the server, and what follows from it alone.

#[path = "options/ports.rs"]
mod ports;

pub use ports::Service;

use crate::{failure, pages::Site, record::Record, size::size, ticket::CloseCodes};
use clap::Parser;
use padlock::{
    authority::Places,
    error::{Error, Result, escape, exit},
    listener::{Limits, Listener},
    trust::ClientAuth,
};
use ports::by_name;
use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

/// Whoever has not said who they are by then will not.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A server to learn TLS with: HTTPS and WebSockets on one port, with a certificate of your own authority.
#[derive(Parser)]
#[command(name = "server", version, max_term_width = 100)]
pub struct Options {
    /// What to start; without any, everything
    #[arg(value_enum)]
    services: Vec<Service>,

    /// Port of the one service named, else of web; 0 lets the system pick
    #[arg(long)]
    port: Option<u16>,
    /// Port of hello
    #[arg(long, default_value_t = 8000)]
    hello_port: u16,
    /// Port of the ticket service
    #[arg(long, default_value_t = 5678)]
    ticket_port: u16,
    /// Port of the ticket service in the clear
    #[arg(long, default_value_t = 5679)]
    ticket_ws_port: u16,
    /// Port of chat
    #[arg(long, default_value_t = 6060)]
    chat_port: u16,
    /// Port of plain HTTP
    #[arg(long, default_value_t = 8080)]
    plain_port: u16,
    /// Port of the auth service
    #[arg(long, default_value_t = 8443)]
    auth_port: u16,
    /// Address to listen on
    #[arg(long, alias = "host", value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_parser = address)]
    pub listen: IpAddr,
    /// Allow an address that others can reach
    #[arg(long)]
    unsafe_listen: bool,

    /// Certificate chain to show: PEM, leaf first [default: the lab's, for localhost]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its private key: PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Show a certificate that nobody signed but its own key, made now
    #[arg(long, conflicts_with = "cert")]
    pub self_signed: bool,
    /// Whether clients are asked for a certificate: none, request or require [default: require for hello, else none]
    #[arg(long, value_name = "HOW")]
    pub client_auth: Option<ClientAuth>,
    /// Whom to believe about clients: PEM, authorities or exactly these certificates [default: the lab's authority]
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Believe certificates that the authority took back, to see what that is like
    #[arg(long)]
    pub no_crl: bool,
    /// Oldest version to speak
    #[arg(long, value_name = "VERSION", default_value = "1.3", value_parser = ["1.2", "1.3"])]
    min_tls: String,
    /// Where the lab's certificates are
    #[arg(long, value_name = "DIR", env = "PADLOCK_CERTS", hide_env_values = true, default_value = "certs")]
    certs: PathBuf,

    #[command(flatten)]
    pub record: Record,

    /// The accounts, a text file that is made when it is needed [default: accounts/accounts.txt where the certificates are]
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Serve this folder instead of the pages compiled in
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Longest WebSocket message taken, in bytes; also 512k, 16m
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = size)]
    pub max_message: usize,
    /// The auth service that is asked whose a ticket is [default: the one started here, else https://localhost:8443]
    #[arg(long, value_name = "URL")]
    pub auth: Option<String>,
    /// How long somebody may take to show a ticket
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub auth_within: Duration,
    /// With which code somebody without a ticket is sent away
    #[arg(long, value_enum, value_name = "WHICH", default_value = "rfc")]
    close_codes: CloseCodes,
    /// The same with 1011, as old servers did
    #[arg(long, conflicts_with = "close_codes")]
    compat_1011: bool,
    /// Let a token in that stands in every copy of an old tutorial: ebfb7ff0-b2f6-41c8-bef3-4fba17be410c
    #[arg(long)]
    pub demo_token: bool,
    /// Of the ticket service start only the wss port, or with 0 only the ws port
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_missing_value = "1", value_parser = ["0", "1"], hide = true)]
    ssl: Option<String>,

    /// People who may chat at a time
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub max_users: usize,
    /// The authority that knows who has a certificate
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:8555")]
    pub authority: String,
    /// Connections in all
    #[arg(long, value_name = "N", default_value_t = Limits::default().total)]
    max_connections: usize,
    /// Connections from one address; set by hand, it holds for loopback too
    #[arg(long, value_name = "N")]
    max_per_address: Option<usize>,

    /// Print the ports as one line of JSON
    #[arg(long)]
    pub json: bool,
    /// Show each connection its own handshake with its secrets at /handshake [default: on, but not with --quiet or --unsafe-listen]
    #[arg(long)]
    illustrate: bool,
    /// Log warnings only
    #[arg(long, short)]
    quiet: bool,
    /// Log more; twice, everything
    #[arg(long, short, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl Options {
    /// Ends the program when the command line is wrong, or asks for help.
    pub fn from_command_line() -> Options {
        let options: Options = failure::command_line();
        start_log(&options);
        if let Err(e) = options.check() {
            failure::tell("server", options.json, &e);
            std::process::exit(e.exit.into());
        }
        options
    }

    fn check(&self) -> Result<()> {
        let mut ports: Vec<u16> = self.services().iter().map(|(_, address)| address.port()).filter(|port| *port != 0).collect();
        ports.sort_unstable();
        if let Some(twice) = ports.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::new("port-twice", format!("two services are to listen on port {}", twice[0]))
                .hint("give each its own: --port, --hello-port, --ticket-port, --ticket-ws-port, --auth-port, --plain-port; or name the one service to start")
                .exit(exit::USAGE));
        }
        if self.illustrate && !self.listen.is_loopback() {
            return Err(Error::new(
                "illustrate-exposed",
                format!("--illustrate shows the secrets of sessions, and {} can be reached by others", self.listen),
            )
            .hint("listen on 127.0.0.1, or leave --illustrate out")
            .exit(exit::USAGE));
        }
        if self.listen.is_loopback() || self.unsafe_listen {
            return Ok(());
        }
        Err(Error::new(
            "not-loopback",
            format!("{} can be reached by others, and this is a lab: its keys lie open on this disk", self.listen),
        )
        .hint("listen on 127.0.0.1, or say --unsafe-listen if you mean it")
        .exit(exit::USAGE))
    }

    pub fn close_codes(&self) -> CloseCodes {
        if self.compat_1011 { CloseCodes::Compat } else { self.close_codes }
    }

    pub fn places(&self) -> Places {
        Places::of_program(&self.certs)
    }

    pub fn accounts(&self) -> PathBuf {
        self.accounts.clone().unwrap_or_else(|| self.places().accounts())
    }

    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            total: self.max_connections,
            per_address: self.max_per_address.unwrap_or(default.per_address),
            strict: self.max_per_address.is_some(),
            ..default
        }
    }

    pub fn allow_tls12(&self) -> bool {
        self.min_tls == "1.2"
    }

    /// Whether handshakes are kept for those whose they are.
    pub fn illustrates(&self) -> bool {
        self.listen.is_loopback() && (self.illustrate || !self.quiet)
    }

    pub fn site(&self, ports: &[(Service, Listener)]) -> Result<Site> {
        Site::new(self.root.as_deref(), &self.places(), &by_name(ports))
    }
}

/// As many descriptors as the system lets us have: each connection takes one.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit); // with fewer, the listener turns connections away, and says so
}

pub fn no_signals(e: io::Error) -> Error {
    Error::new("no-signals", format!("can't wait for signals: {e}"))
}

/// One line a fact, on standard error: the word it belongs to, then the fact. No times, so that two runs can be compared.
fn start_log(options: &Options) {
    let level = match (options.quiet, options.verbose) {
        (true, _) => "warn",
        (_, 0) => "info",
        (_, 1) => "debug",
        _ => "trace",
    };
    // Other crates speak in terms of their own; only -vv shows that.
    let default = if options.verbose > 1 {
        level.to_owned()
    } else {
        format!("off,{}", padlock::WORDS.map(|word| format!("{word}={level}")).join(","))
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(default))
        .format(|out, record| io::Write::write_fmt(out, format_args!("{}: {}\n", record.target(), escape(&record.args().to_string()))))
        .init();
}

/// An address of this machine. The name that most people use for it is understood, too.
fn address(text: &str) -> Result<IpAddr, String> {
    let text = if text == "localhost" { "127.0.0.1" } else { text };
    text.parse().map_err(|_| "an IP address, such as 127.0.0.1 or ::1".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok().and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    number.filter(|time| !time.is_zero() && *time <= DAY).ok_or_else(|| "a number of seconds, up to a day".to_owned())
}
