//! Names and passwords: one text file, a line for each account, `alice:$argon2id$…`.
//!
//! The file is the truth, and another process may change it. So it is looked at each time, and read again when it has changed. Who
//! adds an account holds a lock, reads what is there, and replaces the file in one step. What is damaged is never replaced.

use super::{
    guess::Guesses,
    password::{self, Passwords},
};
use crate::{
    authority::{Lock, policy::check_user},
    error::{Error, Result},
    file::{self, Readers},
};
use argon2::PasswordHash;
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::ErrorKind,
    net::IpAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The shortest password that is taken. Length is what makes guessing hard; no rule about digits and signs does (NIST SP 800-63B).
pub const PASSWORD_MIN: usize = 8;
/// The longest: a sentence fits, a book does not.
pub const PASSWORD_MAX: usize = 256;
/// More accounts than this, 1 MiB of them, are not taken: strangers decide how many there are.
const MOST: usize = 10_000;

/// The accounts of the auth service. For all threads.
pub struct Accounts {
    path: PathBuf,
    passwords: Passwords,
    guesses: Guesses,
    read: Mutex<Option<(Stamp, Known)>>,
}

/// Why somebody is not let in, or gets no account.
#[derive(Debug)]
pub enum NoEntry {
    /// There is no such account, or the password is another. Nobody is told which.
    Wrong,
    /// Too many tries: come back after this time.
    Slow(Duration),
    /// `bad-password`, `account-taken` and so on.
    Error(Error),
}

type Known = Arc<BTreeMap<String, PasswordHash>>;

/// By this a file is known to be the one that was read: replacing it makes another inode.
#[derive(PartialEq, Eq)]
struct Stamp(u64, u64, i64, i64);

impl Accounts {
    /// The accounts in the file at `path`. It need not be there yet, and what is wrong with it is said at each use: see
    /// [`Accounts::count`]. What a killed process left half-written beside it is removed.
    ///
    /// # Errors
    /// The system gives no random bytes, or no memory.
    pub fn new(path: impl Into<PathBuf>) -> Result<Accounts> {
        let path = path.into();
        sweep(&path);
        Ok(Accounts { path, passwords: Passwords::new()?, guesses: Guesses::default(), read: Mutex::default() })
    }

    /// How many there are.
    ///
    /// # Errors
    /// The file can't be read, or is damaged.
    pub fn count(&self) -> Result<usize> {
        self.known().map(|known| known.len())
    }

    /// Adds an account, on behalf of somebody at `address`. It is on the disk when this returns.
    ///
    /// # Errors
    /// `policy`, `bad-password`: name or password would not do. `account-taken`, `accounts-full`. `too-busy`. Or the file can't be
    /// read or written, and is as it was.
    pub fn register(&self, name: &str, password: &str, address: IpAddr) -> Result<(), NoEntry> {
        check_user(name)?;
        check_password(password)?;
        let known = self.known()?;
        check_room(&known, name)?;
        self.guesses.pay_for_account(address, Instant::now()).map_err(NoEntry::Slow)?;
        let kept = self.passwords.turn()?.hash(password)?;
        self.add(name, &kept)?;
        self.guesses.know(name, address, Instant::now());
        Ok(())
    }

    /// Whether this is the password of this account. Takes as long for a name that nobody has.
    ///
    /// # Errors
    /// See [`NoEntry`].
    pub fn sign_in(&self, name: &str, password: &str, address: IpAddr) -> Result<(), NoEntry> {
        let known = self.known()?;
        // Asked twice: whoever has no try left does not wait in the others' way …
        self.guesses.wait(name, address, Instant::now()).map_or(Ok(()), |wait| Err(NoEntry::Slow(wait)))?;
        let mut turn = self.passwords.turn()?;
        // … and who pays has a turn until the try is given back: there are fewer turns than tries, so that an owner who signs in
        // many times at once is not taken for a guesser.
        let paid = self.guesses.pay(name, address, Instant::now()).map_err(NoEntry::Slow)?;
        if !turn.is(password, known.get(name))? {
            return Err(NoEntry::Wrong);
        }
        self.guesses.give_back(paid);
        self.guesses.know(name, address, Instant::now());
        Ok(())
    }

    /// What is in the file now.
    fn known(&self) -> Result<Known> {
        let now = stamp(&self.path)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = now else { return Ok(Known::default()) };
        if let Some((stamp, known)) = &*read
            && *stamp == now
        {
            return Ok(known.clone());
        }
        let known = Known::new(parse(&self.path, &file::read(&self.path)?)?);
        *read = Some((now, known.clone()));
        Ok(known)
    }

    fn add(&self, name: &str, kept: &str) -> Result<()> {
        if let Some(directory) = self.path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            file::directory(directory, Readers::Owner)?;
        }
        let _lock = lock(&self.path)?;
        let known = self.known()?;
        check_room(&known, name)?;
        check_writable(&self.path)?;
        let others = known.iter().map(|(name, kept)| format!("{name}:{kept}\n"));
        let text: String = others.chain([format!("{name}:{kept}\n")]).collect();
        file::write(&self.path, text.as_bytes(), Readers::Owner)
    }
}

impl From<Error> for NoEntry {
    fn from(error: Error) -> NoEntry {
        NoEntry::Error(error)
    }
}

/// Held by whoever writes the file, in whatever process.
fn lock(path: &Path) -> Result<Lock> {
    Lock::on(&path.with_extension("lock"), path)
}

/// Removes what killed processes left half-written. Without the lock it can't be told from what another process is writing now.
fn sweep(path: &Path) {
    let left = file::half_written(path);
    if left.is_empty() {
        return;
    }
    match lock(path) {
        Ok(_lock) => file::remove(&left),
        Err(e) => log::warn!(target: "ticket", "{} half-written files stay beside {}: {e}", left.len(), path.display()),
    }
}

fn stamp(path: &Path) -> Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(data) => Ok(Some(Stamp(data.ino(), data.len(), data.mtime(), data.mtime_nsec()))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(file::explain(&e, "read", path)),
    }
}

/// Every line must be an account. With one that is not, who knows what became of the others?
fn parse(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, PasswordHash>> {
    let damaged = |line: usize, why: &str| {
        Error::new("accounts-damaged", format!("{}, line {line}: {why}", path.display()))
            .hint("put back a copy of the file, or mend the line, NAME:$argon2id$…; nothing is written to it meanwhile")
            .in_file(path)
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|e| damaged(bytes[..e.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1, "this is no text"))?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(damaged(text.lines().count(), "the file ends in the middle of a line"));
    }
    let mut known = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let (name, kept) = line.split_once(':').unwrap_or_default();
        let Some(kept) = password::parse(kept).filter(|_| check_user(name).is_ok()) else {
            return Err(damaged(number + 1, "this is no account"));
        };
        if known.insert(name.to_owned(), kept).is_some() {
            return Err(damaged(number + 1, "this account stands there twice"));
        }
    }
    Ok(known)
}

fn check_password(password: &str) -> Result<()> {
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&password.len()) {
        return Ok(());
    }
    let length = password.len();
    Err(Error::new("bad-password", format!("a password of {length} bytes is not taken: it has to have {PASSWORD_MIN} to {PASSWORD_MAX}"))
        .hint("take a sentence that nobody else would think of"))
}

fn check_room(known: &BTreeMap<String, PasswordHash>, name: &str) -> Result<()> {
    if known.contains_key(name) {
        return Err(Error::new("account-taken", format!("there is an account {name} already")).hint("choose another name"));
    }
    if known.len() >= MOST {
        return Err(Error::new("accounts-full", format!("there are {MOST} accounts, and no more are taken"))
            .hint("who runs the auth service can remove lines from its file"));
    }
    Ok(())
}

/// A file that was made read-only is meant to stay as it is, although its directory would let us put another in its place.
fn check_writable(path: &Path) -> Result<()> {
    match OpenOptions::new().append(true).open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(file::explain(&e, "write", path)),
        // Root may write to everything. The mode still says what was meant.
        Ok(file) if file.metadata().is_ok_and(|data| data.permissions().readonly()) => {
            Err(Error::new("not-allowed", format!("can't write {}: it is marked as read-only", path.display()))
                .hint(format!("if it may change: chmod u+w {}", path.display())))
        }
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
