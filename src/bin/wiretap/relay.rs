//! Passes on what each side says, unchanged.

use crate::{
    pair::{Pair, Side, reset},
    view::View,
};
use padlock::{
    error::of_system,
    listener::{Connection, prepare},
    tls::Failure,
    wire::{Capture, Direction, Stranger},
};
use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

/// How long the server may take to answer the door.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

pub struct Relay {
    pub target: SocketAddr,
    pub view: Arc<View>,
    pub capture: Option<Arc<Capture>>,
}

impl Relay {
    /// One connection, until both sides have ended it. Whoever breaks it off breaks it off for the other, too.
    pub fn converse(&self, connection: Connection) {
        let Connection { mut stream, remote, pass } = connection;
        let column = Arc::new(self.view.column());
        if pass.refused().is_some() {
            column.turned_away(self.target);
            return reset(stream.socket());
        }
        let server = match TcpStream::connect_timeout(&self.target, CONNECT_WITHIN).and_then(|server| prepare(&server).map(|()| server)) {
            Ok(server) => Arc::new(server),
            Err(e) => {
                column.say(Direction::Sent, &format!("(no server at {}: {})", self.target, of_system(&e)));
                return reset(stream.socket());
            }
        };
        let told = column.clone();
        stream.watch(Arc::new(Stranger::new(move |direction, sight| told.tell(direction, &sight))));
        if let Some(capture) = &self.capture {
            stream.watch(capture.relay(remote, self.target));
        }
        let mut pair = Pair::new(Side::plain(stream.into_socket()), Side::plain(server.into()));
        if let Err(broken) = pair.converse()
            && let Failure::Io(e) = broken.why
        {
            pair.client.socket.broke(broken.speaker);
            column.say(broken.speaker, &format!("(cut off: {})", of_system(&e)));
            [&pair.client, &pair.server].iter().for_each(|side| reset(&side.socket));
        }
    }
}
