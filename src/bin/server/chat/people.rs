//! Who has a certificate at all? The authority knows, and says it to anybody who asks.

use padlock::{
    authority::{Places, policy::check_user},
    chat::Refused,
    error::Result,
    listener::{Stream, prepare},
    tls::{self, Settings},
    trust::{Presented, Trust},
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

/// Somebody waits for the answer, and it is only a better sentence.
const WITHIN: Duration = Duration::from_millis(500);
/// `HTTP/1.1 404`
const STATUS_LINE: u64 = 12;

/// The authority, as far as it answers questions.
pub struct People {
    /// `localhost:8555`
    authority: String,
    config: Arc<ClientConfig>,
}

impl People {
    pub fn new(authority: &str, places: &Places) -> Result<People> {
        let config = tls::client(None, &Trust::lab(places)?, Presented::default(), &Settings::default())?;
        Ok(People { authority: authority.to_owned(), config })
    }

    /// Says more about `whom`, who is not online, if the authority can be asked: perhaps they never enrolled.
    pub fn in_full(&self, refused: Refused, whom: &str) -> Refused {
        if refused.code != "not-online" || self.enrolled(whom).unwrap_or(true) {
            return refused;
        }
        let sentence = format!("You cannot send a chat request to {whom} because {whom} does not have a certificate.");
        Refused { code: "no-certificate", sentence }
    }

    fn enrolled(&self, name: &str) -> io::Result<bool> {
        if check_user(name).is_err() {
            return Ok(false);
        }
        let address = self.authority.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        let socket = TcpStream::connect_timeout(&address, WITHIN)?;
        prepare(&socket)?;
        let stream = Stream::new(Arc::new(socket), WITHIN)?;
        let host = self.authority.rsplit_once(':').map_or("localhost", |(host, _)| host).to_owned();
        let asked = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        let mut tls = tls::connect(stream, asked, &self.config).map_err(|(failure, _)| io::Error::from(failure))?;
        write!(tls, "HEAD /certificates/{name} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut status = String::new();
        (&mut tls).take(STATUS_LINE).read_to_string(&mut status)?;
        let _ = tls.close();
        Ok(status.ends_with("200"))
    }
}
