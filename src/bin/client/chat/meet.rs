//! From an introduction to a connection: one side waits at an address, the other connects, and both prove the very name that was
//! agreed on.

use super::Chat;
use padlock::chat::{Link, ToDirectory, of_user, server_name};
use padlock::error::{Error, Result, exit, of_system, printable};
use padlock::listener::{Stream, prepare};
use padlock::refusal;
use padlock::tls::Tls;
use padlock::trust::ClientAuth;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::shutdown;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// TCP and the handshake may each take so long.
const WITHIN: Duration = Duration::from_secs(10);
/// So many may knock at a port at once. Whoever was invited is through in some milliseconds; strangers who say nothing stay, and
/// with one more the first of them has to go.
const KNOCKING: usize = 64;

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
            let _ = shutdown(&*listener, rustix::net::Shutdown::Both); // wakes the thread that waits
        }
    }

    /// Where we wait for `name`, if we do.
    fn waiting(&self, name: &str) -> Option<SocketAddr> {
        self.inner().ours.get(name)?.local_addr().ok()
    }

    /// Nobody waits at this listener any more. False when that was so before: they are here, or were withdrawn.
    fn over(&self, name: &str, listener: &Arc<TcpListener>) -> bool {
        let mut inner = self.inner();
        let ours = inner.ours.get(name).is_some_and(|ours| Arc::ptr_eq(ours, listener));
        if ours {
            inner.ours.remove(name);
            let _ = shutdown(&**listener, rustix::net::Shutdown::Both); // as well
        }
        ours
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
            let why = this.await_peer(&name, &listener);
            if this.offers.over(&name, &listener) {
                this.screen.line(&format!("{} {why}.", printable(&name)));
            }
        });
    }

    /// Lets nobody but `name` in, and nobody after a while. Each who knocks has a thread, so that nobody waits for another. Gives why
    /// they are waited for no more.
    fn await_peer(self: &Arc<Self>, name: &str, listener: &Arc<TcpListener>) -> String {
        let until = Instant::now() + self.args.accept_within;
        let mut knocking: VecDeque<(Weak<TcpStream>, JoinHandle<()>)> = VecDeque::new();
        loop {
            let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok();
            match poll(&mut [PollFd::new(listener, PollFlags::IN)], left.as_ref()) {
                Ok(0) => return "did not connect in time".into(),
                Err(rustix::io::Errno::INTR) => continue,
                _ => {}
            }
            let socket = match listener.accept() {
                Ok((socket, _)) => Arc::new(socket),
                Err(e) => return format!("can't be waited for: {}", of_system(&e)), // they are here, or were withdrawn, and nobody asks why
            };
            if knocking.len() == KNOCKING
                && let Some((first, thread)) = knocking.pop_front()
            {
                first.upgrade().map(|socket| socket.shutdown(Shutdown::Both));
                let _ = thread.join(); // at once: its socket says nothing more
            }
            let (this, whom, ours, first) = (self.clone(), name.to_owned(), listener.clone(), Arc::downgrade(&socket));
            match self.in_background(move || this.let_in(&whom, &ours, socket)) {
                Some(thread) => knocking.push_back((first, thread)),
                None => return "can't be waited for".into(),
            }
        }
    }

    fn let_in(&self, name: &str, listener: &Arc<TcpListener>, socket: Arc<TcpStream>) {
        match self.checked(name, socket) {
            Ok(mut tls) if !self.offers.over(name, listener) => drop(tls.close()), // twice, or too late
            Ok(tls) => self.peers.begin(name, Link::new(tls), &self.own),
            Err(e) => self.screen.line(&printable(&format!("refused: {e}"))),
        }
    }

    fn checked(&self, name: &str, socket: Arc<TcpStream>) -> Result<Tls<Stream>> {
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
        self.own.handshake(stream(Arc::new(socket))?, server_name(name)?).map_err(|(e, chain)| match of_user(&chain) {
            Some(who) if who != name => somebody_else(Some(&who), name),
            _ => e,
        })
    }

    fn in_background(&self, job: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
        let spawned = thread::Builder::new().name("chat".into()).spawn(job);
        spawned.inspect_err(|_| self.screen.line("the system gives no more threads: end a chat first")).ok()
    }
}

fn somebody_else(who: Option<&str>, expected: &str) -> Error {
    Error::new("wrong-name", format!("certificate is for {}, expected {expected}", who.unwrap_or("no user"))).exit(exit::VERIFY)
}

fn stream(socket: Arc<TcpStream>) -> Result<Stream> {
    prepare(&*socket).and_then(|()| Stream::new(socket, WITHIN)).map_err(|e| refusal::client_session(&e.into()))
}
