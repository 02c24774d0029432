//! Guessing passwords, slowed down: per account, per address, and without a way to lock an honest user out.
//!
//! Each account and each address has some tries free, then one more every so often. A try is paid for before the password is
//! looked at, and given back when it was right. So who knows their password never waits, and a hundred guesses at once are no
//! faster than one after the other.
//!
//! Were all of an account's tries one heap, whoever guesses would use up its owner's, too, and keep them out for as long as they
//! like. So there are three heaps. An address from which the owner has signed in before has one of its own. At all other addresses
//! the owner and a guesser look the same, until they were wrong: so the *first* tries of each address are counted apart, and who has
//! used up theirs shares what is left with all others who have. To keep a new address of the owner's waiting, strangers have to come
//! from hundreds of networks, and go on; from all the world together an account is guessed at some 11,520 times a day.
//!
//! What remains: who shares an address with a guesser waits with them, and who does command so many networks can still hold up an
//! owner who is away from home; of IPv6, a /48 holds 65,536. A name that nobody has is treated as one that somebody has.

use crate::authority::policy::check_user;
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So many names are remembered at once, and so many of those who owe tries, at about 150 bytes each.
const REMEMBERED: usize = 16_384;
/// Addresses from which an account has signed in lately: home, work, a phone.
const KNOWN: usize = 4;

/// How often wrong passwords were tried lately. Forgotten when the program ends.
#[derive(Default)]
pub struct Guesses {
    kept: Mutex<Kept>,
}

/// A try that was paid for, and by whom.
#[derive(Debug)]
#[must_use = "a try that is not given back was a guess"]
pub struct Paid(Vec<Whose>);

/// Whose tries they are. An address is a whole network: see [`network`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    /// An account's, at an address where its owner was before.
    Owner(String, IpAddr),
    /// The first at an account from an address where its owner was not.
    First(String, IpAddr),
    /// All such first tries at an account.
    Firsts(String),
    /// All other tries at an account.
    Further(String),
    /// All tries from an address, at whatever account.
    Address(IpAddr),
    /// New accounts from an address.
    NewAccount(IpAddr),
}

/// What is free, and how often there is one more.
struct Allowance {
    free: u32,
    every: Duration,
}

impl Whose {
    fn allowance(&self) -> Allowance {
        let (free, seconds) = match self {
            // A person mistypes a few times; a guesser gets 2,880 tries a day.
            Whose::Owner(..) | Whose::Further(_) => (5, 30),
            // An hour: so it takes 360 networks to use up all the first tries at an account as fast as they come back …
            Whose::First(..) => (3, 3600),
            // … and 100 who come at once to use up those that are free.
            Whose::Firsts(_) => (300, 10),
            // An office behind one router mistypes more often.
            Whose::Address(_) => (50, 3),
            // The number of accounts has a bound, which one stranger alone should not reach in an hour.
            Whose::NewAccount(_) => (60, 10),
        };
        Allowance { free, every: Duration::from_secs(seconds) }
    }
}

impl Guesses {
    /// Whether a try would be refused now: for how long, if so. Costs nothing.
    pub fn wait(&self, name: &str, address: IpAddr, now: Instant) -> Option<Duration> {
        let (wait, _) = self.kept().payers(name, network(address), now);
        Some(wait).filter(|wait| !wait.is_zero())
    }

    /// Pays for a try.
    ///
    /// # Errors
    /// There is none left: for how long.
    pub fn pay(&self, name: &str, address: IpAddr, now: Instant) -> Result<Paid, Duration> {
        let mut kept = self.kept();
        let (wait, payers) = kept.payers(name, network(address), now);
        if !wait.is_zero() {
            return Err(wait);
        }
        payers.iter().for_each(|whose| kept.charge(whose, now));
        Ok(Paid(payers))
    }

    /// As [`Guesses::pay`], for a new account.
    ///
    /// # Errors
    /// As there.
    pub fn pay_for_account(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let (mut kept, payer) = (self.kept(), Whose::NewAccount(network(address)));
        let wait = kept.wait(&payer, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        kept.charge(&payer, now);
        Ok(())
    }

    /// The password was right: it was no guess.
    pub fn give_back(&self, Paid(payers): Paid) {
        let mut kept = self.kept();
        for whose in payers {
            if let Some(at) = kept.free_at.get_mut(&whose) {
                *at = at.checked_sub(whose.allowance().every).unwrap_or(*at);
            }
        }
    }

    /// The owner of this account is at this address: from now on it has tries of its own.
    pub fn know(&self, name: &str, address: IpAddr, now: Instant) {
        let (address, mut kept) = (network(address), self.kept());
        // Accounts come and go in the file, and nobody says here which have gone.
        if kept.known.len() >= REMEMBERED
            && !kept.known.contains_key(name)
            && let Some(oldest) = kept.known.iter().min_by_key(|(_, known)| known.seen).map(|(name, _)| name.clone())
        {
            kept.known.remove(&oldest);
        }
        let known = kept.known.entry(name.to_owned()).or_insert_with(|| Known { addresses: VecDeque::new(), seen: now });
        known.seen = now;
        known.addresses.retain(|other| *other != address);
        known.addresses.push_back(address);
        if known.addresses.len() > KNOWN {
            known.addresses.pop_front();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Kept {
    /// When all tries will be free again.
    free_at: HashMap<Whose, Instant>,
    known: HashMap<String, Known>,
}

/// Where the owner of an account has signed in, and when last.
struct Known {
    addresses: VecDeque<IpAddr>,
    seen: Instant,
}

impl Kept {
    /// Who pays for a try, and how long they have to wait until they can.
    fn payers(&self, name: &str, address: IpAddr, now: Instant) -> (Duration, Vec<Whose>) {
        let wait = |payers: Vec<Whose>| (payers.iter().map(|whose| self.wait(whose, now)).max().unwrap_or_default(), payers);
        let at = Whose::Address(address);
        if check_user(name).is_err() {
            return wait(vec![at]); // no account can have this name, so it is none to guess at, and none to remember
        }
        if self.known.get(name).is_some_and(|known| known.addresses.contains(&address)) {
            return wait(vec![Whose::Owner(name.into(), address), at]);
        }
        let first = wait(vec![Whose::First(name.into(), address), Whose::Firsts(name.into()), at.clone()]);
        let further = wait(vec![Whose::Further(name.into()), at]);
        if first.0 <= further.0 { first } else { further }
    }

    fn wait(&self, whose: &Whose, now: Instant) -> Duration {
        let Allowance { free, every } = whose.allowance();
        let owed = self.free_at.get(whose).map(|free_at| free_at.saturating_duration_since(now));
        owed.map_or(Duration::ZERO, |owed| (owed + every).saturating_sub(every * free))
    }

    fn charge(&mut self, whose: &Whose, now: Instant) {
        self.make_room(now);
        let free_at = self.free_at.entry(whose.clone()).or_insert(now);
        *free_at = (*free_at).max(now) + whose.allowance().every;
    }

    /// Forgets those who owe nothing any more. If they are too few, also the quarter of all that owes the fewest tries: so many at
    /// once, since they have to be sorted.
    fn make_room(&mut self, now: Instant) {
        if self.free_at.len() < REMEMBERED {
            return;
        }
        self.free_at.retain(|_, free_at| *free_at > now);
        if self.free_at.len() < REMEMBERED {
            return;
        }
        let tries = |whose: &Whose, free_at: &Instant| free_at.saturating_duration_since(now).div_duration_f32(whose.allowance().every);
        let mut all: Vec<_> = self.free_at.iter().map(|(whose, free_at)| (tries(whose, free_at), whose.clone())).collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
        all.truncate(REMEMBERED / 4);
        for (_, whose) in all {
            self.free_at.remove(&whose);
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
