//! The directory, from our side: found, lost, found again; and what it says.

use super::Chat;
use crate::dial::Dialler;
use crate::options::Options;
use crate::url::Url;
use padlock::chat::{Ended, FromDirectory, Link, ToDirectory};
use padlock::error::{Error, Result, exit, printable};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A directory that is gone is looked for after so long, then twice as long, and so on …
const AGAIN: Duration = Duration::from_millis(500);
/// … but never longer than this.
const AGAIN_AT_MOST: Duration = Duration::from_secs(15);
/// A directory that has let us in says so at once; one that says nothing is waited for so long.
const WELCOME: Duration = Duration::from_secs(5);

impl Chat {
    /// The first login must succeed. Later ones are tried again and again: people who talk do not need the directory.
    ///
    /// # Errors
    /// The directory can't be reached, says nothing, or does not let us in.
    pub fn log_in(self: &Arc<Self>, options: &Options, url: &Url) -> Result<()> {
        let link = self.reach(options, url)?;
        let first = Arc::new(Mutex::new(None));
        let (this, told) = (self.clone(), first.clone());
        let (options, url) = (options.clone(), url.clone());
        let spawned = thread::Builder::new().name("directory".into()).spawn(move || this.stay(link, &options, &url, &told));
        spawned.map_err(|e| Error::new("no-thread", format!("can't listen to the directory: {e}")))?;
        let waiting = |told: &mut Option<Result<()>>| told.is_none();
        let answer = first.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut answer, _) = self.changed.wait_timeout_while(answer, WELCOME, waiting).unwrap_or_else(PoisonError::into_inner);
        answer.take().unwrap_or_else(|| Err(silent()))
    }

    fn reach(&self, options: &Options, url: &Url) -> Result<Arc<Link>> {
        let dialler = Dialler::bare(options, url)?;
        Ok(Link::new(self.own.connect(dialler.stream(options)?, &url.host)?))
    }

    /// Listens to the directory, and finds it again when it is gone.
    fn stay(self: &Arc<Self>, mut link: Arc<Link>, options: &Options, url: &Url, first: &Mutex<Option<Result<()>>>) {
        let tell = |result: Result<()>| {
            first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(result);
            self.changed.notify_all();
        };
        let mut pause = AGAIN;
        loop {
            *self.directory() = Some(link.clone());
            let ended = link.listen(|message| match &message {
                FromDirectory::Welcome { .. } => {
                    pause = AGAIN;
                    self.hear(message);
                    tell(Ok(()));
                }
                FromDirectory::Refused { code, sentence } if self.number.load(Ordering::SeqCst) == 0 => {
                    tell(Err(turned_away(code, sentence)));
                }
                _ => self.hear(message),
            });
            *self.directory() = None;
            tell(Err(lost(&ended)));
            self.changed.notify_all();
            if self.leaving.load(Ordering::SeqCst) || self.number.load(Ordering::SeqCst) == 0 {
                return;
            }
            self.screen.line("The directory is gone. Chats go on; looking for it again.");
            link = loop {
                thread::sleep(pause);
                pause = (pause * 2).min(AGAIN_AT_MOST);
                if self.leaving.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(link) = self.reach(options, url) {
                    break link;
                }
            };
        }
    }

    /// What the directory says.
    fn hear(self: &Arc<Self>, message: FromDirectory) {
        let line = |text: &str| self.screen.line(&printable(text));
        match message {
            FromDirectory::Welcome { name, number } => {
                self.number.store(number, Ordering::SeqCst);
                line("Connection Accepted. Client OK to login.");
                line(&format!("logged in as {name}"));
            }
            FromDirectory::Online { names } => {
                names.iter().for_each(|name| self.screen.knows(name));
                line(&format!("online: {}", names.join(" ")));
            }
            FromDirectory::Request { from, group } => self.asked(&from, group.as_deref()),
            FromDirectory::Accepted { from, at } => self.accepted(&from, at),
            FromDirectory::Declined { from } => {
                self.offers.withdraw(&from);
                line(&format!("{from} does not want to chat."));
            }
            FromDirectory::Group { group, members } => self.joined(group, members),
            FromDirectory::Refused { sentence, .. } => line(&sentence),
            FromDirectory::Revoked { list } => self.revoked(&list),
            FromDirectory::Bye { code, reason } => {
                line(&reason);
                self.leaving.store(code != "stops", Ordering::SeqCst); // it comes again, and so do we
            }
        }
    }

    fn asked(self: &Arc<Self>, from: &str, group: Option<&str>) {
        self.screen.knows(from);
        let together = group.is_some_and(|group| self.groups().get(group).is_some_and(|members| members.contains(from)));
        if together || self.args.yes {
            return self.accept(from);
        }
        self.screen.line(&printable(&format!("Received chat request from: {from}")));
    }

    fn accepted(self: &Arc<Self>, from: &str, at: SocketAddr) {
        let together = self.groups().values().any(|members| members.contains(from));
        self.offers.accepted(from, at);
        if together {
            return self.connect(from);
        }
        self.screen.line(&printable(&format!("{from} has accepted your chat request.")));
    }

    /// The newcomer connects to those who are there.
    fn joined(self: &Arc<Self>, group: String, members: Vec<String>) {
        if !self.wanted().contains(&group) {
            return self.screen.line(&printable(&format!("the directory would have us in a group that we did not ask for: {group}")));
        }
        let (new, known) = {
            let mut groups = self.groups();
            let known = groups.insert(group.clone(), members.iter().cloned().collect());
            (known.is_none(), known.unwrap_or_default())
        };
        let here = if members.is_empty() { "nobody else yet".to_owned() } else { members.join(" ") };
        self.screen.line(&printable(&format!("{group}: {here}")));
        for member in members.iter().filter(|member| new && !known.contains(*member) && !self.peers.has(member)) {
            self.tell(&ToDirectory::Request { to: member.clone(), group: Some(group.clone()) });
        }
    }

    /// The authority has taken certificates back: chats with those people end, whatever the directory thinks of it.
    fn revoked(&self, list: &str) {
        if self.args.no_crl {
            return;
        }
        match self.own.believe_no_more(list) {
            Ok(()) => self.peers.look_again(&self.own),
            Err(e) => self.screen.line(&printable(&format!("the directory sent a list that is no good: {e}"))),
        }
    }
}

/// The directory lets us in no further.
fn turned_away(code: &str, sentence: &str) -> Error {
    let hint = match code {
        "too-busy" => "wait until somebody has left",
        "online-already" => "log out there first; a client that was killed frees its name at once",
        _ => "see the directory's log",
    };
    Error::new("turned-away", printable(sentence)).hint(hint)
}

fn silent() -> Error {
    Error::new("directory-silent", format!("the directory did not let us in: it has said nothing for {} s", WELCOME.as_secs()))
        .hint("is it ./server chat that answers there? --directory URL names another")
        .exit(exit::RECEIVE)
}

fn lost(ended: &Ended) -> Error {
    let why = match ended {
        Ended::Lost(why) | Ended::HungUp(why) => why.as_str(),
        Ended::Refused(why) => why,
        Ended::Closed => "it has closed the connection",
    };
    Error::new("directory-lost", format!("the directory did not let us in: {why}"))
        .hint("its log says more; ./ca list shows whether our certificate was revoked or has expired")
        .exit(exit::RECEIVE)
}
