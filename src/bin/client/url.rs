//! What the client is asked to talk to. The scheme picks the protocol.

use padlock::error::{Error, Result, exit};
use rustls::pki_types::ServerName;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Wss,
    Ws,
    Https,
    Http,
    Tls,
}

impl Scheme {
    const ALL: [(&str, Scheme, Option<u16>); 5] = [
        ("wss", Scheme::Wss, Some(443)),
        ("ws", Scheme::Ws, Some(80)),
        ("https", Scheme::Https, Some(443)),
        ("http", Scheme::Http, Some(80)),
        ("tls", Scheme::Tls, None),
    ];

    fn known(self) -> (&'static str, Option<u16>) {
        Scheme::ALL.iter().find(|known| known.1 == self).map_or(("", None), |known| (known.0, known.2))
    }

    /// Whether TLS is spoken, and so whether anybody's name is checked.
    pub fn is_secure(self) -> bool {
        matches!(self, Scheme::Wss | Scheme::Https | Scheme::Tls)
    }
}

/// `wss://localhost:1234/path?query`, taken apart (RFC 3986 3). User names and fragments are refused or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub scheme: Scheme,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// Path and query, as the request line has it.
    pub path: String,
}

impl Url {
    /// Reads what was typed. Fails with status 2 and says what is wrong with it.
    pub fn parse(typed: &str) -> Result<Url> {
        let wrong = |why: &str| {
            Error::new("bad-url", format!("{} is no address for this client: {why}", typed.escape_debug()))
                .hint("write it like wss://localhost:1234/, https://localhost:1234/ or tls://localhost:8000")
                .exit(exit::USAGE)
        };
        if !typed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("it has spaces, control characters or letters outside ASCII (write those as %XX or xn--)"));
        }
        let (scheme, rest) = typed.split_once("://").ok_or_else(|| {
            wrong("it does not begin with wss://, https:// or another scheme")
                .hint("write it like wss://localhost:1234/, https://localhost:1234/ or tls://localhost:8000; the verbs: ./client --help")
        })?;
        let known = Scheme::ALL.iter().find(|known| known.0.eq_ignore_ascii_case(scheme));
        let (_, scheme, default_port) = *known.ok_or_else(|| wrong("the scheme is none of wss, ws, https, http, tls"))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(wrong("a user name or password in it would be seen by everybody who sees the address"));
        }
        let (host, port) = split_port(authority).ok_or_else(|| wrong("the port is not a number from 1 to 65535"))?;
        let port = port.or(default_port).ok_or_else(|| wrong("tls:// has no usual port: add one, :8000"))?;
        ServerName::try_from(host).map_err(|_| wrong("the host is neither a name nor an IP address"))?;
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        Ok(Url { scheme, host: host.to_string(), port, path })
    }

    /// What the `Host` field says: the port only when it is not the scheme's own.
    pub fn host_field(&self) -> String {
        let host = self.bracketed();
        if self.scheme.known().1 == Some(self.port) { host } else { format!("{host}:{}", self.port) }
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.scheme == Scheme::Tls { "" } else { &self.path };
        write!(f, "{}://{}:{}{path}", self.scheme.known().0, self.bracketed(), self.port)
    }
}

/// `host`, `host:port`, `[::1]`, `[::1]:port`. `None`: the port is wrong.
pub fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => (address, None),
        Some((address, rest)) => (address, Some(rest.strip_prefix(':')?)),
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    match port {
        None => Some((host, None)),
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            Some((host, Some(digits.parse().ok().filter(|port| *port != 0)?)))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (typed, shown, host_field, path) in [
            ("wss://localhost:1234/", "wss://localhost:1234/", "localhost:1234", "/"),
            ("WSS://localhost", "wss://localhost:443/", "localhost", "/"),
            ("https://a.test:443?x=1", "https://a.test:443/?x=1", "a.test", "/?x=1"),
            ("http://127.0.0.1:8080/a/b?c#d", "http://127.0.0.1:8080/a/b?c", "127.0.0.1:8080", "/a/b?c"),
            ("https://[::1]/", "https://[::1]:443/", "[::1]", "/"),
            ("tls://[::1]:8000", "tls://[::1]:8000", "[::1]:8000", "/"),
        ] {
            let url = Url::parse(typed).unwrap();
            assert_eq!((url.to_string().as_str(), url.host_field().as_str(), url.path.as_str()), (shown, host_field, path), "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_a_wrong_command_line() {
        for typed in [
            "",
            "localhost",
            "localhost:1234",
            "ftp://localhost/",
            "wss://",
            "wss:///path",
            "wss://localhost:0/",
            "wss://localhost:65536/",
            "wss://localhost:x/",
            "wss://localhost:/",
            "wss://user:secret@localhost/",
            "wss://local host/",
            "wss://localhost/\r\nEvil: yes",
            "wss://münchen.test/",
            "tls://localhost",
            "wss://[::1/",
            "wss://[::1]x/",
            "wss://::1/",
            "wss://-.test/",
        ] {
            let error = Url::parse(typed).expect_err(typed);
            assert_eq!((error.code, error.exit), ("bad-url", 2), "{typed}");
            assert!(!error.cause.contains(['\r', '\n']), "{}", error.cause);
        }
    }
}
