//! Lets the two sides' shared secret be seen, for whoever explains their own handshake (see [`wire`](crate::wire)).
//!
//! No key log holds that secret: all others follow from it. A serious program never asks for it.

use rustls::crypto::{ActiveKeyExchange, CompletedKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup, aws_lc_rs};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, ProtocolVersion, SupportedProtocolVersion};
use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

thread_local! {
    /// What was agreed on while somebody on this thread listens. A handshake has its thread for itself.
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Does `handshake`, and gives what its key shares agreed on, if its [`Settings`](super::Settings) let it be overheard.
pub fn overhear<T>(handshake: impl FnOnce() -> T) -> (T, Option<Vec<u8>>) {
    HEARD.set(Some(Vec::new()));
    let done = handshake();
    (done, HEARD.take().filter(|secret| !secret.is_empty()))
}

fn tell(secret: &SharedSecret) {
    HEARD.with_borrow_mut(|heard| {
        if let Some(heard) = heard {
            *heard = secret.secret_bytes().to_vec();
        }
    });
}

/// The library's cryptography, with groups that can be overheard if `overheard`.
pub(super) fn provider(overheard: bool) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if overheard {
        provider.kx_groups = GROUPS.iter().map(|group| group as &dyn SupportedKxGroup).collect();
    }
    Arc::new(provider)
}

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| aws_lc_rs::default_provider().kx_groups.into_iter().map(Group).collect());

/// A group that does all as another does, and tells.
#[derive(Debug)]
struct Group(&'static dyn SupportedKxGroup);

impl SupportedKxGroup for Group {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Exchange(self.0.start()?)))
    }

    fn start_and_complete(&self, theirs: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let done = self.0.start_and_complete(theirs)?;
        tell(&done.secret);
        Ok(done)
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        self.0.ffdhe_group()
    }

    fn name(&self) -> NamedGroup {
        self.0.name()
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        self.0.usable_for_version(version)
    }
}

struct Exchange(Box<dyn ActiveKeyExchange>);

fn told(secret: Result<SharedSecret, Error>) -> Result<SharedSecret, Error> {
    secret.inspect(tell)
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, theirs: &[u8]) -> Result<SharedSecret, Error> {
        told(self.0.complete(theirs))
    }

    fn complete_for_tls_version(self: Box<Self>, theirs: &[u8], version: &SupportedProtocolVersion) -> Result<SharedSecret, Error> {
        told(self.0.complete_for_tls_version(theirs, version))
    }

    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        self.0.hybrid_component()
    }

    fn complete_hybrid_component(self: Box<Self>, theirs: &[u8]) -> Result<SharedSecret, Error> {
        told(self.0.complete_hybrid_component(theirs))
    }

    fn pub_key(&self) -> &[u8] {
        self.0.pub_key()
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        self.0.ffdhe_group()
    }

    fn group(&self) -> NamedGroup {
        self.0.group()
    }
}
