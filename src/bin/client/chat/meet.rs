//! From an introduction to a connection: one side waits at an address, the other connects, and both prove the very name that was
//! agreed on.

use super::Chat;
use crate::options::{self, Options};
use padlock::certificate::Identity;
use padlock::chat::{Link, ToDirectory, of_user, server_name};
use padlock::error::{Error, Result, exit, of_system, printable};
use padlock::listener::{Stream, farewell, prepare};
use padlock::refusal;
use padlock::tls::{self, Failure, Settings, Tls};
use padlock::trust::{ClientAuth, Presented, Trust};
use padlock::wire::{End, Socket};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown};
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// TCP and the handshake may each take so long.
const WITHIN: Duration = Duration::from_secs(10);

/// Who we are, and whom we believe about others.
pub struct Own {
    who: Identity,
    settings: Settings,
    watch: Option<padlock::listener::Attach>,
    trust: Mutex<Trust>,
}

impl Own {
    /// The identity that `enrol` made, or the one of `--cert` and `--key`.
    ///
    /// # Errors
    /// There is none, or it can't be used.
    pub fn new(options: &Options, args: &options::Chat) -> Result<Own> {
        let places = options.places();
        let (chain, key) = match (&options.cert, &options.key) {
            (Some(cert), Some(key)) => (cert.clone(), key.clone()),
            _ => places.user(&args.name),
        };
        if !chain.exists() {
            return Err(Error::new(
                "no-certificate",
                format!("{} has no certificate here: {} is missing", printable(&args.name), chain.display()),
            )
            .hint(format!(
                "ask the authority for one: ./client enrol {0} (or, on the authority's machine, ./ca sign user {0})",
                printable(&args.name)
            ))
            .exit(exit::OWN_CERTIFICATE));
        }
        options.record.begin()?;
        let who = Identity::load(&chain, &key)?;
        let mut trust = Trust::lab(&places)?;
        let list = places.crl("intermediate");
        if !args.no_crl && list.exists() {
            trust = trust.and_revoked_by(&list)?;
        }
        Ok(Own { who, settings: options.tls(None)?, watch: options.record.watcher(End::Client), trust: Mutex::new(trust) })
    }

    /// Connects to `host`, which has to prove that name.
    ///
    /// # Errors
    /// Whatever [`refusal`] explains.
    pub fn connect(&self, stream: Stream, host: &str) -> Result<Tls<Stream>> {
        let name = crate::dial::name(host)?;
        self.handshake(stream, name).map_err(|(e, _)| e)
    }

    fn handshake(&self, mut stream: Stream, name: ServerName<'static>) -> Result<Tls<Stream>, (Error, Vec<CertificateDer<'static>>)> {
        let (trust, presented) = (self.trust().clone(), Presented::default());
        self.watch.iter().for_each(|watch| watch(&mut stream));
        let config = tls::client(Some(&self.who), &trust, presented.clone(), &self.settings).map_err(|e| (e, Vec::new()))?;
        tls::connect(stream, name.clone(), &config).map_err(|(failure, stream)| {
            farewell(stream.socket());
            let error = refusal::client_side(&failure, &name, &presented, &trust);
            (error, presented.lock().unwrap_or_else(PoisonError::into_inner).clone())
        })
    }

    /// Waits for whoever comes to prove a name; or not, as `how` says.
    fn welcome(&self, mut stream: Stream, how: ClientAuth) -> Result<Tls<Stream>> {
        self.watch.iter().for_each(|watch| watch(&mut stream));
        let config = tls::server(&self.who, Some((&self.trust().clone(), how)), &self.settings)?;
        tls::accept(stream, &config).map_err(|(failure, stream)| {
            farewell(stream.socket());
            refusal::server_side(&failure)
        })
    }

    /// From now on nobody on this list is believed. Whoever sends it, the authority has signed it, and it is no older than ours.
    ///
    /// # Errors
    /// It is no revocation list, not the authority's, or an old one.
    pub fn believe_no_more(&self, list: &str) -> Result<()> {
        let mut trust = self.trust();
        let newer = trust.without_lists().and_revoked(list.as_bytes(), "the directory's list")?;
        // The signature on a list is looked at together with a chain. Ours will do.
        match judge(&newer, &self.who.chain) {
            Ok(()) | Err(rustls::Error::InvalidCertificate(CertificateError::Revoked)) => {}
            Err(e) => return Err(refusal::server_side(&Failure::Tls(e))),
        }
        let until = |trust: &Trust| self.who.chain.first().and_then(|leaf| trust.list_of_issuer(leaf)?.next_update);
        if until(&newer) < until(&trust) {
            return Err(Error::new("old-crl", "the list is older than the one that we have"));
        }
        *trust = newer;
        Ok(())
    }

    /// Why this chain is believed no more, if so.
    pub fn refuses(&self, chain: &[CertificateDer<'static>]) -> Option<Error> {
        judge(&self.trust(), chain).err().map(|e| refusal::server_side(&Failure::Tls(e)))
    }

    fn trust(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn judge(trust: &Trust, chain: &[CertificateDer<'static>]) -> std::result::Result<(), rustls::Error> {
    let (leaf, others) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
    let judge = trust.judge_clients(ClientAuth::Require).map_err(|e| rustls::Error::General(e.cause))?;
    judge.verify_client_cert(leaf, others, UnixTime::now()).map(drop)
}

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
