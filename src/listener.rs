mod gate;
mod stream;

pub use gate::{Attach, Gate, Limits, Pass};
pub use stream::{Stream, farewell, prepare};

use crate::error::{Error, Result, of_system};
use rustix::io::Errno;
use std::{
    fs::File,
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// How many threads of one listener wait for a connection at most. A thread whose connection has ended takes the next one
/// instead of ending too: starting a thread costs half as much as a whole handshake. The system wakes the one that has waited
/// longest, whose stack has left the processor's cache, so more of them are slower again: a handshake costs 4 % more with 64.
const WAITING: usize = 16;
/// Room on the stack for a handshake, which needs about 40 KiB, and for HTTP. Unoptimised code needs a multiple.
const STACK: usize = if cfg!(debug_assertions) { 1024 } else { 256 } * 1024;
/// Connections that the kernel keeps for us while all threads are busy. It takes less if `net.core.somaxconn` is less.
const BACKLOG: i32 = 4096;
/// How long to wait when accepting fails for a reason that passes by itself.
const BREATH: Duration = Duration::from_millis(50);

/// A connection that was accepted, and the right to be here.
pub struct Connection {
    pub stream: Stream,
    pub remote: SocketAddr,
    pub pass: Pass,
}

/// A port that is ours. Nothing is accepted before [`Listener::serve`].
pub struct Listener {
    socket: Arc<TcpListener>,
    address: SocketAddr,
    /// A descriptor held back, so that there is one when the process has run out of them.
    spare: Option<File>,
}

impl Listener {
    /// Takes the address; port 0 lets the system pick one, see [`Listener::address`].
    pub fn bind(address: SocketAddr) -> Result<Listener> {
        let socket = TcpListener::bind(address).map_err(|e| taken(address, &e))?;
        let address = socket.local_addr().map_err(|e| taken(address, &e))?;
        // std asks for a backlog of 128; asking again replaces it.
        rustix::net::listen(&socket, BACKLOG).map_err(|e| taken(address, &e.into()))?;
        prepare(&socket).map_err(|e| taken(address, &e))?;
        Ok(Listener { socket: Arc::new(socket), address, spare: File::open("/dev/null").ok() })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs `converse` for each connection, on a thread that has no other. Returns at once; ends when the gate closes.
    pub fn serve(self, gate: &Arc<Gate>, converse: impl Fn(Connection) + Send + Sync + 'static) -> Result<()> {
        gate.guard(&self.socket);
        let desk = Desk {
            socket: self.socket,
            spare: Mutex::new(self.spare),
            gate: gate.clone(),
            waiting: AtomicUsize::new(0),
            converse: Box::new(converse),
        };
        if Arc::new(desk).hire() {
            return Ok(());
        }
        Err(Error::new("no-threads", "the system gives no thread to listen with")
            .hint("look at ulimit -u and the pids limit of this group"))
    }
}

/// What the threads of one listener share.
struct Desk {
    socket: Arc<TcpListener>,
    spare: Mutex<Option<File>>, // see [`Listener`]
    gate: Arc<Gate>,
    waiting: AtomicUsize,
    converse: Box<dyn Fn(Connection) + Send + Sync>,
}

impl Desk {
    /// One more thread that waits for a connection.
    fn hire(self: Arc<Self>) -> bool {
        thread::Builder::new().name("listener".into()).stack_size(STACK).spawn(move || self.work()).is_ok()
    }

    /// The life of such a thread: wait, make sure that somebody else waits now, converse, and wait again.
    fn work(self: Arc<Self>) {
        while self.waiting.fetch_add(1, Ordering::SeqCst) < WAITING {
            let mut accepted = self.socket.accept();
            let was_last = self.waiting.fetch_sub(1, Ordering::SeqCst) == 1;
            if self.gate.closed() {
                return;
            }
            if accepted.as_ref().is_err_and(out_of_descriptors) {
                if !was_last {
                    return; // the others have theirs already: accept(2) takes one before it waits
                }
                accepted = self.accept_with_the_spare();
            }
            match accepted {
                Ok((_, remote)) if was_last && !self.clone().hire() => {
                    // Conversing here would leave nobody to accept.
                    log::warn!(target: "listener", "{remote} turned away: the system gives no more threads");
                }
                Ok((socket, remote)) => self.admit(socket, remote),
                Err(e) => self.failed(&e),
            }
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Without a descriptor, accept(2) fails at once, whether somebody is there or not. So the spare one is given up for whoever
    /// comes next. If there is still no other by then, they are closed unheard: so they know, and do not wait in vain.
    fn accept_with_the_spare(&self) -> io::Result<(TcpStream, SocketAddr)> {
        *self.spare() = None;
        let (socket, remote) = self.socket.accept()?;
        let file = File::open("/dev/null").ok();
        if file.is_some() {
            *self.spare() = file;
            return Ok((socket, remote));
        }
        drop(socket);
        *self.spare() = File::open("/dev/null").ok();
        log::warn!(target: "listener", "{remote} turned away: out of file descriptors (ulimit -n)");
        Err(io::ErrorKind::Interrupted.into())
    }

    fn spare(&self) -> MutexGuard<'_, Option<File>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, socket: TcpStream, remote: SocketAddr) {
        let Some(pass) = self.gate.enter(socket, remote.ip()) else {
            log::warn!(target: "listener", "{remote} turned away without a word: there are more than {} connections", self.gate.limits().total);
            return;
        };
        match Stream::new(pass.socket(), self.gate.limits().handshake) {
            Ok(mut stream) => {
                self.gate.attach(&mut stream);
                (self.converse)(Connection { stream, remote, pass });
            }
            Err(e) => log::debug!(target: "listener", "{remote} was gone at once: {e}"),
        }
    }

    fn failed(&self, e: &io::Error) {
        let nothing_happened = matches!(Errno::from_io_error(e), Some(Errno::CONNABORTED)) || e.kind() == io::ErrorKind::Interrupted;
        if !nothing_happened {
            log::warn!(target: "listener", "accept failed: {}", of_system(e));
            thread::sleep(BREATH);
        }
    }
}

fn out_of_descriptors(e: &io::Error) -> bool {
    matches!(Errno::from_io_error(e), Some(Errno::MFILE | Errno::NFILE))
}

/// Why an address can't be ours.
fn taken(address: SocketAddr, e: &io::Error) -> Error {
    let port = address.port();
    match e.kind() {
        io::ErrorKind::AddrInUse => Error::new("port-busy", format!("port {port} on {} is taken by another program", address.ip()))
            .hint(format!("see who has it: ss -ltnp 'sport = :{port}'; or choose another: --port {}", port.wrapping_add(1).max(1024))),
        io::ErrorKind::PermissionDenied => {
            Error::new("port-denied", format!("port {port} is below 1024, and only the system's own may listen there"))
                .hint("choose a port from 1024 up: --port 1234")
        }
        io::ErrorKind::AddrNotAvailable => Error::new("no-such-address", format!("{} is no address of this machine", address.ip()))
            .hint("listen on one of its own: 127.0.0.1, or one that ip addr shows"),
        _ => Error::new("no-listen", format!("can't listen on {address}: {e}")),
    }
}

#[cfg(test)]
mod tests;
