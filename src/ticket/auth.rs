//! The other side of the wire: a service that was shown a ticket asks the auth service whose it is.

use crate::{
    certificate::Identity,
    error::{Error, Result, exit},
    http,
    listener::Stream,
    refusal,
    tls::{self, Settings, Tls},
    trust::{Presented, Trust},
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The name that the auth service proves to services. By the same name (SNI) it knows that a service is calling.
pub const AUTH: &str = "auth.services.test";
/// Whoever shows a ticket waits meanwhile. So TCP, the handshake and the answer may each take so long, and no longer.
const WITHIN: Duration = Duration::from_millis(1_500);
/// Connections that are kept for the next question. More are needed only while more questions are open at once.
const KEPT: usize = 8;
/// The answer is a name in a line of JSON.
const ANSWER_MAX: usize = 4 * 1024;

/// The way to the auth service, over mutual TLS. One for all threads; each question has a connection to itself.
pub struct Auth {
    host: String,
    port: u16,
    presented: Presented,
    kept: Mutex<Kept>,
}

/// Connections that are open for the next question, and by which rules they were made.
struct Kept {
    rules: Arc<Rules>,
    connections: Vec<Tls<Stream>>,
}

/// Who we are, and whom we believe about the auth service.
struct Rules {
    config: Arc<ClientConfig>,
    trust: Trust,
}

/// What `POST /tickets/redeem` answers.
#[derive(serde::Deserialize)]
struct Redeemed {
    name: String,
}

/// Why there is no answer.
enum Failed {
    /// The connection ended before the first byte of one: it was kept too long, perhaps.
    Unheard(Error),
    Other(Error),
}

impl Auth {
    /// The service at `host` and `port`, wherever that is: it has to prove [`AUTH`]. `who` is `ticket.services.test`, or another
    /// that may redeem. Nothing is sent yet.
    pub fn new(host: &str, port: u16, who: &Identity, trust: &Trust) -> Result<Auth> {
        let presented = Presented::default();
        let kept = Kept { rules: Rules::new(who, trust, &presented)?, connections: Vec::new() };
        Ok(Auth { host: host.into(), port, presented, kept: Mutex::new(kept) })
    }

    /// From the next question on we are `who`, and go by `trust`. No connection that was made before is used again.
    pub fn change(&self, who: &Identity, trust: &Trust) -> Result<()> {
        let rules = Rules::new(who, trust, &self.presented)?;
        let before = std::mem::replace(&mut *self.kept(), Kept { rules, connections: Vec::new() });
        for mut connection in before.connections {
            let _ = connection.close();
        }
        Ok(())
    }

    /// Host and port of the address that somebody has typed: `https://localhost:8443`.
    ///
    /// # Errors
    /// It is no such address. Exit status 2.
    pub fn place(url: &str) -> Result<(String, u16)> {
        let place = url.strip_prefix("https://").map(|rest| rest.trim_end_matches('/'));
        let taken = place.map(|place| place.rsplit_once(':').map_or((place, Ok(443)), |(host, port)| (host, port.parse())));
        match taken {
            Some((host, Ok(port))) if !host.is_empty() && !host.contains(['/', '@', '?']) => {
                Ok((host.trim_matches(['[', ']']).into(), port))
            }
            _ => Err(Error::new("bad-flag", format!("--auth {} is no address of an auth service", url.escape_debug()))
                .hint("write it like --auth https://localhost:8443")
                .exit(exit::USAGE)),
        }
    }

    /// Asks whose ticket it is that was shown from `address`, and so spends it. A handshake may be needed: leave 64 KiB of stack.
    ///
    /// # Errors
    /// `ticket-refused`: it is of no use, whatever the reason; the auth service logs that. `auth-unavailable`: nobody knows, since
    /// the auth service can't be reached, takes too long, or does not let us ask. The next call tries anew.
    pub fn redeem(&self, ticket: &str, address: IpAddr) -> Result<String> {
        let question = serde_json::json!({ "ticket": ticket, "address": address }).to_string();
        let (rules, kept) = {
            let mut kept = self.kept();
            (kept.rules.clone(), kept.connections.pop())
        };
        if let Some(connection) = kept {
            match self.ask(connection, &rules, &question) {
                // Asking twice spends a ticket once: at worst the second answer is "refused".
                Err(Failed::Unheard(_)) => {}
                Err(Failed::Other(e)) => return Err(e),
                Ok(name) => return Ok(name),
            }
        }
        self.ask(self.connect(&rules)?, &rules, &question).map_err(|(Failed::Unheard(e) | Failed::Other(e))| e)
    }

    fn connect(&self, rules: &Rules) -> Result<Tls<Stream>> {
        let socket = self.reach().map_err(|e| self.unavailable(&refusal::client_session(&e.into()).cause))?;
        let stream = Stream::new(Arc::new(socket), WITHIN).map_err(|e| self.unavailable(&e.to_string()))?;
        let name = ServerName::try_from(AUTH).map_err(|e| self.unavailable(&e.to_string()))?;
        tls::connect(stream, name.clone(), &rules.config)
            .map_err(|(failure, _)| self.unavailable(&refusal::client_side(&failure, &name, &self.presented, &rules.trust).cause))
    }

    /// The first address that answers. The lab's names are here, whatever the system's resolver knows.
    fn reach(&self) -> io::Result<TcpStream> {
        let lab = ["localhost", "test"].iter().any(|end| self.host == *end || self.host.ends_with(&format!(".{end}")));
        let addresses: Vec<SocketAddr> = match lab {
            true => vec![SocketAddr::from(([127, 0, 0, 1], self.port))],
            false => (self.host.as_str(), self.port).to_socket_addrs()?.collect(),
        };
        let mut failed = io::Error::from(ErrorKind::NotFound);
        for address in addresses {
            match TcpStream::connect_timeout(&address, WITHIN) {
                Ok(socket) => return Ok(socket),
                Err(e) => failed = e,
            }
        }
        Err(failed)
    }

    /// One question, one answer. A connection that has served well is kept.
    fn ask(&self, mut connection: Tls<Stream>, rules: &Arc<Rules>, question: &str) -> Result<String, Failed> {
        let request = format!(
            "POST /tickets/redeem HTTP/1.1\r\nHost: {AUTH}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{question}",
            question.len()
        );
        connection.stream.expect(WITHIN, WITHIN);
        let broken = |e: io::Error| self.unavailable(&refusal::client_session(&e.into()).cause);
        let sent = connection.write_all(request.as_bytes());
        let mut bytes = Vec::new();
        let answer = loop {
            match read_some(&mut connection, &mut bytes) {
                // When even the question could not be sent, what the service said before it closed is the better reason.
                Err(e) if bytes.is_empty() && e.kind() != ErrorKind::TimedOut => {
                    return Err(Failed::Unheard(broken(sent.err().unwrap_or(e))));
                }
                Err(e) => return Err(Failed::Other(broken(e))),
                Ok(()) => {}
            }
            if let Some(answer) = Answer::parse(&bytes).map_err(|()| Failed::Other(self.unavailable("its answer makes no sense")))? {
                break answer;
            }
        };
        let name = self.understood(&answer);
        if answer.keep {
            self.keep(connection, rules);
        } else {
            let _ = connection.close();
        }
        name.map_err(Failed::Other)
    }

    fn understood(&self, answer: &Answer) -> Result<String> {
        match answer.status {
            200 => http::json(answer.body).map(|Redeemed { name }| name).map_err(|_| self.unavailable("its answer makes no sense")),
            404 => Err(Error::new("ticket-refused", "the ticket was refused")
                .hint("get a new one, and show it once, within 30 s, from the address that asked for it (docs/ticket.md)")),
            403 => Err(self.unavailable(
                "it does not let us redeem tickets: our certificate is another's than a service's that may, or was taken back",
            )),
            status => Err(self.unavailable(&format!("it answered {status}"))),
        }
    }

    fn keep(&self, connection: Tls<Stream>, rules: &Arc<Rules>) {
        let mut kept = self.kept();
        if Arc::ptr_eq(rules, &kept.rules) && kept.connections.len() < KEPT {
            kept.connections.push(connection);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unavailable(&self, why: &str) -> Error {
        Error::new("auth-unavailable", format!("the auth service at {}:{} can't be asked: {why}", self.host, self.port))
            .hint("start it: ./server auth; or say where it is: ./server --auth URL (docs/ticket.md)")
            .exit(exit::CONNECT)
    }
}

impl Rules {
    fn new(who: &Identity, trust: &Trust, presented: &Presented) -> Result<Arc<Rules>> {
        let settings = Settings { alpn: vec![b"http/1.1".to_vec()], ..Settings::default() };
        let config = tls::client(Some(who), trust, presented.clone(), &settings)?;
        Ok(Arc::new(Rules { config, trust: trust.clone() }))
    }
}

struct Answer<'a> {
    status: u16,
    body: &'a [u8],
    keep: bool,
}

impl Answer<'_> {
    /// `None`: there is more to come.
    fn parse(bytes: &[u8]) -> Result<Option<Answer<'_>>, ()> {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut fields);
        let length = match answer.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() <= ANSWER_MAX => return Ok(None),
            _ => return Err(()),
        };
        let field = |name: &str| answer.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value);
        let digits = field("content-length").and_then(|value| std::str::from_utf8(value).ok()).ok_or(())?;
        let body: usize = digits.parse().ok().filter(|body| *body <= ANSWER_MAX).ok_or(())?;
        let keep = !field("connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
        Ok(bytes.get(length..length + body).map(|body| Answer { status: answer.code.unwrap_or_default(), body, keep }))
    }
}

fn read_some(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut more = [0; 2048];
    match stream.read(&mut more)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        n => {
            bytes.extend_from_slice(&more[..n]);
            Ok(())
        }
    }
}
