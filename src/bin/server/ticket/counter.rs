//! Where tickets are shown: whose is this one?

use padlock::{
    error::{Error, Result},
    ticket::Auth,
};
use std::{
    net::IpAddr,
    sync::{Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// The token that worked for everybody, always, in many a tutorial.
const DEMO_TOKEN: &str = "ebfb7ff0-b2f6-41c8-bef3-4fba17be410c";
/// Whoever shows it is this person.
const DEMO_NAME: &str = "demo";
/// Longer than any ticket. What is longer is not even asked about.
const TOKEN_MAX: usize = 128;
/// Questions that are open at once. Ten thousand strangers with made-up tickets must not become ten thousand connections.
const AT_ONCE: usize = 16;
/// How long a visitor may stand in line for that. The auth service is slow or gone then, and the visitor is told so.
const IN_LINE: Duration = Duration::from_secs(3);
/// A question may begin with a handshake, and the threads of conversations have too small a stack for that.
const STACK: usize = if cfg!(debug_assertions) { 1024 } else { 256 } * 1024;

pub struct Counter {
    pub auth: Auth,
    demo: bool,
    free: Mutex<usize>,
    freed: Condvar,
}

impl Counter {
    pub fn new(auth: Auth, demo: bool) -> Counter {
        if demo {
            log::warn!(target: "ticket", "DANGER: --demo-token: whoever shows {DEMO_TOKEN} comes in as {DEMO_NAME}, from anywhere, again and again");
        }
        Counter { auth, demo, free: Mutex::new(AT_ONCE), freed: Condvar::new() }
    }

    /// Asks whose ticket this is that was shown from `address`, on behalf of one visitor; the others are not held up.
    ///
    /// # Errors
    /// `ticket-refused` and `auth-unavailable`: see [`Auth::redeem`].
    pub fn redeem(&self, ticket: &str, address: IpAddr) -> Result<String> {
        if self.demo && ticket == DEMO_TOKEN {
            return Ok(DEMO_NAME.into());
        }
        if ticket.len() > TOKEN_MAX {
            return Err(Error::new("ticket-refused", "no ticket is so long"));
        }
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut free, waited) = self.freed.wait_timeout_while(free, IN_LINE, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(unavailable("too many wait for its answer"));
        }
        *free -= 1;
        drop(free);
        let answer = thread::scope(|scope| {
            let asking = thread::Builder::new().name("ticket".into()).stack_size(STACK);
            let asked = asking.spawn_scoped(scope, || self.auth.redeem(ticket, address));
            asked.ok().and_then(|asked| asked.join().ok())
        });
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.freed.notify_one();
        answer.unwrap_or_else(|| Err(unavailable("this system gives no thread to ask with")))
    }
}

fn unavailable(why: &str) -> Error {
    Error::new("auth-unavailable", format!("the auth service can't be asked: {why}")).hint("look at its log, and at this machine's load")
}
