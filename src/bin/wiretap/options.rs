//! The command line of the wiretap.

use crate::attacker::Mitm;
use crate::failure;
use clap::Parser;
use padlock::{
    authority::Places,
    error::{Error, Result, exit},
    refusal,
    trust::is_lab_name,
};
use rustls::pki_types::ServerName;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

/// When a capture has so many bytes, another is begun.
pub const CAPTURE_SIZE: u64 = 64 << 20;

/// Sits between a client and a server, and prints what anybody on the path can read.
#[derive(Parser)]
#[command(name = "wiretap", version, max_term_width = 100)]
pub struct Options {
    /// Port to listen on; 0 lets the system pick
    port: u16,
    /// The server: HOST:PORT, such as localhost:1234
    pub server: String,

    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Allow an address that others can reach
    #[arg(long, conflicts_with = "mitm")]
    unsafe_listen: bool,
    /// Put before each line when it passed, in seconds since its connection began
    #[arg(long)]
    pub times: bool,
    /// Write what passes into this file as packets, for Wireshark
    #[arg(long, value_name = "FILE", conflicts_with = "mitm")]
    pub capture: Option<PathBuf>,
    /// Do not pass on, but answer in the server's place, with a certificate made HOW
    #[arg(long, value_name = "HOW", value_enum)]
    pub mitm: Option<Mitm>,
    /// Where the lab's certificates are
    #[arg(long, value_name = "DIR", env = "PADLOCK_CERTS", hide_env_values = true, default_value = "certs")]
    certs: PathBuf,
}

impl Options {
    /// Ends the program when the command line is no command line, or asks for help.
    ///
    /// # Errors
    /// It asks for what a lab must not do.
    pub fn from_command_line() -> Result<Options> {
        let options: Options = failure::command_line();
        if options.listen.is_loopback() || options.unsafe_listen {
            return Ok(options);
        }
        Err(Error::new("not-loopback", format!("{} can be reached by others, and this is a lab", options.listen))
            .hint("listen on 127.0.0.1; without --mitm, say --unsafe-listen if you mean it")
            .exit(exit::USAGE))
    }

    pub fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.port)
    }

    /// Where the server is. An attack is tried on one's own machine only.
    pub fn target(&self) -> Result<SocketAddr> {
        let (host, port) = self.server.rsplit_once(':').ok_or_else(|| self.no_server())?;
        let port: u16 = port.parse().map_err(|_| self.no_server())?;
        let host = host.trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| self.no_server())?;
        let address = match (&name, host.parse()) {
            (_, Ok(address)) => SocketAddr::new(address, port),
            (name, _) if is_lab_name(name) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
            _ => {
                let mut found = (host, port).to_socket_addrs().map_err(|_| refusal::cannot_resolve(host))?;
                found.next().ok_or_else(|| refusal::cannot_resolve(host))?
            }
        };
        if self.mitm.is_some() && !address.ip().is_loopback() {
            return Err(Error::new("not-loopback", format!("{address} is not on this machine: --mitm attacks nobody but you"))
                .hint("name a server of your own: localhost:1234")
                .exit(exit::USAGE));
        }
        Ok(address)
    }

    pub fn places(&self) -> Places {
        Places::of_program(&self.certs)
    }

    fn no_server(&self) -> Error {
        Error::new("bad-address", format!("{} is no HOST:PORT", self.server.escape_debug()))
            .hint("for example: ./wiretap 1235 localhost:1234; a URL's scheme is left out, since any bytes are passed on")
            .exit(exit::USAGE)
    }
}

/// Whether who listens `here` would meet itself at `target`. Any address of this machine (0.0.0.0, ::) listens for all of them, and
/// who connects to it comes to loopback.
pub fn is_circle(here: SocketAddr, target: SocketAddr) -> bool {
    let [ours, theirs] = [here, target].map(|address| address.ip().to_canonical());
    let one_is_any = (ours.is_unspecified() && theirs.is_loopback()) || (theirs.is_unspecified() && ours.is_loopback());
    here.port() == target.port() && (ours == theirs || one_is_any)
}

pub fn circle(address: SocketAddr) -> Error {
    Error::new("circle", format!("{address} would pass everything on to itself"))
        .hint("listen on another port than the server's: ./wiretap 1235 localhost:1234")
        .exit(exit::USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_one_by_whatever_address() {
        let is = |here: &str, target: &str| is_circle(here.parse().unwrap(), target.parse().unwrap());
        for (here, target) in [
            ("127.0.0.1:1235", "127.0.0.1:1235"),
            ("127.0.0.1:1235", "0.0.0.0:1235"),
            ("127.0.0.1:1235", "[::ffff:127.0.0.1]:1235"),
            ("0.0.0.0:1235", "127.0.0.1:1235"),
            ("[::]:1235", "127.0.0.1:1235"),
        ] {
            assert!(is(here, target), "{here} {target}");
        }
        assert!(!is("127.0.0.1:1235", "127.0.0.1:1234") && !is("127.0.0.1:1235", "127.0.0.2:1235"));
        assert!(!is("0.0.0.0:1235", "192.0.2.1:1235"));
    }
}
