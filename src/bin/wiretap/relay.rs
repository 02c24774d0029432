//! Passes on what each side says, unchanged, a thread for each direction.

use crate::view::{Column, View};
use padlock::{
    error::of_system,
    listener::Connection,
    wire::{Capture, Direction, Socket, Stranger},
};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

/// How long the server may take to answer the door.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// What is passed on at once: as much as a few records.
const PIECE: usize = 64 * 1024;

pub struct Relay {
    pub target: SocketAddr,
    pub view: Arc<View>,
    pub capture: Option<Arc<Capture>>,
}

impl Relay {
    /// One connection, until both sides have ended it.
    pub fn converse(&self, connection: Connection) {
        let Connection { mut stream, remote, pass } = connection;
        let column = Arc::new(self.view.column());
        if let Some(why) = pass.refused() {
            return column.say(Direction::Sent, &format!("(turned away: {why})"));
        }
        let server = match TcpStream::connect_timeout(&self.target, CONNECT_WITHIN) {
            Ok(server) => server,
            Err(e) => return column.say(Direction::Sent, &format!("(no server at {}: {})", self.target, of_system(&e))),
        };
        let told = column.clone();
        stream.watch(Arc::new(Stranger::new(move |direction, sight| told.tell(direction, &sight))));
        if let Some(capture) = &self.capture {
            stream.watch(capture.relay(remote, self.target));
        }
        if let Err(e) = pass_on(stream.into_socket(), server, &column) {
            column.say(Direction::Sent, &format!("(given up: {})", of_system(&e)));
        }
    }
}

/// Both directions at once. An end is passed on as well: who has said all may still listen.
fn pass_on(client: Socket, server: TcpStream, column: &Column) -> io::Result<()> {
    server.set_nodelay(true)?;
    // People think for as long as they like, and who reads slowly is waited for, as the network would.
    client.set_read_timeout(None)?;
    client.set_write_timeout(None)?;
    thread::scope(|scope| {
        let back = thread::Builder::new().name("relay".into()).spawn_scoped(scope, || answers(&client, &server))?;
        let there = questions(&client, &server);
        if there.is_err() {
            cut(&client, &server);
        }
        let back = back.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        if let Err(e) = there.and(back) {
            column.say(Direction::Received, &format!("(cut off: {})", of_system(&e)));
        }
        Ok(())
    })
}

fn questions(client: &Socket, mut server: &TcpStream) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match client.receive(&mut piece) {
            Ok(0) => {
                let _ = server.shutdown(Shutdown::Write); // if it is gone, the other direction knows why
                return Ok(());
            }
            Ok(n) => server.write_all(&piece[..n])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

fn answers(client: &Socket, mut server: &TcpStream) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut pass = || loop {
        match server.read(&mut piece) {
            Ok(0) => {
                let _ = client.finish();
                return Ok(());
            }
            Ok(n) => client.send_all(&piece[..n])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    };
    let ended = pass();
    if ended.is_err() {
        cut(client, server);
    }
    ended
}

/// One side is gone: so the other learns it, and no thread waits for what can't come.
fn cut(client: &Socket, server: &TcpStream) {
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
