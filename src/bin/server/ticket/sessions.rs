//! Who has signed in: a ticket becomes what some rungs of the ladder need, a cookie and a token that can be used again and again.
//!
//! Either is exactly what a ticket is not. It is here to be stolen.

use padlock::{
    error::{Error, Result},
    key::hex,
};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The cookie's name. The prefix makes browsers insist on Secure, on the whole host's paths and on no other host (RFC 6265bis 4.1.3).
/// On other ports they don't insist: a cookie knows none.
pub const COOKIE: &str = "__Host-session";
/// Long enough for a lab.
pub const LIFE: Duration = Duration::from_secs(600);
/// Secrets of one account. Who signs in once more makes their own oldest forgotten, so nobody forgets all others' by signing in.
const PER_ACCOUNT: usize = 16;
/// Secrets of all accounts, as a bound on the memory. With one more, the oldest of all is forgotten.
const TOTAL: usize = 1024;
/// 128 random bits, as a ticket has.
const BYTES: usize = 16;

#[derive(Default)]
pub struct Sessions(Mutex<VecDeque<Session>>);

/// What is good for what. A cookie that scripts can't read (HttpOnly) must not be the token that they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Cookie,
    Token,
}

struct Session {
    kind: Kind,
    hash: [u8; 32],
    name: String,
    since: Instant,
}

impl Sessions {
    /// A new secret of this kind for `name`.
    pub fn begin(&self, kind: Kind, name: &str) -> Result<String> {
        let mut bytes = [0; BYTES];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::new("no-randomness", "the system gives no random bytes"))?;
        let secret = hex(&bytes).to_ascii_lowercase();
        let mut all = self.all();
        if all.iter().filter(|session| session.name == name).count() == PER_ACCOUNT
            && let Some(oldest) = all.iter().position(|session| session.name == name)
        {
            all.remove(oldest);
        }
        if all.len() == TOTAL {
            all.pop_front();
        }
        all.push_back(Session { kind, hash: hash(&secret), name: name.into(), since: Instant::now() });
        Ok(secret)
    }

    /// Whose secret this is, if it is one of this kind and still good. Hashes are compared: how long that takes says nothing about
    /// the secret.
    pub fn holder(&self, kind: Kind, secret: &str) -> Option<String> {
        let hash = hash(secret);
        let mut all = self.all();
        all.retain(|session| session.since.elapsed() < LIFE);
        all.iter().find(|session| session.kind == kind && session.hash == hash).map(|session| session.name.clone())
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(secret: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn who_signs_in_again_and_again_forgets_their_own_oldest_secret_and_nobody_elses() {
        let sessions = Sessions::default();
        let alice = sessions.begin(Kind::Cookie, "alice").unwrap();
        let mallory: Vec<_> = (0..2 * TOTAL).map(|_| sessions.begin(Kind::Cookie, "mallory").unwrap()).collect();
        assert_eq!(sessions.holder(Kind::Cookie, &alice).as_deref(), Some("alice"));
        let good = mallory.iter().filter(|secret| sessions.holder(Kind::Cookie, secret).is_some()).count();
        assert_eq!(good, PER_ACCOUNT);
        assert!(sessions.holder(Kind::Cookie, &mallory[2 * TOTAL - 1]).is_some() && sessions.holder(Kind::Cookie, &mallory[0]).is_none());
    }

    #[test]
    fn with_more_accounts_than_there_is_room_for_the_oldest_secret_is_forgotten() {
        let sessions = Sessions::default();
        let secrets: Vec<_> = (0..=TOTAL).map(|number| sessions.begin(Kind::Token, &format!("name-{number}")).unwrap()).collect();
        assert_eq!(sessions.all().len(), TOTAL);
        assert!(sessions.holder(Kind::Token, &secrets[0]).is_none() && sessions.holder(Kind::Token, &secrets[1]).is_some());
    }
}
