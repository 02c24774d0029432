//! From an introduction to a connection: one side waits at an address, the other connects, and both prove the very name that was
//! agreed on.

use super::Chat;
use padlock::chat::{Link, ToDirectory, of_user, server_name};
use padlock::error::{Error, Result, exit, of_system, printable};
use padlock::listener::{Stream, prepare};
use padlock::refusal;
use padlock::tls::Tls;
use padlock::trust::ClientAuth;
use padlock::wire::Socket;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// TCP and the handshake may each take so long.
const WITHIN: Duration = Duration::from_secs(10);

/// Who has accepted and where they wait, and where we wait for whom.
#[derive(Default)]
pub struct Offers {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    theirs: BTreeMap<String, SocketAddr>,
    ours: BTreeMap<String, Arc<TcpListener>>,
}

impl Offers {
    pub fn accepted(&self, from: &str, at: SocketAddr) {
        self.inner().theirs.insert(from.to_owned(), at);
    }

    /// Neither waits for the other any more.
    pub fn withdraw(&self, name: &str) {
        let mut inner = self.inner();
        inner.theirs.remove(name);
        if let Some(listener) = inner.ours.remove(name) {
            let _ = shutdown(&*listener, Shutdown::Both); // wakes the thread that waits
        }
    }

    /// Where we wait for `name`, if we do.
    fn waiting(&self, name: &str) -> Option<SocketAddr> {
        self.inner().ours.get(name)?.local_addr().ok()
    }

    /// Nobody waits at this listener any more.
    fn over(&self, name: &str, listener: &Arc<TcpListener>) {
        let mut inner = self.inner();
        if inner.ours.get(name).is_some_and(|ours| Arc::ptr_eq(ours, listener)) {
            inner.ours.remove(name);
        }
    }

    pub fn clear(&self) {
        let names: Vec<_> = self.inner().ours.keys().cloned().collect();
        names.iter().for_each(|name| self.withdraw(name));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chat {
    /// Opens a listener for `name` alone, on our own loopback address, and has the directory tell them where.
    pub fn accept(self: &Arc<Self>, name: &str) {
        // Agreed to twice: the first address is known already, and stays.
        if let Some(at) = self.offers.waiting(name) {
            return self.tell(&ToDirectory::Accept { to: name.to_owned(), at });
        }
        let number = self.number.load(Ordering::SeqCst);
        let own = self.args.listen.unwrap_or(IpAddr::V4(Ipv4Addr::new(127, 0, 0, number)));
        // Only Linux has all of 127.0.0.0/8 without being told.
        let bound = TcpListener::bind((own, 0)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let (listener, at) = match bound.and_then(|listener| listener.local_addr().map(|at| (Arc::new(listener), at))) {
            Ok(bound) => bound,
            Err(e) => return self.screen.line(&format!("can't wait for {}: {}", printable(name), of_system(&e))),
        };
        self.offers.inner().ours.insert(name.to_owned(), listener.clone());
        self.tell(&ToDirectory::Accept { to: name.to_owned(), at });
        let (this, name) = (self.clone(), name.to_owned());
        self.in_background(move || {
            this.await_peer(&name, &listener);
            this.offers.over(&name, &listener);
        });
    }

    /// Lets nobody but `name` in, and nobody after a while.
    fn await_peer(self: &Arc<Self>, name: &str, listener: &TcpListener) {
        let until = Instant::now() + self.args.accept_within;
        loop {
            let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok();
            match poll(&mut [PollFd::new(listener, PollFlags::IN)], left.as_ref()) {
                Ok(0) => return self.screen.line(&format!("{} did not connect in time.", printable(name))),
                Err(rustix::io::Errno::INTR) => continue,
                _ => {}
            }
            let Ok((socket, _)) = listener.accept() else { return }; // withdrawn
            match self.checked(name, socket) {
                Ok(tls) => return self.peers.begin(name, Link::new(tls), &self.own),
                Err(e) => self.screen.line(&printable(&format!("refused: {e}"))),
            }
        }
    }

    fn checked(&self, name: &str, socket: TcpStream) -> Result<Tls<Stream>> {
        let mut tls = self.own.welcome(stream(socket)?, self.args.client_auth)?;
        let chain = tls.session.peer_certificates().unwrap_or_default().to_vec();
        match of_user(&chain) {
            _ if chain.is_empty() && self.args.client_auth != ClientAuth::Require => Ok(tls),
            Some(who) if who == name => Ok(tls),
            who => {
                let _ = tls.close();
                Err(somebody_else(who.as_deref(), name))
            }
        }
    }

    /// Connects to somebody who has accepted.
    pub fn connect(self: &Arc<Self>, name: &str) {
        let Some(at) = self.offers.inner().theirs.remove(name) else {
            let name = printable(name);
            return self
                .screen
                .line(&format!("Either {name} has not accepted your chat request or you have not sent a chat request to {name}."));
        };
        let (this, name) = (self.clone(), name.to_owned());
        self.in_background(move || match this.dial(&name, at) {
            Ok(tls) => this.peers.begin(&name, Link::new(tls), &this.own),
            Err(e) => this.screen.line(&printable(&format!("refused: {e}"))),
        });
    }

    fn dial(&self, name: &str, at: SocketAddr) -> Result<Tls<Stream>> {
        let socket = TcpStream::connect_timeout(&at, WITHIN).map_err(|e| refusal::cannot_connect(&e, at))?;
        // Mallory's certificate is good, too. What counts is that it is not Bob's.
        self.own.handshake(stream(socket)?, server_name(name)?).map_err(|(e, chain)| match of_user(&chain) {
            Some(who) if who != name => somebody_else(Some(&who), name),
            _ => e,
        })
    }

    fn in_background(&self, job: impl FnOnce() + Send + 'static) {
        if thread::Builder::new().name("chat".into()).spawn(job).is_err() {
            self.screen.line("the system gives no more threads: end a chat first");
        }
    }
}

fn somebody_else(who: Option<&str>, expected: &str) -> Error {
    Error::new("wrong-name", format!("certificate is for {}, expected {expected}", who.unwrap_or("no user"))).exit(exit::VERIFY)
}

fn stream(socket: TcpStream) -> Result<Stream> {
    prepare(&socket).and_then(|()| Stream::new(Socket::from(Arc::new(socket)), WITHIN)).map_err(|e| refusal::client_session(&e.into()))
}
