//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use padlock::authority::Which;
use std::path::PathBuf;
use std::str::FromStr;
use time::OffsetDateTime;

/// Keys, requests, certificates, and an authority of your own.
#[derive(Parser)]
#[command(name = "ca", version)]
pub struct Options {
    /// Where everything that is made lies
    #[arg(long, global = true, value_name = "DIR", env = "PADLOCK_CERTS", hide_env_values = true, default_value = "certs")]
    pub certs: PathBuf,
    /// Say nothing but errors: no openssl command, no facts
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// For scripts: JSON instead of text, also when it goes wrong
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Make a private key
    Key(Key),
    /// Ask for a certificate: make a request (CSR) for a key
    Request(Request),
    /// Let a key vouch for itself: a certificate without an authority
    SelfSign(SelfSign),
    /// Make a long chain to look at: a root, authorities one below the other, two leaves
    Chain(Chain),
    /// Found the authority: a root and an intermediate
    Found(Found),
    /// Sign: `server NAME…`, `user NAME`, `service NAME`, or the file of a request
    Sign(Sign),
    /// Answer requests over HTTPS, for people who prove their names
    Serve(Serve),
    /// Say what a file holds: key, request, certificate, chain or revocation list
    Show(Show),
    /// Say what files are, what is wrong with them, and which option was missing
    Doctor(Doctor),
    /// Judge a chain as a client would, without a connection
    Verify(Verify),
    /// Take a certificate back: by its file, its serial or its name
    Revoke(Revoke),
    /// Sign fresh revocation lists
    Crl(Crl),
    /// List everything that was signed
    List,
    /// Make the gallery of wrong certificates anew (see https://localhost:1234/gallery)
    Gallery,
    /// Print which of these files have to be made again (for make)
    #[command(hide = true)]
    Due(Due),
    /// Run a command while no other `make certs` runs (for make)
    #[command(hide = true)]
    Alone(Alone),
}

#[derive(Args)]
pub struct Key {
    /// The file to make; it is never replaced
    pub file: PathBuf,
    /// p256, p384, ed25519, rsa:2048, rsa:3072 or rsa:4096
    #[arg(long, default_value = "p256")]
    pub kind: String,
}

#[derive(Args)]
pub struct Request {
    /// The private key that the certificate will be for
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// A host name or an address to ask for; may be given several times
    #[arg(long = "name", value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// The subject's common name; nobody checks it [default: the first label of the first name]
    #[arg(long, value_name = "TEXT")]
    pub cn: Option<String>,
    /// The subject's country, two letters
    #[arg(long, value_name = "CC")]
    pub country: Option<String>,
    /// The subject's organisation
    #[arg(long, value_name = "TEXT")]
    pub organisation: Option<String>,
    /// Where to write the request [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct SelfSign {
    /// The private key that signs, and that the certificate is for
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Take the names from this request instead of --name
    #[arg(long, value_name = "FILE", conflicts_with = "names")]
    pub request: Option<PathBuf>,
    /// A host name or an address; may be given several times
    #[arg(long = "name", value_name = "NAME", required_unless_present = "request")]
    pub names: Vec<String>,
    /// How long it is valid
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=825))]
    pub days: u16,
    /// Where to write the certificate [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct Chain {
    /// The names in the server's leaf
    #[arg(value_name = "NAME", default_value = "localhost")]
    pub names: Vec<String>,
    /// How many authorities stand between root and leaf; many clients follow no more than six
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub levels: u8,
    /// The directory to make them in
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Args)]
pub struct Found {
    /// Whose authority it is: the organisation, and the first word of the common names
    #[arg(long, value_name = "TEXT", default_value = "Padlock")]
    pub name: String,
    /// How long the root is valid; the intermediate lives half as long
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u16).range(14..=7300))]
    pub days: u16,
}

#[derive(Args)]
pub struct Crl {
    /// Whose list [default: both]
    #[arg(value_parser = Which::from_str)]
    pub which: Option<Which>,
}

#[derive(Args)]
pub struct Sign {
    /// `server`, `user` or `service`; or the file of a request
    pub what: String,
    /// The names: several for a server, one for a user or a service
    pub names: Vec<String>,
    /// Sign for the key of this request instead of making one
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
    /// How long it is valid
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=90))]
    pub days: u16,
    /// A user's country, two letters
    #[arg(long, value_name = "CC")]
    pub country: Option<String>,
    /// A user's organisation
    #[arg(long, value_name = "TEXT")]
    pub organisation: Option<String>,
    /// Where to write the chain [default: beside the request]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct Show {
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Check the signature with this certificate's key
    #[arg(long, value_name = "FILE")]
    pub issuer: Option<PathBuf>,
}

#[derive(Args)]
pub struct Doctor {
    /// Whatever there is: keys, requests, certificates, chains, lists, bundles. What belongs together is compared
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// What a certificate is to be used for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    Server,
    Client,
}

#[derive(Args)]
pub struct Verify {
    /// Whom to believe, PEM or DER; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    pub cacert: Vec<PathBuf>,
    /// The name that the certificate must have: a host or an address
    #[arg(long, value_name = "NAME", required_if_eq("purpose", "server"))]
    pub name: Option<String>,
    /// Judge as of then: 2027-01-31, 2027-01-31T12:00:00Z, or seconds since 1970 [default: now]
    #[arg(long, value_parser = crate::verify::time)]
    pub time: Option<OffsetDateTime>,
    /// What it is to be used for
    #[arg(long, value_enum, default_value = "server")]
    pub purpose: Purpose,
    /// A list of what was taken back, PEM or DER; may be given several times. The list of who signed the leaf must be there
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// The chain: leaf first, then who signed it, root left out; PEM, or one certificate in DER
    pub chain: PathBuf,
}

#[derive(Args)]
pub struct Revoke {
    /// A certificate's file, its serial in hex, or the name it was signed for
    pub which: String,
    /// keyCompromise, superseded, cessationOfOperation, affiliationChanged, privilegeWithdrawn, …
    #[arg(long, default_value = "unspecified")]
    pub reason: String,
}

#[derive(Args)]
pub struct Due {
    pub files: Vec<PathBuf>,
}

#[derive(Args)]
pub struct Alone {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub command: Vec<String>,
}

#[derive(Args)]
pub struct Serve {
    /// The port; 0: the system picks one
    #[arg(long, default_value_t = 8555)]
    pub port: u16,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub address: std::net::IpAddr,
    /// The auth service that knows whose tickets are good
    #[arg(long, value_name = "URL", default_value = "https://localhost:8443")]
    pub auth: String,
}
