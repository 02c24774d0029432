//! Who is online, and who wants to talk to whom. The directory introduces; what peers say to each other never passes it.

use super::link::Link;
use super::message::{FromDirectory, ToDirectory};
use super::names::check_group;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The last byte of the first loopback address that is given away; .1 is everybody's.
const FIRST_NUMBER: u8 = 2;
/// Groups that one person may be in: so nobody takes them all, and there are never more than so many for each person.
const GROUPS_EACH: usize = 5;

/// The people who are here now. What it knows is in memory: after a restart they come again, and it knows the same.
pub struct Directory {
    max_users: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    online: BTreeMap<String, Online>,
    /// (who, whom) asked and was not answered yet.
    asked: BTreeSet<(String, String)>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

struct Online {
    link: Arc<Link>,
    number: u8,
}

/// Somebody's place here. Dropping it frees the name, at once.
pub struct Seat {
    directory: Arc<Directory>,
    pub name: String,
}

/// Why something can't be: a code for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub code: &'static str,
    pub sentence: String,
}

/// To whom something is said. Collected under the lock, said outside it.
type Letters = Vec<(Arc<Link>, FromDirectory)>;

impl Directory {
    /// `max_users`: the next one is told that the server is too busy.
    pub fn new(max_users: usize) -> Arc<Directory> {
        Arc::new(Directory { max_users: max_users.min(usize::from(u8::MAX - FIRST_NUMBER)), inner: Mutex::default() })
    }

    /// Takes a place for `name`, which the certificate has proved, and says welcome.
    ///
    /// # Errors
    /// `too-busy`, `online-already`.
    pub fn join(self: &Arc<Self>, name: &str, link: &Arc<Link>) -> Result<Seat, Refused> {
        let mut inner = self.inner();
        if inner.online.contains_key(name) {
            return Err(refused("online-already", format!("{name} is logged in already.")));
        }
        let number = (FIRST_NUMBER..u8::MAX).find(|number| inner.online.values().all(|online| online.number != *number));
        let Some(number) = number.filter(|_| inner.online.len() < self.max_users) else {
            return Err(refused("too-busy", "server too busy"));
        };
        inner.online.insert(name.to_owned(), Online { link: link.clone(), number });
        drop(inner);
        let _ = link.post(&FromDirectory::Welcome { name: name.to_owned(), number });
        Ok(Seat { directory: self.clone(), name: name.to_owned() })
    }

    /// Does what somebody asks for.
    ///
    /// # Errors
    /// It can't be: `not-online`, `not-asked`, `asked-already`, `yourself`, `group-exists`, `no-group`, `not-in-group`, `groups-full`,
    /// `bad-name`.
    fn handle(&self, from: &str, message: ToDirectory) -> Result<(), Refused> {
        let mut inner = self.inner();
        let letters = match message {
            ToDirectory::Who {} => inner.letter(from, FromDirectory::Online { names: inner.online.keys().cloned().collect() }),
            ToDirectory::Request { to, group } => inner.request(from, &to, group)?,
            ToDirectory::Accept { to, at } => inner.accept(from, &to, at)?,
            ToDirectory::Decline { to } => inner.decline(from, &to),
            ToDirectory::Create { group } => inner.create(from, group)?,
            ToDirectory::Join { group } => inner.join(from, group)?,
            ToDirectory::Logout {} => {
                inner.letter(from, FromDirectory::Bye { code: "logged-out".into(), reason: "Successfully logged out.".into() })
            }
        };
        drop(inner);
        send(letters);
        Ok(())
    }

    /// Everybody's link, to look at their certificates again, or to tell them all.
    pub fn all(&self) -> Vec<(String, Arc<Link>)> {
        self.inner().online.iter().map(|(name, online)| (name.clone(), online.link.clone())).collect()
    }

    pub fn say(&self, message: &FromDirectory) {
        for (_, link) in self.all() {
            let _ = link.post(message); // one that is over leaves by itself
        }
    }

    fn leave(&self, name: &str) {
        let mut inner = self.inner();
        inner.online.remove(name);
        inner.asked.retain(|(who, whom)| who != name && whom != name);
        inner.groups.retain(|_, members| {
            members.remove(name);
            !members.is_empty()
        });
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Does what its owner asks for. See [`Directory`].
    ///
    /// # Errors
    /// It can't be.
    pub fn handle(&self, message: ToDirectory) -> Result<(), Refused> {
        self.directory.handle(&self.name, message)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.directory.leave(&self.name);
    }
}

impl Inner {
    fn request(&mut self, from: &str, to: &str, group: Option<String>) -> Result<Letters, Refused> {
        if from == to {
            return Err(refused("yourself", "You cannot chat with yourself."));
        }
        if !self.online.contains_key(to) {
            return Err(refused("not-online", format!("{to} is not online.")));
        }
        if let Some(group) = &group
            && !self.groups.get(group).is_some_and(|members| members.contains(from) && members.contains(to))
        {
            return Err(refused("not-in-group", format!("You and {to} are not both in {group}.")));
        }
        if !self.asked.insert((from.to_owned(), to.to_owned())) {
            return Err(refused("asked-already", format!("You have asked {to} already.")));
        }
        Ok(self.letter(to, FromDirectory::Request { from: from.to_owned(), group }))
    }

    fn accept(&mut self, from: &str, to: &str, at: SocketAddr) -> Result<Letters, Refused> {
        if !self.asked.remove(&(to.to_owned(), from.to_owned())) {
            return Err(refused("not-asked", format!("{to} has not sent you a chat request, or is gone.")));
        }
        Ok(self.letter(to, FromDirectory::Accepted { from: from.to_owned(), at }))
    }

    /// Takes back what one asked of the other, whichever way it was.
    fn decline(&mut self, from: &str, to: &str) -> Letters {
        let theirs = self.asked.remove(&(to.to_owned(), from.to_owned()));
        let ours = self.asked.remove(&(from.to_owned(), to.to_owned()));
        if theirs || ours { self.letter(to, FromDirectory::Declined { from: from.to_owned() }) } else { Letters::new() }
    }

    fn create(&mut self, from: &str, group: String) -> Result<Letters, Refused> {
        check_group(&group).map_err(|e| refused("bad-name", e.cause))?;
        if self.groups.contains_key(&group) {
            return Err(refused("group-exists", format!("There is a group {group} already.")));
        }
        // What is said to bob is to reach Bob.
        if self.online.contains_key(&group) {
            return Err(refused("bad-name", format!("{group} is somebody who is here: call the group otherwise.")));
        }
        self.one_group_more(from)?;
        self.groups.insert(group.clone(), BTreeSet::from([from.to_owned()]));
        Ok(self.members(&group))
    }

    fn join(&mut self, from: &str, group: String) -> Result<Letters, Refused> {
        match self.groups.get(&group) {
            Some(members) if members.contains(from) => {}
            Some(_) => self.one_group_more(from)?,
            None => return Err(refused("no-group", format!("There is no group {}.", crate::error::printable(&group)))),
        }
        self.groups.entry(group.clone()).or_default().insert(from.to_owned());
        Ok(self.members(&group))
    }

    fn one_group_more(&self, name: &str) -> Result<(), Refused> {
        match self.groups.values().filter(|members| members.contains(name)).count() {
            GROUPS_EACH.. => Err(refused("groups-full", format!("You are in {GROUPS_EACH} groups, and that is the limit."))),
            _ => Ok(()),
        }
    }

    /// Tells all members who they are.
    fn members(&self, group: &str) -> Letters {
        let members = &self.groups[group];
        let told = |name| FromDirectory::Group {
            group: group.to_owned(),
            members: members.iter().filter(|other| *other != name).cloned().collect(),
        };
        members.iter().flat_map(|name| self.letter(name, told(name))).collect()
    }

    fn letter(&self, to: &str, message: FromDirectory) -> Letters {
        self.online.get(to).map(|online| (online.link.clone(), message)).into_iter().collect()
    }
}

fn send(letters: Letters) {
    for (link, message) in letters {
        let _ = link.post(&message); // one that is over leaves by itself
    }
}

fn refused(code: &'static str, sentence: impl Into<String>) -> Refused {
    Refused { code, sentence: sentence.into() }
}
