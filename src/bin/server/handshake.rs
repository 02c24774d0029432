//! The handshake of each connection, kept until the page that shows it has been asked for, and for nobody else.

use padlock::{
    listener::Stream,
    tls::{self, Failure, Tls},
    wire::{Recording, Speaker, several},
};
use rustls::{KeyLog, ServerConfig, server::ClientHello};
use std::{io, sync::Arc};

/// The handshake of the connection that holds this; nothing, when the server does not illustrate.
#[derive(Default)]
pub struct Handshake(Option<Arc<Recording>>);

impl Handshake {
    /// From now on, what passes over `stream` is kept.
    pub fn watch(stream: &mut Stream) -> Handshake {
        let recording = Recording::new(Speaker::Server);
        stream.watch(recording.clone());
        Handshake(Some(recording))
    }

    /// [`tls::accept_by`], with the secrets of this one session kept beside its bytes.
    pub fn accept(&self, stream: Stream, choose: impl FnOnce(&ClientHello<'_>) -> Arc<ServerConfig>) -> Result<Tls<Stream>, Failure> {
        let Some(recording) = &self.0 else { return tls::accept_by(stream, choose).map_err(|(failure, _)| failure) };
        let own = |hello: &ClientHello<'_>| {
            let config = choose(hello);
            let mut own = ServerConfig::clone(&config);
            if let Some(log) = several([config.key_log.clone(), recording.clone() as Arc<dyn KeyLog>]) {
                own.key_log = log;
            }
            Arc::new(own)
        };
        let (accepted, shared) = tls::overhear(|| tls::accept_by(stream, own).map_err(|(failure, _)| failure));
        recording.shared(shared);
        accepted
    }

    /// The handshake is over, and nobody has asked for it yet: what follows is not kept.
    pub fn is_over(&self) {
        self.0.iter().for_each(|recording| recording.enough());
    }

    /// Drops bytes and secrets.
    pub fn forget(&self) {
        self.0.iter().for_each(|recording| recording.forget());
    }

    /// What is kept, the ticket included: it would leave with the answer, so it is sent now. `None`: there is nothing any more.
    pub fn kept(&self, tls: &mut Tls<Stream>) -> Option<padlock::wire::Kept> {
        let recording = self.0.as_ref()?;
        let sent: io::Result<()> = tls.send();
        sent.ok().and_then(|()| recording.kept())
    }
}
