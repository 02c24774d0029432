//! The hello service: lines over bare TLS, between two sides that both have proved a name.

use crate::{
    door,
    identity::{self, Side},
    options::Options,
};
use padlock::{
    certificate::Identity,
    error::{Result, printable},
    listener::{Connection, Pass, Stream, farewell},
    mutual, refusal,
    tls::{self, Facts, Tls},
    trust::{ClientAuth, Trust},
};
use rustls::{ServerConfig, pki_types::CertificateDer};
use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    os::fd::{AsRawFd, RawFd},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

/// People think between two lines, but not for so long.
const IDLE: Duration = Duration::from_secs(600);

/// The hello service: what all its connections share.
pub struct Hello {
    options: Arc<Options>,
    pub side: Side,
    /// Whoever converses now and has shown a certificate, by the descriptor of the socket.
    guests: Mutex<BTreeMap<RawFd, Arc<Guest>>>,
}

struct Guest {
    name: String,
    leaf: CertificateDer<'static>,
    socket: Arc<TcpStream>,
    /// Why they have to go, if so.
    out: OnceLock<String>,
}

impl Hello {
    pub fn new(options: &Arc<Options>, who: &Identity) -> Result<Hello> {
        Ok(Hello { options: options.clone(), side: Side::new(options, who, ClientAuth::Require, &[])?, guests: Mutex::default() })
    }

    /// One connection, from its first byte to its last.
    pub fn converse(&self, connection: Connection) {
        let Connection { stream, remote, pass } = connection;
        let config = self.side.config();
        let mut tls = match tls::accept(stream, &config) {
            Ok(tls) => tls,
            Err((failure, stream)) => {
                door::tell(remote, &refusal::server_side(&failure));
                return farewell(stream.socket());
            }
        };
        match self.greet(&mut tls, remote, &pass, &config) {
            Ok(()) => drop(tls.close()),
            Err(_) if pass.gate().closed() => drop(tls.close()), // it was us who ended the reading
            Err(e) => log::info!(target: "mutual", "{remote}: {}", refusal::server_session(&e.into())),
        }
        farewell(tls.stream.socket());
    }

    fn greet(&self, tls: &mut Tls<Stream>, remote: SocketAddr, pass: &Pass, config: &Arc<ServerConfig>) -> io::Result<()> {
        let facts = Facts::of(&tls.session);
        let who = mutual::name_of(&facts.peer_chain).map_err(io::Error::other)?;
        match &who {
            Some(name) => log::info!(target: "mutual", "{remote} is {}", printable(name)),
            None => log::info!(target: "mutual", "{remote} showed no certificate: a stranger"),
        }
        if let Some(why) = pass.refused() {
            log::warn!(target: "mutual", "{remote} turned away: {why}");
            return tls.write_all(format!("refused: {why}\n").as_bytes());
        }
        tls.stream.expect(IDLE, IDLE);
        let leaf = facts.peer_chain.first().cloned();
        let guest = who.clone().zip(leaf).map(|(name, leaf)| self.enter(name, leaf, pass.socket(), config));
        let out = || guest.as_ref().and_then(|guest| guest.out.get());
        let ended = mutual::hello(tls, who.as_deref(), || pass.gate().closed() || out().is_some());
        self.guests().remove(&pass.socket().as_raw_fd());
        if let Some(why) = out() {
            log::warn!(target: "mutual", "{remote} is out: {}", printable(why));
            return tls.write_all(format!("refused: {why}\n").as_bytes());
        }
        if let Some(why) = ended? {
            log::warn!(target: "mutual", "{remote} refused: {why}");
        }
        Ok(())
    }

    /// From now on `name` is looked at again with every new list.
    fn enter(&self, name: String, leaf: CertificateDer<'static>, socket: &Arc<TcpStream>, config: &Arc<ServerConfig>) -> Arc<Guest> {
        let guest = Arc::new(Guest { name, leaf, socket: socket.clone(), out: OnceLock::new() });
        self.guests().insert(socket.as_raw_fd(), guest.clone());
        // A list that came during the handshake, which believed what was so before it.
        if !Arc::ptr_eq(config, &self.side.config()) {
            identity::look(&self.options, |trust| guest.look_again(trust));
        }
        guest
    }

    /// The authority has signed a new list: whoever is on it goes.
    pub fn look_again(&self, trust: &Trust) {
        self.guests().values().for_each(|guest| guest.look_again(trust));
    }

    fn guests(&self) -> MutexGuard<'_, BTreeMap<RawFd, Arc<Guest>>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    fn look_again(&self, trust: &Trust) {
        if let Some(why) = identity::taken_back(trust, &self.name, &self.leaf)
            && self.out.set(why).is_ok()
        {
            let _ = self.socket.shutdown(Shutdown::Read); // whatever is read next is the end
        }
    }
}
