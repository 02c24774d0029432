mod accounts;
mod auth;
mod guess;
mod password;

pub use accounts::{Accounts, NoEntry};
pub use auth::{AUTH, Auth};

use crate::{
    error::{Error, Result},
    key::hex,
};
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
    rand,
};
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A ticket is good for so long. A page needs less than a second from getting one to showing it.
pub const LIFE: Duration = Duration::from_secs(30);
/// 128 random bits: at a million guesses a second, the sun goes out before one is right.
const BYTES: usize = 16;
/// A ticket that is of no more use is remembered for so long, so that the log can say why it was refused.
const REMEMBERED: Duration = Duration::from_secs(300);
/// Tickets of one account that are remembered. With one more, the oldest is forgotten: nobody connects so often.
const PER_ACCOUNT: usize = 64;
/// Tickets of all accounts that are remembered, as a bound on the memory: 2 MiB.
const TOTAL: usize = 16_384;

/// The tickets that were handed out: each lets one account connect once, soon, from one address.
#[derive(Default)]
pub struct Tickets {
    book: Mutex<Book>,
}

/// Why a ticket was refused: for the log. Who showed it is told no more than *refused*: all the rest would help to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Never issued, or forgotten since.
    Unknown,
    /// Shown before, by whomever.
    Used,
    /// Older than [`LIFE`].
    Expired,
    /// Issued to another address. Somebody may have stolen it, so it is of no more use to anybody.
    OtherAddress,
}

impl Tickets {
    /// A new ticket for `name`, to be shown from `address`: 32 hexadecimal digits. It stands nowhere else; the book has its hash.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn issue(&self, name: &str, address: IpAddr) -> Result<String> {
        self.issue_at(name, address, Instant::now())
    }

    /// Takes a ticket that is shown from `address`, and gives the account's name: at most once, however many ask at once.
    pub fn redeem(&self, ticket: &str, address: IpAddr) -> Result<String, Refused> {
        self.redeem_at(ticket, address, Instant::now())
    }

    /// As [`Tickets::issue`], at another time than now.
    pub fn issue_at(&self, name: &str, address: IpAddr, now: Instant) -> Result<String> {
        let mut bytes = [0; BYTES];
        rand::fill(&mut bytes).map_err(|_| {
            Error::new("no-randomness", "the system gives no random bytes")
                .hint("try again; early after a boot it may not have gathered enough")
        })?;
        let ticket = hex(&bytes).to_ascii_lowercase();
        let entry = Entry { hash: hash(&ticket), name: name.into(), address: address.to_canonical(), issued: now, used: false };
        self.book().add(entry);
        Ok(ticket)
    }

    /// As [`Tickets::redeem`], at another time than now.
    pub fn redeem_at(&self, ticket: &str, address: IpAddr, now: Instant) -> Result<String, Refused> {
        let hash = hash(ticket);
        let mut book = self.book();
        book.sweep(now);
        let entry = book.entries.get_mut(&shelf(&hash)).filter(|entry| verify_slices_are_equal(&entry.hash, &hash).is_ok());
        let entry = entry.ok_or(Refused::Unknown)?;
        if std::mem::replace(&mut entry.used, true) {
            return Err(Refused::Used);
        }
        if now.saturating_duration_since(entry.issued) >= LIFE {
            return Err(Refused::Expired);
        }
        if entry.address != address.to_canonical() {
            return Err(Refused::OtherAddress);
        }
        Ok(entry.name.clone())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refused {
    /// `used before`
    pub fn reason(self) -> &'static str {
        match self {
            Refused::Unknown => "unknown",
            Refused::Used => "used before",
            Refused::Expired => "expired",
            Refused::OtherAddress => "issued to another address",
        }
    }
}

type Hash = [u8; 32];
/// Where an entry stands: the first bytes of its hash. What the search takes, and so tells, depends on these alone.
type Shelf = [u8; 8];

struct Entry {
    hash: Hash,
    name: String,
    address: IpAddr,
    issued: Instant,
    used: bool,
}

/// Every ticket that is remembered, in three orders. All that is in one is in each.
#[derive(Default)]
struct Book {
    entries: HashMap<Shelf, Entry>,
    by_age: VecDeque<Shelf>,
    by_account: HashMap<String, VecDeque<Shelf>>,
}

impl Book {
    fn add(&mut self, entry: Entry) {
        self.sweep(entry.issued);
        if self.by_account.get(&entry.name).is_some_and(|theirs| theirs.len() == PER_ACCOUNT) {
            self.forget(self.by_account[&entry.name][0]);
        }
        if self.by_age.len() == TOTAL {
            self.forget(self.by_age[0]);
        }
        let shelf = shelf(&entry.hash);
        self.forget(shelf); // two tickets on one shelf: once in 2^64
        self.by_age.push_back(shelf);
        self.by_account.entry(entry.name.clone()).or_default().push_back(shelf);
        self.entries.insert(shelf, entry);
    }

    /// Forgets what is too old even to be named in the log.
    fn sweep(&mut self, now: Instant) {
        while let Some(oldest) = self.by_age.front().copied()
            && self.entries.get(&oldest).is_none_or(|entry| now.saturating_duration_since(entry.issued) >= REMEMBERED)
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, shelf: Shelf) {
        let Some(entry) = self.entries.remove(&shelf) else { return };
        take(&mut self.by_age, shelf);
        if let Some(theirs) = self.by_account.get_mut(&entry.name) {
            take(theirs, shelf);
            if theirs.is_empty() {
                self.by_account.remove(&entry.name);
            }
        }
    }
}

/// Takes one out. Nearly always the first.
fn take(queue: &mut VecDeque<Shelf>, shelf: Shelf) {
    if let Some(at) = queue.iter().position(|other| *other == shelf) {
        queue.remove(at);
    }
}

/// What is kept of a ticket. It is random, so one plain hash hides it; a password needs a slow one.
fn hash(ticket: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, ticket.as_bytes()).as_ref());
    hash
}

fn shelf(hash: &Hash) -> Shelf {
    let mut shelf = [0; 8];
    shelf.copy_from_slice(&hash[..8]);
    shelf
}

#[cfg(test)]
mod tests;
