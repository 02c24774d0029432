//! The man in the middle: two sessions of TLS, one with each side, and every word in the clear between them. It only works if the
//! client believes the certificate that it is shown.

use crate::{
    attacker::{self, Mitm},
    options::Options,
    view::{Column, View},
};
use padlock::{
    authority::Places,
    error::{Error, Result},
    listener::{Connection, Stream, farewell},
    refusal,
    tls::{self, Failure, Settings, Tls},
    trust::Trust,
    wire::{Direction, Stranger, Watcher},
};
use rustix::event::{PollFd, PollFlags, poll};
use rustls::{ClientConfig, ServerConfig, pki_types::ServerName};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

/// How long the server may take to answer the door, and to prove its name.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// What is deciphered at once: a record.
const PIECE: usize = 16 * 1024;
/// Nobody converses for so long in a lab.
const AT_MOST: Duration = Duration::from_secs(3600);

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
        let Connection { stream, pass: _pass, .. } = connection;
        let column = Arc::new(self.view.column());
        let client = match tls::accept(stream, &self.server) {
            Ok(client) => client,
            Err((failure, stream)) => {
                column.say(Direction::Received, &format!("({})", refusal::server_side(&failure)));
                return farewell(stream.socket());
            }
        };
        match self.server() {
            Ok(server) => Between { client, server, column }.converse(),
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

/// Both sessions of one connection.
struct Between {
    client: Tls<Stream>,
    server: Tls<Stream>,
    column: Arc<Column>,
}

impl Between {
    fn converse(mut self) {
        let told = self.column.clone();
        let stranger = Stranger::new(move |direction, sight| told.tell(direction, &sight));
        if let Err(failure) = self.pass_on(&stranger) {
            self.column.say(Direction::Received, &format!("({})", refusal::server_session(&failure)));
        }
        for side in [&mut self.client, &mut self.server] {
            let _ = side.close();
        }
        farewell(self.client.stream.socket());
    }

    /// Whoever has something to say is heard; until one side has said its last.
    fn pass_on(&mut self, stranger: &Stranger) -> Result<(), Failure> {
        for side in [&mut self.client, &mut self.server] {
            side.stream.expect(AT_MOST, AT_MOST);
        }
        loop {
            let over = pass(&mut self.client, &mut self.server, stranger, Direction::Received)?
                || pass(&mut self.server, &mut self.client, stranger, Direction::Sent)?;
            if over {
                return Ok(());
            }
            let (client, server) = (self.client.stream.socket(), self.server.stream.socket());
            let mut sides = [PollFd::new(&*client.stream, PollFlags::IN), PollFd::new(&*server.stream, PollFlags::IN)];
            match poll(&mut sides, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(Failure::Io(e.into())),
            }
            let ready = sides.map(|side| !side.revents().is_empty());
            for (side, ready) in [&mut self.client, &mut self.server].into_iter().zip(ready) {
                if ready {
                    hear(side)?;
                }
            }
        }
    }
}

/// One read from the socket, which has something.
fn hear(side: &mut Tls<Stream>) -> Result<(), Failure> {
    if side.session.read_tls(&mut side.stream).map_err(Failure::Io)? == 0 {
        return Err(Failure::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    side.session.process_new_packets().map(drop).map_err(Failure::Tls)
}

/// Passes on what has been deciphered. True when the side has said its last.
fn pass(from: &mut Tls<Stream>, to: &mut Tls<Stream>, stranger: &Stranger, direction: Direction) -> Result<bool, Failure> {
    let mut piece = [0; PIECE];
    loop {
        match from.session.reader().read(&mut piece) {
            Ok(0) => {
                stranger.ended(direction);
                return Ok(true);
            }
            Ok(n) => {
                stranger.seen(direction, &piece[..n]);
                to.write_all(&piece[..n]).map_err(Failure::Io)?;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(e) => return Err(Failure::Io(e)),
        }
    }
}
