//! Request after request on one connection.

use super::{Head, Next, Refuse, Response, read_body, read_head, refuse, respond};
use crate::{
    error::printable,
    listener::{Pass, Stream, farewell},
    refusal,
    tls::Tls,
    wire::ClientHello,
};
use std::{
    convert::Infallible,
    io::{self, Read, Write},
    net::SocketAddr,
};

/// Serves the requests of one connection, until one of the sides has had enough or the answer is an upgrade; gives the latter.
///
/// What is refused on sight is answered here, and so is everybody who gets no service ([`Pass::refused`]). All else is for
/// `answer`. The log says `logged` of each request: its target, or less where that may hold a secret.
pub fn serve<T: Transport, U>(
    mut transport: T,
    remote: SocketAddr,
    pass: &Pass,
    logged: fn(&Head) -> &str,
    answer: impl FnMut(&mut Request<'_, T>) -> io::Result<Answer<U>>,
) -> Option<Upgraded<U>> {
    let mut buffer = Vec::new();
    match requests(&mut transport, &mut buffer, remote, pass, logged, answer) {
        Ok(End::Upgraded(to)) => {
            let (stream, session) = transport.into_parts();
            return Some(Upgraded { to, stream, session, rest: buffer });
        }
        Ok(End::PeerClosed) => {
            transport.goodbye();
            return None;
        }
        Ok(End::WeClose) => transport.goodbye(),
        Err(_) if pass.gate().closed() => transport.goodbye(), // it was us who ended the reading
        Err(e) => log::debug!(target: "http", "{remote}: {}", refusal::server_session(&e.into())),
    }
    farewell(transport.stream().socket());
    None
}

/// A request whose head has been read.
pub struct Request<'a, T> {
    pub head: Head,
    pub transport: &'a mut T,
    /// What was read past the head.
    buffer: &'a mut Vec<u8>,
}

impl<T: Transport> Request<'_, T> {
    /// The body, `limit` bytes at most: see [`read_body`]. A body that nobody asks for ends the connection behind the answer.
    pub fn body(&mut self, limit: usize) -> io::Result<Result<Vec<u8>, Refuse>> {
        read_body(self.transport, self.buffer, &mut self.head, limit)
    }
}

/// What a request gets. `U`: what the connection may become; nothing else, unless it is said.
pub enum Answer<U = Infallible> {
    Response(Response),
    /// `101`: behind it, no more HTTP is spoken.
    Upgrade(Response, U),
    /// The body could not be taken.
    Refuse(Refuse),
}

impl<U> From<Response> for Answer<U> {
    fn from(response: Response) -> Answer<U> {
        Answer::Response(response)
    }
}

/// A connection on which `101` was the last word of HTTP.
pub struct Upgraded<U> {
    pub to: U,
    pub stream: Stream,
    /// Without it, everybody on the way can read.
    pub session: Option<rustls::Connection>,
    /// What has been read already of what follows.
    pub rest: Vec<u8>,
}

/// What HTTP is spoken over: TLS, or TCP alone.
pub trait Transport: Read + Write {
    fn stream(&mut self) -> &mut Stream;

    fn session(&self) -> Option<&rustls::Connection>;

    fn into_parts(self) -> (Stream, Option<rustls::Connection>);

    /// Says that this is the end, where there is a way to say it: close_notify.
    fn goodbye(&mut self);
}

/// How the requests on a connection ended.
enum End<U> {
    Upgraded(U),
    PeerClosed,
    WeClose,
}

fn requests<T: Transport, U>(
    transport: &mut T,
    buffer: &mut Vec<u8>,
    remote: SocketAddr,
    pass: &Pass,
    logged: fn(&Head) -> &str,
    mut answer: impl FnMut(&mut Request<'_, T>) -> io::Result<Answer<U>>,
) -> io::Result<End<U>> {
    let limits = pass.gate().limits();
    transport.stream().expect(limits.head, limits.head);
    loop {
        let head = match read_head(transport, buffer)? {
            Next::Head(head) => head,
            Next::Closed => return Ok(End::PeerClosed),
            Next::ClientHello => {
                https_for_http(transport, buffer, remote);
                return Ok(End::WeClose);
            }
            Next::Refuse(why) => return refused(transport, remote, &why),
        };
        let mut request = Request { head, transport, buffer };
        let answer = match pass.refused() {
            Some(why) => Response::error(503, why).field("Retry-After", "5").close().into(),
            None => answer(&mut request)?,
        };
        let head = request.head;
        let (response, upgrade) = match answer {
            Answer::Response(response) => (response, None),
            Answer::Upgrade(response, to) => (response, Some(to)),
            Answer::Refuse(why) => return refused(transport, remote, &why),
        };
        log::info!(target: "http", "{remote} {} {} {}", head.method(), printable(logged(&head)), response.status());
        let keep = respond(transport, &head, &response)?;
        match upgrade {
            Some(to) => return Ok(End::Upgraded(to)),
            None if !keep || pass.gate().closed() => return Ok(End::WeClose),
            None => transport.stream().expect(limits.idle, limits.head),
        }
    }
}

fn refused<U>(transport: &mut impl Transport, remote: SocketAddr, why: &Refuse) -> io::Result<End<U>> {
    log::info!(target: "http", "{remote} {} {}", why.status, why.reason);
    refuse(transport, why)?;
    Ok(End::WeClose)
}

/// Somebody speaks TLS where it is not spoken, as their first message tells. Inside TLS, nobody means that.
fn https_for_http(transport: &impl Transport, hello: &[u8], remote: SocketAddr) {
    if transport.session().is_none() {
        let name = ClientHello::first_of(hello).and_then(|hello| hello.server_name);
        let name = name.map(|name| format!(", asking for {}", printable(&name))).unwrap_or_default();
        log::info!(target: "http", "{remote} sent a ClientHello to the plain port{name}: https:// where http:// belongs");
    }
}

impl Transport for Tls<Stream> {
    fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    fn session(&self) -> Option<&rustls::Connection> {
        Some(&self.session)
    }

    fn into_parts(self) -> (Stream, Option<rustls::Connection>) {
        (self.stream, Some(self.session))
    }

    fn goodbye(&mut self) {
        let _ = self.close();
    }
}

impl Transport for Stream {
    fn stream(&mut self) -> &mut Stream {
        self
    }

    fn session(&self) -> Option<&rustls::Connection> {
        None
    }

    fn into_parts(self) -> (Stream, Option<rustls::Connection>) {
        (self, None)
    }

    fn goodbye(&mut self) {}
}
