//! The hello service: lines over bare TLS, between two sides that both have proved a name.

use crate::{door, identity::Side};
use padlock::{
    error::printable,
    listener::{Connection, Pass, Stream, farewell},
    mutual, refusal,
    tls::{self, Facts, Tls},
};
use std::{io, net::SocketAddr, time::Duration};

/// People think between two lines, but not for so long.
const IDLE: Duration = Duration::from_secs(600);

/// One connection, from its first byte to its last.
pub fn converse(connection: Connection, side: &Side) {
    let Connection { stream, remote, pass } = connection;
    let mut tls = match tls::accept(stream, &side.config()) {
        Ok(tls) => tls,
        Err((failure, stream)) => {
            door::tell(remote, &refusal::server_side(&failure));
            return farewell(stream.socket());
        }
    };
    match greet(&mut tls, remote, &pass) {
        Ok(()) => drop(tls.close()),
        Err(_) if pass.gate().closed() => drop(tls.close()), // it was us who ended the reading
        Err(e) => log::info!(target: "mutual", "{remote}: {}", refusal::server_session(&e.into())),
    }
    farewell(tls.stream.socket());
}

fn greet(tls: &mut Tls<Stream>, remote: SocketAddr, pass: &Pass) -> io::Result<()> {
    let facts = Facts::of(&tls.session);
    let who = mutual::name_of(&facts.peer_chain).map_err(io::Error::other)?;
    match &who {
        Some(name) => log::info!(target: "mutual", "{remote} is {}", printable(name)),
        None => log::info!(target: "mutual", "{remote} showed no certificate: a stranger"),
    }
    if let Some(why) = pass.refused() {
        log::warn!(target: "mutual", "{remote} turned away: {why}");
        return io::Write::write_all(tls, format!("refused: {why}\n").as_bytes());
    }
    tls.stream.expect(IDLE, IDLE);
    if let Some(why) = mutual::hello(tls, who.as_deref(), || pass.gate().closed())? {
        log::warn!(target: "mutual", "{remote} refused: {why}");
    }
    Ok(())
}
