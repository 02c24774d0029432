use super::Stream;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Connections past a limit that get a thread all the same, to be told why they are turned away. Any more are just closed.
const TOLD: usize = 64;
/// Connections that were ended to make room and are not gone yet. With more of them, newcomers are turned away.
const ENDING: usize = 64;

/// How much the server gives to strangers.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections in all. Each has a thread, and a thread takes two of the 65,530 memory mappings that Linux allows.
    pub total: usize,
    /// Connections from one address. Loopback does not count, unless this was set by hand (`strict`).
    pub per_address: usize,
    pub strict: bool,
    /// From accept to the end of the handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// Between two requests on one connection.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            total: 16_384,
            per_address: 256,
            strict: false,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(30),
        }
    }
}

/// Done with each stream before anything is read from it: [`Stream::watch`], say.
pub type Attach = Box<dyn Fn(&mut Stream) + Send + Sync>;

/// Counts who is inside, turns away who is too many, and ends the visit of all when the server stops.
pub struct Gate {
    limits: Limits,
    attach: Option<Attach>,
    closed: AtomicBool,
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Default)]
struct Inside {
    next: u64,
    count: usize,
    /// How many of them are only told that they can't stay.
    told: usize,
    addresses: HashMap<IpAddr, usize>,
    /// Sockets that may be told to stop reading. A conversation over WebSocket is not among them: it is told in its own words.
    sockets: HashMap<u64, Arc<TcpStream>>,
    /// Who has still to prove who they are, the oldest first, and how to end each.
    on_probation: BTreeMap<u64, End>,
    /// Who of them was ended, and has not gone yet.
    ending: HashSet<u64>,
    listeners: Vec<Arc<TcpListener>>,
}

type End = Box<dyn FnOnce() + Send>;

impl Gate {
    pub fn new(limits: Limits) -> Arc<Gate> {
        Gate::watched(limits, None)
    }

    /// As [`Gate::new`], with watchers attached to each stream that comes in.
    pub fn watched(limits: Limits, attach: Option<Attach>) -> Arc<Gate> {
        Arc::new(Gate { limits, attach, closed: AtomicBool::new(false), inside: Mutex::default(), left: Condvar::new() })
    }

    pub(super) fn attach(&self, stream: &mut Stream) {
        self.attach.iter().for_each(|attach| attach(stream));
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Stops all listeners, lets each connection finish what is under way, and waits until all are gone, `within` at most.
    /// Gives how many stayed.
    pub fn close(&self, within: Duration) -> usize {
        self.closed.store(true, Ordering::SeqCst);
        let mut inside = self.inside();
        for listener in inside.listeners.drain(..) {
            let _ = rustix::net::shutdown(&listener, rustix::net::Shutdown::Both); // its accept(2) returns
        }
        for socket in inside.sockets.values() {
            let _ = socket.shutdown(Shutdown::Read); // its next recv(2) says: end
        }
        let (inside, _) = self.left.wait_timeout_while(inside, within, |inside| inside.count > 0).unwrap_or_else(PoisonError::into_inner);
        inside.count
    }

    /// Remembers a listener, to wake its threads when the gate closes.
    pub(super) fn guard(&self, listener: &Arc<TcpListener>) {
        self.inside().listeners.push(listener.clone());
    }

    /// Lets a connection in. `None`: there are so many that it can't even be told. When the house is full, who has been on
    /// probation for longest goes, so that strangers who say nothing can't keep everybody else out.
    pub(super) fn enter(self: &Arc<Self>, socket: TcpStream, address: IpAddr) -> Option<Pass> {
        let mut inside = self.inside();
        if self.closed() {
            return None;
        }
        let counted = self.limits.strict || !address.is_loopback();
        let neighbours = if counted { inside.addresses.get(&address).copied().unwrap_or(0) } else { 0 };
        let full = inside.count - inside.told - inside.ending.len() >= self.limits.total;
        let ended = if full && inside.ending.len() < ENDING { inside.on_probation.pop_first() } else { None };
        let refused = if full && ended.is_none() {
            Some(format!("the server has as many connections as it takes: {}", self.limits.total))
        } else if neighbours >= self.limits.per_address {
            Some(format!("{address} has as many connections as one address gets: {neighbours}"))
        } else {
            None
        };
        if refused.is_some() {
            if inside.told == TOLD {
                return None;
            }
            inside.told += 1;
        }
        let socket = Arc::new(socket);
        let id = inside.next;
        inside.next += 1;
        inside.count += 1;
        if counted {
            *inside.addresses.entry(address).or_default() += 1;
        }
        inside.sockets.insert(id, socket.clone());
        inside.ending.extend(ended.as_ref().map(|(id, _)| *id));
        drop(inside);
        if let Some((_, end)) = ended {
            end();
        }
        Some(Pass { gate: self.clone(), id, socket, address: counted.then_some(address), refused })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right of one connection to be inside. It ends when this is dropped.
pub struct Pass {
    gate: Arc<Gate>,
    id: u64,
    socket: Arc<TcpStream>,
    address: Option<IpAddr>,
    refused: Option<String>,
}

impl Pass {
    /// Why this connection gets no service, if so. It may be told (`503`), and has to go.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub fn socket(&self) -> &Arc<TcpStream> {
        &self.socket
    }

    /// From here on the connection ends by its own rules: the gate no longer cuts its reading short.
    pub fn converses(&self) {
        self.gate.inside().sockets.remove(&self.id);
    }

    /// This connection has not said who it is. Should the house be full before it does, it may be ended for a newcomer's sake, by
    /// `end`, which must not wait.
    pub fn on_probation(&self, end: impl FnOnce() + Send + 'static) {
        let before = self.gate.inside().on_probation.insert(self.id, Box::new(end));
        drop(before); // outside the lock
    }

    /// It has said who it is. False when it was ended before that.
    pub fn proven(&self) -> bool {
        let mut inside = self.gate.inside();
        let end = inside.on_probation.remove(&self.id);
        let stays = !inside.ending.contains(&self.id);
        drop(inside);
        drop(end);
        stays
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.sockets.remove(&self.id);
        inside.ending.remove(&self.id);
        let end = inside.on_probation.remove(&self.id);
        inside.count -= 1;
        if self.refused.is_some() {
            inside.told -= 1;
        }
        if let Some(address) = self.address
            && let Some(n) = inside.addresses.get_mut(&address)
        {
            *n -= 1;
            if *n == 0 {
                inside.addresses.remove(&address);
            }
        }
        let empty = inside.count == 0;
        drop(inside);
        drop(end);
        if empty {
            self.gate.left.notify_all();
        }
    }
}
