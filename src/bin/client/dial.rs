//! From an address to a session: find the host, reach it over TCP, make sure that it is who we asked for.

use crate::options::Options;
use crate::output;
use crate::security::Security;
use crate::url::{Url, split_port};
use padlock::error::{Error, Result, exit};
use padlock::listener::{self, Stream};
use padlock::refusal;
use padlock::tls::{Facts, Tls};
use padlock::trust::is_lab_name;
use padlock::wire::{End, Socket};
use rustls::pki_types::ServerName;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a TCP connection to one address may take, and then the handshake.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How often to look again for what is not there yet: quick for a person, nothing for a machine.
pub const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Everything needed to reach one server, as often as wanted.
pub struct Dialler {
    url: Url,
    addresses: Vec<SocketAddr>,
    security: Option<Security>,
    until: Instant,
}

/// A connection to the server. Secure means: encrypted, and the name was proved.
pub enum Session {
    Secure(Box<Tls<Stream>>),
    Clear(Stream),
}

impl Dialler {
    /// Prepares to reach `url`. Waits for the lab's certificates when there is patience and they are not there yet.
    pub fn new(options: &Options, url: &Url) -> Result<Dialler> {
        let until = Instant::now() + options.patience();
        options.record.begin()?;
        let addresses = addresses(&options.resolve, options.connect_to.as_ref(), url)?;
        let security = if url.scheme.is_secure() { Some(Security::new(options, url, until)?) } else { None };
        if security.is_none() {
            output::note(options, &format!("insecure: {url} is not encrypted, and nobody's name is checked"));
        }
        Ok(Dialler { url: url.clone(), addresses, security, until })
    }

    /// Prepares to reach `url` over TCP alone: for what is signed itself, or for whoever does the handshake themselves.
    pub fn bare(options: &Options, url: &Url) -> Result<Dialler> {
        let until = Instant::now() + options.patience();
        Ok(Dialler { url: url.clone(), addresses: addresses(&options.resolve, None, url)?, security: None, until })
    }

    /// Reaches the server, and makes sure that it is who we asked for.
    pub fn dial(&self, options: &Options) -> Result<Session> {
        let stream = self.stream(options)?;
        match &self.security {
            Some(security) => security.handshake(stream).map(|tls| Session::Secure(Box::new(tls))),
            None => Ok(Session::Clear(stream)),
        }
    }

    /// Reaches the server. Waits while nobody listens there, as long as the first patience lasts.
    pub fn stream(&self, options: &Options) -> Result<Stream> {
        let mut said = false;
        let socket = loop {
            match self.reach() {
                Ok(socket) => break Arc::new(socket),
                Err(error) if error.exit == exit::CONNECT && Instant::now() < self.until => {
                    if !std::mem::replace(&mut said, true) {
                        let patience = options.patience().as_secs_f64();
                        output::note(
                            options,
                            &format!("waiting up to {patience} s for the server at {}; start it with ./server", self.url),
                        );
                    }
                    thread::sleep(LOOK_AGAIN);
                }
                Err(error) if said => return Err(error.hint("start the server in another terminal: ./server, or wait longer: --wait 60")),
                Err(error) => return Err(error),
            }
        };
        let mut stream = listener::prepare(&socket)
            .and_then(|()| Stream::new(&socket, HANDSHAKE_WITHIN))
            .map_err(|error| refusal::client_session(&error.into()))?;
        options.record.watcher(End::Client).iter().for_each(|watch| watch(&mut stream));
        Ok(stream)
    }

    /// What TLS goes by. None where it is not spoken.
    pub fn security(&self) -> Option<&Security> {
        self.security.as_ref()
    }

    /// The first address that answers.
    fn reach(&self) -> Result<TcpStream> {
        let mut failed = refusal::cannot_resolve(&self.url.host);
        for address in &self.addresses {
            match TcpStream::connect_timeout(address, CONNECT_WITHIN) {
                Ok(socket) => return Ok(socket),
                Err(error) => failed = refusal::cannot_connect(&error, *address),
            }
        }
        Err(failed)
    }
}

/// Where the URL's host is: as the flags say, else as the lab has it, else as the system's resolver says.
fn addresses(resolve: &[String], connect_to: Option<&String>, url: &Url) -> Result<Vec<SocketAddr>> {
    for entry in resolve {
        if let Some(address) = resolve_entry(entry, url)? {
            return Ok(vec![SocketAddr::new(address, url.port)]);
        }
    }
    let (host, port) = match connect_to {
        None => (url.host.as_str(), url.port),
        Some(there) => match split_port(after_source(there, url)) {
            Some((host, port)) => (if host.is_empty() { &url.host } else { host }, port.unwrap_or(url.port)),
            None => return Err(bad_flag("--connect-to", there, "HOST:PORT")),
        },
    };
    if is_lab_name(&name(host)?) && host.parse::<IpAddr>().is_err() {
        return Ok(vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)]);
    }
    let found = (host, port).to_socket_addrs().map_err(|_| refusal::cannot_resolve(host))?;
    Ok(found.collect())
}

/// curl writes `--connect-to` as `HOST:PORT:TO-HOST:TO-PORT`, and leaves the first two empty for any.
fn after_source<'a>(there: &'a str, url: &Url) -> &'a str {
    let source = format!("{}:{}:", url.host, url.port);
    there.strip_prefix(&source).or_else(|| there.strip_prefix("::")).unwrap_or(there)
}

/// `HOST:PORT:ADDRESS` of `--resolve`, when it is about this URL.
fn resolve_entry(entry: &str, url: &Url) -> Result<Option<IpAddr>> {
    let wrong = || bad_flag("--resolve", entry, "HOST:PORT:ADDRESS");
    let (host, rest) = entry.split_once(':').ok_or_else(wrong)?;
    let (port, address) = rest.split_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let address: IpAddr = address.trim_matches(['[', ']']).parse().map_err(|_| wrong())?;
    Ok((host.eq_ignore_ascii_case(&url.host) && port == url.port).then_some(address))
}

fn bad_flag(flag: &str, value: &str, shape: &str) -> Error {
    Error::new("bad-flag", format!("{flag} {} is not of the form {shape}", value.escape_debug()))
        .hint(format!("for example {flag} {}", shape.replace("HOST", "localhost").replace("PORT", "1234").replace("ADDRESS", "127.0.0.1")))
        .exit(exit::USAGE)
}

/// What was typed, as a name that a server can prove.
pub fn name(text: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(text.to_string()).map_err(|_| {
        Error::new("bad-name", format!("{} is neither a host name nor an IP address", text.escape_debug()))
            .hint("names are letters, digits, dots and hyphens: localhost, a.test, 127.0.0.1")
            .exit(exit::USAGE)
    })
}

impl Session {
    pub fn socket(&self) -> &Socket {
        match self {
            Session::Secure(tls) => tls.stream.socket(),
            Session::Clear(stream) => stream.socket(),
        }
    }

    pub fn facts(&self) -> Option<Facts> {
        match self {
            Session::Secure(tls) => Some(Facts::of(&tls.session)),
            Session::Clear(_) => None,
        }
    }

    /// Says that this is the end (close_notify), and lets the server read it.
    pub fn close(&mut self) {
        if let Session::Secure(tls) = self {
            let _ = tls.close();
        }
        listener::farewell(self.socket());
    }

    /// Lets a next phase begin: the answer may take `allowed`.
    pub fn expect(&mut self, allowed: Duration) {
        match self {
            Session::Secure(tls) => tls.stream.expect(allowed, allowed),
            Session::Clear(stream) => stream.expect(allowed, allowed),
        }
    }
}

impl Read for Session {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Session::Secure(tls) => tls.read(buffer),
            Session::Clear(stream) => stream.read(buffer),
        }
    }
}

impl Write for Session {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Session::Secure(tls) => tls.write(bytes),
            Session::Clear(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Session::Secure(tls) => tls.flush(),
            Session::Clear(stream) => stream.flush(),
        }
    }
}
