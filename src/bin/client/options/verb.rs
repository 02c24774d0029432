//! The verbs of the command line, and what each takes.

use super::seconds;
use crate::size::size;
use clap::{Args, Subcommand};
use padlock::trust::ClientAuth;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What else than to reach a URL can be asked. Each has a file of its own, and may be given every flag.
#[derive(Clone, Subcommand)]
pub enum Verb {
    /// Say what an error text means, whose side must change, and what to type
    Explain(Explain),
    /// Visit every entry of a server's gallery of wrong certificates, and compare what is expected with what is seen
    Gallery(Gallery),
    /// Show the handshake with a server: every message, each field explained, the sealed ones opened, and the key schedule
    Handshake(Handshake),
    /// Open the records of a capture with a key log, one by hand, step by step: --keylog names the log that is read
    Decrypt(Decrypt),
    /// Make an account at the auth service; the password is asked for, and not shown
    Register(Account),
    /// Get a ticket from the auth service with a password, show it on a WebSocket, and talk
    Ticket(Ticket),
    /// Ask the authority for a certificate that proves your name
    Enrol(Enrol),
    /// Talk to people: a directory introduces, then peer to peer
    Chat(Chat),
}

#[derive(Clone, Args)]
pub struct Gallery {
    /// Where the gallery is [default: https://localhost:1234/]
    pub address: Option<String>,
    /// Let no other program judge besides: openssl, curl and node do when they are there
    #[arg(long)]
    pub alone: bool,
}

#[derive(Clone, Args)]
pub struct Explain {
    /// The text, or a code, as any program printed it; - reads it from standard input
    #[arg(required = true)]
    pub text: Vec<OsString>,
}

#[derive(Clone, Args)]
pub struct Handshake {
    /// https://, wss:// or tls:// [default: wss://localhost:1234/]
    pub url: Option<String>,
    /// Connect twice, and show the second time: with the ticket of the first
    #[arg(long)]
    pub again: bool,
    /// Leave out the fields: a line for each message, and the key schedule
    #[arg(long)]
    pub brief: bool,
}

#[derive(Clone, Args)]
pub struct Decrypt {
    /// pcapng or pcap; without --keylog, the secrets in it are used
    pub capture: PathBuf,
    /// Show how this record is opened; without it, all are listed
    #[arg(long, value_name = "N")]
    pub record: Option<usize>,
    /// Which of the TLS connections in the file
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub connection: usize,
}

#[derive(Clone, Args)]
pub struct Enrol {
    #[command(flatten)]
    pub account: Account,
    /// Two letters (ISO 3166) [default: asked for]
    #[arg(long, value_name = "CC")]
    pub country: Option<String>,
    /// [default: asked for]
    #[arg(long, value_name = "TEXT")]
    pub organisation: Option<String>,
    /// Where the authority answers requests: ./ca serve
    #[arg(long, value_name = "URL", default_value = "https://localhost:8555")]
    pub authority: String,
}

#[derive(Clone, Args)]
pub struct Chat {
    /// Who you are: the name that the certificate is for
    pub name: String,
    /// Where people find each other
    #[arg(long, value_name = "URL", default_value = "tls://localhost:6060")]
    pub directory: String,
    /// Wait for peers at this address [default: one of our own, 127.0.0.N]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<std::net::IpAddr>,
    /// Accept every chat request
    #[arg(long)]
    pub yes: bool,
    /// Read commands from this file; `wait TEXT` in it goes on when a line with TEXT has been shown
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// Wait so long for somebody who was accepted
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub accept_within: Duration,
    /// Largest file sent or taken, in bytes; also 64k, 16m
    #[arg(long, value_name = "SIZE", default_value = "1m", value_parser = size)]
    pub max_file: usize,
    /// Believe certificates that the authority took back, to see what that is like
    #[arg(long)]
    pub no_crl: bool,
    /// Ask those who connect to us for a certificate: none, request or require; only the last checks who they are
    #[arg(long, value_name = "HOW", default_value = "require")]
    pub client_auth: ClientAuth,
}

/// An account at the auth service, and how to prove that it is ours.
#[derive(Clone, Args)]
pub struct Account {
    /// The name: a to z, 0 to 9 and hyphens, 40 at most
    pub name: String,
    /// Where the auth service is
    #[arg(long, value_name = "URL", default_value = "https://localhost:8443")]
    pub auth: String,
    /// Take the first line of standard input as the password, instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
}

#[derive(Clone, Args)]
pub struct Ticket {
    #[command(flatten)]
    pub account: Account,
    /// Where to show it
    #[arg(default_value = "wss://localhost:5678/")]
    pub url: String,
    /// Print the ticket instead of showing it: for a pipe to --ticket -, or to curl
    #[arg(long, conflicts_with = "url")]
    pub print: bool,
}
