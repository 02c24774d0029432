//! Guessing passwords, slowed down: per account, per address, and without a way to lock an honest user out for good.
//!
//! Each account and each address has some tries free, then one more every so often. A try is paid for before the password is
//! looked at, and given back when it was right. So who knows their password never waits, and a hundred guesses at once are no
//! faster than one after the other.
//!
//! Whoever guesses at an account uses up its tries, those of its owner too. So an address from which the owner has signed in
//! before has tries of its own, which strangers can't use up. What remains: while somebody guesses, the owner can't sign in from a
//! *new* address, and who shares an address with a guesser waits with them. It ends within one interval of the guessing.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Wrong passwords for one account: a person mistypes a few times; a guesser gets 2,880 tries a day.
const PER_ACCOUNT: Allowance = Allowance { free: 5, every: Duration::from_secs(30) };
/// Wrong passwords from one address, for whatever accounts: an office behind one router mistypes more often.
const PER_ADDRESS: Allowance = Allowance { free: 50, every: Duration::from_secs(3) };
/// New accounts from one address: the number of accounts has a bound, which one stranger alone should not reach in an hour.
const NEW_ACCOUNTS: Allowance = Allowance { free: 60, every: Duration::from_secs(10) };
/// So many accounts and addresses are remembered at once, at about 100 bytes each.
const REMEMBERED: usize = 16_384;
/// Addresses from which an account has signed in lately: home, work, a phone.
const KNOWN: usize = 4;

/// What is free, and how often there is one more.
#[derive(Debug)]
struct Allowance {
    free: u32,
    every: Duration,
}

/// Whose tries they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Account(String),
    Owner(String, IpAddr),
    Address(IpAddr),
    Newcomer(IpAddr),
}

/// A try that was paid for, and by whom.
#[derive(Debug)]
#[must_use = "a try that is not given back was a guess"]
pub struct Paid([(Whose, Allowance); 2]);

/// How often wrong passwords were tried lately. Forgotten when the program ends.
#[derive(Default)]
pub struct Guesses {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// When all tries will be free again.
    free_at: HashMap<Whose, Instant>,
    known: HashMap<String, VecDeque<IpAddr>>,
}

impl Guesses {
    /// Whether a try would be refused now: for how long, if so. Costs nothing.
    pub fn wait(&self, name: &str, address: IpAddr, now: Instant) -> Option<Duration> {
        let kept = self.kept();
        kept.payers(name, network(address)).iter().filter_map(|(whose, allowance)| kept.wait(whose, allowance, now)).max()
    }

    /// Pays for a try.
    ///
    /// # Errors
    /// There is none left: for how long.
    pub fn pay(&self, name: &str, address: IpAddr, now: Instant) -> Result<Paid, Duration> {
        let mut kept = self.kept();
        let payers = kept.payers(name, network(address));
        kept.pay(&payers, now)?;
        Ok(Paid(payers))
    }

    /// As [`Guesses::pay`], for a new account.
    ///
    /// # Errors
    /// As there.
    pub fn pay_for_account(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        self.kept().pay(&[(Whose::Newcomer(network(address)), NEW_ACCOUNTS)], now)
    }

    /// The password was right: it was no guess.
    pub fn give_back(&self, Paid(payers): Paid) {
        let mut kept = self.kept();
        for (whose, allowance) in payers {
            if let Some(at) = kept.free_at.get_mut(&whose) {
                *at = at.checked_sub(allowance.every).unwrap_or(*at);
            }
        }
    }

    /// The owner of this account is at this address: from now on it has tries of its own.
    pub fn know(&self, name: &str, address: IpAddr) {
        let (address, mut kept) = (network(address), self.kept());
        let known = kept.known.entry(name.to_owned()).or_default();
        known.retain(|other| *other != address);
        known.push_back(address);
        if known.len() > KNOWN {
            known.pop_front();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Who pays for a try: the address, and the account or, from an address known to be the owner's, the owner.
    fn payers(&self, name: &str, address: IpAddr) -> [(Whose, Allowance); 2] {
        let is_known = self.known.get(name).is_some_and(|known| known.contains(&address));
        let account = if is_known { Whose::Owner(name.to_owned(), address) } else { Whose::Account(name.to_owned()) };
        [(account, PER_ACCOUNT), (Whose::Address(address), PER_ADDRESS)]
    }

    fn wait(&self, whose: &Whose, allowance: &Allowance, now: Instant) -> Option<Duration> {
        let owed = self.free_at.get(whose)?.saturating_duration_since(now) + allowance.every;
        Some(owed.saturating_sub(allowance.every * allowance.free)).filter(|wait| !wait.is_zero())
    }

    /// All pay, or nobody.
    fn pay(&mut self, payers: &[(Whose, Allowance)], now: Instant) -> Result<(), Duration> {
        if let Some(wait) = payers.iter().filter_map(|(whose, allowance)| self.wait(whose, allowance, now)).max() {
            return Err(wait);
        }
        for (whose, allowance) in payers {
            self.make_room(now);
            let free_at = self.free_at.entry(whose.clone()).or_insert(now);
            *free_at = (*free_at).max(now) + allowance.every;
        }
        Ok(())
    }

    /// Forgets those who owe nothing any more, or else those who owe least.
    fn make_room(&mut self, now: Instant) {
        if self.free_at.len() < REMEMBERED {
            return;
        }
        self.free_at.retain(|_, free_at| *free_at > now);
        while self.free_at.len() >= REMEMBERED
            && let Some(least) = self.free_at.iter().min_by_key(|(_, free_at)| **free_at).map(|(whose, _)| whose.clone())
        {
            self.free_at.remove(&least);
        }
    }
}

/// Whom an address stands for. Of IPv6 everybody has 2^64, so the first half counts.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        other => other,
    }
}

#[cfg(test)]
mod tests;
