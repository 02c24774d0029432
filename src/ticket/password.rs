//! Passwords: slow to check on purpose, and never more of that at once than the machine can bear.

use crate::error::{Error, Result};
use argon2::{
    Argon2, Block, Params, PasswordHash,
    password_hash::phc::{Output, ParamsString, Salt},
};
use aws_lc_rs::rand;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What OWASP asks for (Password Storage Cheat Sheet): 19 MiB, twice over, on one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// 128 bits of salt and 256 of hash: RFC 9106 3.1.
const SALT: usize = 16;
const HASH: usize = 32;
/// What a hash that somebody else has put into the file may cost besides [`MEMORY_KIB`].
const PASSES_MAX: u32 = 8;
/// So many are hashed at once: 76 MiB, kept for the next. More would not be faster, and strangers decide how many there are to hash.
const AT_ONCE: usize = 4;
/// So many wait for their turn, on threads that do nothing else; the last of them waits for a second or two.
const WAITING: usize = 64;
/// How long to wait for a turn. Whoever has not had one by then is told to come again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where passwords are hashed.
pub struct Passwords {
    turns: Mutex<Turns>,
    freed: Condvar,
    /// What is compared with a stranger's password: no password gives it, and looking costs as much as for anybody's.
    nobody: PasswordHash,
}

#[derive(Default)]
struct Turns {
    taken: usize,
    waiting: usize,
    /// Memory of those who have had their turn. The allocator would keep it, too, but for each thread apart.
    memory: Vec<Vec<Block>>,
}

/// The right to hash one password, and the memory for it.
pub struct Turn<'a> {
    passwords: &'a Passwords,
    memory: Vec<Block>,
}

impl Passwords {
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Passwords> {
        let nobody = phc(&random::<SALT>()?, &random::<HASH>()?)?;
        Ok(Passwords { turns: Mutex::default(), freed: Condvar::new(), nobody })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `too-busy`: too many wait already, or it took too long.
    pub fn turn(&self) -> Result<Turn<'_>> {
        let mut turns = self.turns();
        if turns.waiting == WAITING {
            return Err(too_busy());
        }
        turns.waiting += 1;
        let full = |turns: &mut Turns| turns.taken == AT_ONCE;
        let (mut turns, _) = self.freed.wait_timeout_while(turns, PATIENCE, full).unwrap_or_else(PoisonError::into_inner);
        turns.waiting -= 1;
        if turns.taken == AT_ONCE {
            return Err(too_busy());
        }
        turns.taken += 1;
        let memory = turns.memory.pop().unwrap_or_default();
        Ok(Turn { passwords: self, memory })
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// What is kept of a new password: a PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    pub fn hash(mut self, password: &str) -> Result<String> {
        let salt = random::<SALT>()?;
        let hash = self.argon2(password, &salt, cost()?)?;
        Ok(phc(&salt, &hash)?.to_string())
    }

    /// Whether `password` is the one that `kept` was made of. `None`, nobody's, takes as long and is never right.
    pub fn is(&mut self, password: &str, kept: Option<&PasswordHash>) -> Result<bool> {
        let whose = kept.unwrap_or(&self.passwords.nobody);
        let (Some(salt), Some(hash)) = (&whose.salt, &whose.hash) else { return Ok(false) };
        let made = self.argon2(password, salt, Params::try_from(whose).map_err(no_hash)?)?;
        // Two outputs are compared in constant time.
        Ok(Output::new(&made).is_ok_and(|made| made == *hash) && kept.is_some())
    }

    fn argon2(&mut self, password: &str, salt: &[u8], cost: Params) -> Result<[u8; HASH]> {
        let blocks = MEMORY_KIB as usize;
        self.memory.try_reserve_exact(blocks.saturating_sub(self.memory.len())).map_err(no_hash)?;
        self.memory.resize(blocks, Block::default());
        let mut hash = [0; HASH];
        Argon2::from(cost).hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, &mut self.memory).map_err(no_hash)?;
        Ok(hash)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.passwords.turns();
        turns.taken -= 1;
        turns.memory.push(std::mem::take(&mut self.memory));
        drop(turns);
        self.passwords.freed.notify_one();
    }
}

/// Reads a PHC string, if it is one that [`Turn::is`] can use at a price that we are willing to pay.
pub fn parse(kept: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(kept).ok()?;
    let cost = Params::try_from(&hash).ok()?;
    let affordable = cost.m_cost() <= MEMORY_KIB && cost.t_cost() <= PASSES_MAX && cost.p_cost() == LANES;
    let usable = hash.algorithm.as_str() == "argon2id"
        && hash.version == Some(argon2::Version::V0x13.into())
        && hash.salt.is_some()
        && hash.hash.as_ref().is_some_and(|hash| hash.len() == HASH);
    (affordable && usable).then_some(hash)
}

fn cost() -> Result<Params> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH)).map_err(no_hash)
}

fn phc(salt: &[u8], hash: &[u8]) -> Result<PasswordHash> {
    Ok(PasswordHash {
        algorithm: argon2::ARGON2ID_IDENT,
        version: Some(argon2::Version::V0x13.into()),
        params: ParamsString::try_from(&cost()?).map_err(no_hash)?,
        salt: Some(Salt::new(salt).map_err(no_hash)?),
        hash: Some(Output::new(hash).map_err(no_hash)?),
    })
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(no_hash)?;
    Ok(bytes)
}

fn no_hash(why: impl std::fmt::Display) -> Error {
    Error::new("no-hash", format!("a password can't be hashed: {why}")).hint("look at what memory is left: free -m")
}

fn too_busy() -> Error {
    Error::new("too-busy", "too many passwords are being checked at this moment").hint("try again in a few seconds")
}
