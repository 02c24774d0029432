//! From an address to a session: find the host, reach it over TCP, make sure that it is who we asked for.

use crate::options::Options;
use crate::output;
use crate::url::{Scheme, Url, split_port};
use padlock::authority::Places;
use padlock::certificate::Identity;
use padlock::error::{Error, Result, exit};
use padlock::listener::{self, Stream};
use padlock::refusal;
use padlock::tls::{self, Facts, Failure, Tls};
use padlock::trust::{Presented, Trust, is_lab_name};
use padlock::wire::{Tap, Trace};
use rustls::ClientConfig;
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
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Everything needed to reach one server, as often as wanted.
pub struct Dialler {
    url: Url,
    addresses: Vec<SocketAddr>,
    security: Option<Security>,
    until: Instant,
}

/// Who we are, whom we believe, and the name that the server must prove.
struct Security {
    asked: ServerName<'static>,
    trust: Trust,
    presented: Presented,
    config: Arc<ClientConfig>,
    trace: Option<Arc<Trace>>,
}

/// A connection to the server. Secure means: encrypted, and the name was proved.
pub enum Session {
    Secure(Box<Tls<Tap<Stream>>>),
    Clear(Stream),
}

impl Dialler {
    /// Prepares to reach `url`. Waits for the lab's certificates when there is patience and they are not there yet.
    pub fn new(options: &Options, url: &Url) -> Result<Dialler> {
        let until = Instant::now() + options.patience();
        let addresses = addresses(options, url)?;
        let security = if url.scheme.is_secure() { Some(Security::new(options, url, until)?) } else { None };
        if security.is_none() {
            output::note(options, &format!("insecure: {url} is not encrypted, and nobody's name is checked"));
        }
        Ok(Dialler { url: url.clone(), addresses, security, until })
    }

    /// Reaches the server. Waits while nobody listens there, as long as the first patience lasts.
    pub fn dial(&self, options: &Options) -> Result<Session> {
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
        let stream = Stream::new(&socket, HANDSHAKE_WITHIN).map_err(|error| refusal::client_session(&error.into()))?;
        match &self.security {
            Some(security) => security.handshake(stream),
            None => Ok(Session::Clear(stream)),
        }
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

impl Security {
    fn new(options: &Options, url: &Url, until: Instant) -> Result<Security> {
        let host = name(&url.host)?;
        let asked = name(options.servername.as_deref().unwrap_or(&url.host))?;
        let trust = trust(options, &host, until)?;
        let who = match (&options.cert, &options.key) {
            (Some(chain), Some(key)) => Some(Identity::load(chain, key)?),
            _ => None,
        };
        let presented = Presented::default();
        let protocol = if url.scheme == Scheme::Tls { None } else { Some("http/1.1") };
        let mut settings = options.tls(protocol)?;
        let trace = options.verbose.then(|| Trace::new(settings.key_log.take(), |line| log::info!(target: "wire", "{line}")));
        if let Some(trace) = &trace {
            settings.key_log = Some(trace.clone());
        }
        let config = tls::client(who.as_ref(), &trust, presented.clone(), &settings)?;
        Ok(Security { asked, trust, presented, config, trace })
    }

    fn handshake(&self, stream: Stream) -> Result<Session> {
        if let Some(trace) = &self.trace {
            trace.begin();
        }
        let stream = Tap { stream, trace: self.trace.clone() };
        match tls::connect(stream, self.asked.clone(), &self.config) {
            Ok(session) => {
                let facts = Facts::of(&session.session);
                let how = if facts.resumed { "by the ticket of an earlier session" } else { "by its certificate" };
                let asked = self.asked.to_str();
                log::info!(target: "trust", "the server is {asked}, {how}; believed: {}", self.trust.described());
                Ok(Session::Secure(Box::new(session)))
            }
            Err((failure, tap)) => {
                if matches!(failure, Failure::Tls(_)) {
                    listener::farewell(tap.stream.socket()); // so that the server can read our alert
                }
                Err(refusal::client_side(&failure, &self.asked, &self.presented, &self.trust))
            }
        }
    }
}

/// Whom to believe: what the flags say, else what suits the host that was typed. `--servername` changes nothing here:
/// where we go decides who may vouch for it.
fn trust(options: &Options, host: &ServerName<'_>, until: Instant) -> Result<Trust> {
    let places = options.places();
    if let Some(file) = &options.cacert {
        return Trust::file(file);
    }
    if options.web {
        return Ok(Trust::web());
    }
    let is_lab = is_lab_name(host);
    if is_lab {
        await_certificates(options, &places, until)?;
    }
    match &options.add_cacert {
        None => Trust::about(host, &places),
        Some(file) if is_lab => Ok(Trust::lab(&places)?.and(Trust::file(file)?)),
        Some(file) => Ok(Trust::system()?.and(Trust::file(file)?)),
    }
}

fn await_certificates(options: &Options, places: &Places, until: Instant) -> Result<()> {
    let root = places.root_certificate();
    let mut said = false;
    while !root.exists() {
        if Instant::now() >= until {
            return Err(Error::new("no-authority", format!("there is no {}: the lab's authority has not been made yet", root.display()))
                .hint("make it: make certs; or name whom to believe: --cacert FILE, --web (docs/trust.md)")
                .exit(exit::CA_FILE));
        }
        if !std::mem::replace(&mut said, true) {
            let patience = options.patience().as_secs_f64();
            output::note(options, &format!("waiting up to {patience} s for the certificates; make them with make certs"));
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// Where the URL's host is: as the flags say, else as the lab has it, else as the system's resolver says.
fn addresses(options: &Options, url: &Url) -> Result<Vec<SocketAddr>> {
    for entry in &options.resolve {
        if let Some(address) = resolve_entry(entry, url)? {
            return Ok(vec![SocketAddr::new(address, url.port)]);
        }
    }
    let (host, port) = match &options.connect_to {
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

fn name(text: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(text.to_string()).map_err(|_| {
        Error::new("bad-name", format!("{} is neither a host name nor an IP address", text.escape_debug()))
            .hint("names are letters, digits, dots and hyphens: localhost, a.test, 127.0.0.1")
            .exit(exit::USAGE)
    })
}

impl Session {
    pub fn socket(&self) -> &Arc<TcpStream> {
        match self {
            Session::Secure(tls) => tls.stream.stream.socket(),
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
            Session::Secure(tls) => tls.stream.stream.expect(allowed, allowed),
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
