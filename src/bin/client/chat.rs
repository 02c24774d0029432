//! `client chat NAME`: log in to the directory, find people, talk to them directly.
//!
//! What is typed, in `chat/command.rs`, becomes a word to the directory, in `chat/directory.rs`, or to somebody whom we talk to, in
//! `chat/peers.rs`. How one becomes the other is in `chat/meet.rs`: each chat is a connection of its own, in which both sides
//! prove their names.

#[path = "chat/command.rs"]
mod command;
#[path = "chat/directory.rs"]
mod directory;
#[path = "chat/meet.rs"]
mod meet;
#[path = "chat/own.rs"]
mod own;
#[path = "chat/peers.rs"]
mod peers;
#[path = "chat/receiving.rs"]
mod receiving;
#[path = "chat/screen.rs"]
mod screen;
#[path = "chat/sending.rs"]
mod sending;

use crate::options::{self, Options};
use crate::terminal;
use crate::url::Url;
use command::{Command, HELP};
use meet::Offers;
use own::Own;
use padlock::authority::policy::check_user;
use padlock::chat::{Link, ToDirectory, check_group};
use padlock::error::{Error, Result};
use padlock::trust::ClientAuth;
use peers::Peers;
use screen::Screen;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// After logout, the directory's goodbye is waited for so long.
const GOODBYE: Duration = Duration::from_secs(1);

/// One person's chat.
pub struct Chat {
    args: options::Chat,
    screen: Arc<Screen>,
    own: Own,
    peers: Peers,
    offers: Offers,
    number: AtomicU8,
    directory: Mutex<Option<Arc<Link>>>,
    /// The directory has answered the login, or it is over.
    changed: Condvar,
    groups: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// Groups that were typed here. The directory can't put us into others: one called bob would have what is said to bob.
    wanted: Mutex<BTreeSet<String>>,
    leaving: AtomicBool,
}

/// `client chat`.
///
/// # Errors
/// The certificate is missing or refused, the directory can't be reached, or it lets nobody in.
pub fn chat(options: &Options, args: &options::Chat) -> Result<()> {
    check_user(&args.name)?;
    let url = Url::parse(&args.directory)?;
    let own = Own::new(options, args)?;
    let screen = Arc::new(Screen::default());
    let chat = Arc::new(Chat {
        args: args.clone(),
        screen: screen.clone(),
        peers: Peers::new(screen.clone(), args.max_file),
        offers: Offers::default(),
        own,
        number: AtomicU8::new(0),
        directory: Mutex::default(),
        changed: Condvar::new(),
        groups: Mutex::default(),
        wanted: Mutex::default(),
        leaving: AtomicBool::new(false),
    });
    let mut input = screen.input(args.script.as_deref())?;
    if args.client_auth != ClientAuth::Require {
        screen.line("Careful: peers who connect need no certificate, so nobody's name is checked.");
    }
    receiving::sweep();
    chat.leave_on_signals()?;
    chat.log_in(options, &url)?;
    while let Some(line) = input.next() {
        if chat.leaving.load(Ordering::SeqCst) {
            break;
        }
        match Command::parse(&line) {
            Ok(None) => {}
            Ok(Some(Command::Logout)) => break,
            Ok(Some(command)) => chat.obey(command)?,
            Err(sentence) => screen.line(&sentence),
        }
    }
    chat.log_out();
    Ok(())
}

impl Chat {
    /// Does what was typed.
    fn obey(self: &Arc<Self>, command: Command) -> Result<()> {
        match command {
            Command::Chat(name) => self.tell(&ToDirectory::Request { to: name, group: None }),
            Command::Accept(name) => self.accept(&name),
            Command::Decline(name) => {
                self.offers.withdraw(&name);
                self.tell(&ToDirectory::Decline { to: name });
            }
            Command::Connect(name) => self.connect(&name),
            Command::Msg(to, text) => self.say(&to, &text),
            Command::Send(to, file) => self.peers.send_file(&to, file.as_ref()),
            Command::Create(group) => match check_group(&group) {
                Ok(()) => {
                    self.wanted().insert(group.clone());
                    self.tell(&ToDirectory::Create { group });
                }
                Err(e) => self.screen.line(&e.cause),
            },
            Command::Join(group) => {
                self.wanted().insert(group.clone());
                self.tell(&ToDirectory::Join { group });
            }
            Command::Who => self.tell(&ToDirectory::Who {}),
            Command::Help => HELP.lines().for_each(|line| self.screen.line(line)),
            Command::Wait(text) => return self.screen.wait(&text),
            Command::Logout => {}
        }
        Ok(())
    }

    /// To a person, or to the members of a group, each on the connection with them.
    fn say(&self, to: &str, text: &str) {
        let members = self.groups().get(to).cloned();
        match members {
            Some(members) if !self.peers.has(to) => members.iter().for_each(|member| self.peers.say(member, text, Some(to))),
            _ => self.peers.say(to, text, None),
        }
    }

    fn tell(&self, message: &ToDirectory) {
        let directory = self.directory().clone();
        if directory.is_none_or(|link| link.post(message).is_err()) {
            self.screen.line("The directory is not there; try again later.");
        }
    }

    /// Goodbye to all.
    fn log_out(&self) {
        let was_here = !self.leaving.swap(true, Ordering::SeqCst);
        self.offers.clear();
        self.peers.close();
        let directory = self.directory().clone();
        if let (true, Some(link)) = (was_here, directory)
            && link.post(&ToDirectory::Logout {}).is_ok()
        {
            let gone = |link: &mut Option<Arc<Link>>| link.is_some();
            drop(self.changed.wait_timeout_while(self.directory(), GOODBYE, gone));
        }
    }

    fn leave_on_signals(self: &Arc<Self>) -> Result<()> {
        let failed = |e: std::io::Error| Error::new("no-signals", format!("can't wait for signals: {e}"));
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]).map_err(failed)?;
        let this = self.clone();
        let wait = move || {
            if signals.forever().next().is_some() {
                this.log_out();
                terminal::restore(); // whoever is at the prompt is not waited for
                std::process::exit(0);
            }
        };
        thread::Builder::new().name("signals".into()).spawn(wait).map(drop).map_err(failed)
    }

    fn directory(&self) -> MutexGuard<'_, Option<Arc<Link>>> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<String>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
