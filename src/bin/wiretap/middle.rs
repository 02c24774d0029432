//! The man in the middle: two sessions of TLS, one with each side, and every word in the clear between them. It only works if the
//! client believes the certificate that it is shown.

use crate::{
    attacker::{self, Mitm},
    options::Options,
    pair::{Broken, Pair, Side, reset},
    view::{Column, View},
};
use padlock::{
    authority::Places,
    error::{Error, Result},
    listener::{Connection, Stream, farewell},
    refusal,
    tls::{self, Failure, Settings, Tls},
    trust::Trust,
    wire::{Direction, Stranger},
};
use rustls::{ClientConfig, ServerConfig, pki_types::ServerName};
use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

/// How long the server may take to answer the door, and to prove its name.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

pub struct Middle {
    how: Mitm,
    target: SocketAddr,
    places: Places,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    view: Arc<View>,
}

impl Middle {
    /// # Errors
    /// The lab has no certificates yet, or the attacker's can't be made.
    pub fn new(how: Mitm, options: &Options, target: SocketAddr, view: Arc<View>) -> Result<Middle> {
        let places = options.places();
        let settings = Settings { allow_tls12: true, alpn: vec![b"http/1.1".to_vec()], ..Settings::default() };
        let server = tls::server(&how.identity(&places)?, None, &settings)?;
        // Towards the server the attacker is an honest client: even a thief wants to know where it gets its goods.
        let client = tls::client(None, &Trust::lab(&places)?, Default::default(), &settings)?;
        Ok(Middle { how, target, places, server, client, view })
    }

    /// What the reader has to do for the attack to succeed, and to be safe afterwards.
    pub fn hint(&self, here: SocketAddr) -> Option<String> {
        let root = attacker::root(&self.places);
        let believe = || format!("hint: now fall for it: ./client --cacert {} wss://localhost:{}/", root.display(), here.port());
        (self.how == Mitm::Trusted).then(believe)
    }

    pub fn converse(&self, connection: Connection) {
        let Connection { stream, pass, .. } = connection;
        let column = Arc::new(self.view.column());
        if pass.refused().is_some() {
            column.turned_away(self.target);
            return reset(stream.socket());
        }
        let client = match tls::accept(stream, &self.server) {
            Ok(client) => client,
            Err((failure, stream)) => {
                column.say(Direction::Received, &format!("({})", refusal::server_side(&failure)));
                return farewell(stream.socket());
            }
        };
        match self.server() {
            Ok(server) => between(client, server, &column),
            Err(e) => column.say(Direction::Sent, &format!("({e})")),
        }
    }

    /// A session with the true server.
    fn server(&self) -> Result<Tls<Stream>> {
        let unreachable = |e: io::Error| refusal::cannot_connect(&e, self.target);
        let socket = Arc::new(TcpStream::connect_timeout(&self.target, CONNECT_WITHIN).map_err(unreachable)?);
        socket.set_nodelay(true).map_err(unreachable)?;
        let stream = Stream::new(&socket, CONNECT_WITHIN).map_err(unreachable)?;
        let name = ServerName::try_from("localhost").map_err(|_| Error::new("bad-name", "localhost is no name"))?;
        tls::connect(stream, name, &self.client).map_err(|(failure, _)| refusal::client_session(&failure))
    }
}

/// Passes on what is in the sessions, and how each ends: who said close_notify may still listen.
fn between(client: Tls<Stream>, server: Tls<Stream>, column: &Arc<Column>) {
    let (mut client, told) = (Side::sealed(client), column.clone());
    client.socket.watch(Arc::new(Stranger::new(move |direction, sight| told.tell(direction, &sight))));
    let mut pair = Pair::new(client, Side::sealed(server));
    let Err(Broken { speaker, why }) = pair.converse() else { return };
    column.say(speaker, &format!("({})", refusal::server_session(&why)));
    match why {
        Failure::Io(_) => [&pair.client, &pair.server].iter().for_each(|side| reset(&side.socket)),
        Failure::Tls(_) => farewell(&pair.client.socket), // it may have an alert to read
    }
}
