//! The chats that are open: a connection each, a thread that listens to each.

use super::files::{self, Incoming, Step};
use super::own::Own;
use super::screen::Screen;
use padlock::chat::{Ended, Link, Peer, TEXT_MAX};
use padlock::error::{escape, printable};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Chats at a time.
const PEERS_MAX: usize = 20;
/// What a peer says that logs out.
const LEFT: &str = "logged out";
/// Why a chat ends when we log out.
const OURS: &str = "you logged out";

pub struct Peers {
    screen: Arc<Screen>,
    open: Arc<Mutex<BTreeMap<String, Arc<Link>>>>,
    outgoing: Arc<Mutex<Outgoing>>,
    max_file: usize,
}

/// Files on their way, and those behind them, for each peer: a piece does not say of which file it is, so they go one by one.
type Outgoing = BTreeMap<String, VecDeque<(Arc<Link>, PathBuf)>>;

impl Peers {
    pub fn new(screen: Arc<Screen>, max_file: usize) -> Peers {
        Peers { screen, open: Arc::default(), outgoing: Arc::default(), max_file }
    }

    pub fn has(&self, name: &str) -> bool {
        self.open().contains_key(name)
    }

    /// A chat with `name`, whose certificate has been looked at, if one was asked for.
    pub fn begin(&self, name: &str, link: Arc<Link>, own: &Own) {
        {
            let mut open = self.open();
            if open.len() >= PEERS_MAX || open.contains_key(name) {
                drop(open);
                let full = format!("{PEERS_MAX} chats are open, and that is the limit");
                let why = if self.has(name) { "there is a chat already".to_owned() } else { full };
                self.screen.line(&format!("No chat with {name}: {why}."));
                let _ = link.post(&Peer::Bye { reason: why.clone() });
                return link.hang_up(&why);
            }
            open.insert(name.to_owned(), link.clone());
        }
        // A list that came during the handshake found no chat to end, and the handshake knew only the list before it.
        let revoked = if link.chain.is_empty() { None } else { own.refuses(&link.chain) };
        if let Some(e) = revoked {
            self.open().remove(name);
            self.screen.line(&printable(&format!("refused: {e}")));
            return link.hang_up(&e.cause);
        }
        self.listen(name, link);
    }

    fn listen(&self, name: &str, link: Arc<Link>) {
        self.screen.knows(name);
        self.screen.line(&match link.chain.is_empty() {
            false => format!("{name} certificate successfully VERIFIED."),
            true => format!("{name} has shown no certificate: this may be anybody."),
        });
        let (screen, open, max_file, name) = (self.screen.clone(), self.open.clone(), self.max_file, name.to_owned());
        let listens = move || {
            let mut incoming = None;
            let ended = link.listen(|message| hear(&screen, &name, &link, &mut incoming, max_file, message));
            open.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            let told = match ended {
                Ended::HungUp(why) if why == OURS => return, // everybody is left at once
                Ended::HungUp(why) if why == LEFT => format!("{name} has left the chat."),
                Ended::Closed => format!("{name} has left the chat."),
                Ended::HungUp(why) | Ended::Lost(why) => format!("The chat with {name} is over: {why}"),
                Ended::Refused(why) => format!("The chat with {name} is over: {why}"),
            };
            screen.line(&printable(&told));
        };
        if thread::Builder::new().name("peer".into()).spawn(listens).is_err() {
            self.screen.line("the system gives no more threads: end a chat first");
        }
    }

    /// Says `text` to somebody; because of `group`, if one is named.
    pub fn say(&self, to: &str, text: &str, group: Option<&str>) {
        let length = text.chars().count();
        if length > TEXT_MAX {
            return self.screen.line(&format!("A message has {TEXT_MAX} characters at most; this one has {length}."));
        }
        let link = self.open().get(to).cloned();
        let message = Peer::Text { text: text.to_owned(), group: group.map(str::to_owned) };
        if link.is_none_or(|link| link.say(&message).is_err()) {
            self.screen.line(&format!("You are not connected to {}: chat, then connect.", printable(to)));
        }
    }

    /// Sends a file when those before it are sent, on a thread of its own: talk goes on meanwhile.
    pub fn send_file(&self, to: &str, file: &Path) {
        let Some(link) = self.open().get(to).cloned() else {
            return self.screen.line(&format!("You are not connected to {}: chat, then connect.", printable(to)));
        };
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = outgoing.get_mut(to) {
            return waiting.push_back((link, file.to_owned()));
        }
        outgoing.insert(to.to_owned(), VecDeque::from([(link, file.to_owned())]));
        drop(outgoing);
        let (screen, outgoing, whose, max_file) = (self.screen.clone(), self.outgoing.clone(), to.to_owned(), self.max_file);
        let sends = move || {
            while let Some((link, file)) = next(&outgoing, &whose) {
                if let Err(e) = files::send(&screen, &link, &whose, &file, max_file) {
                    screen.line(&printable(&e.cause));
                }
            }
        };
        if thread::Builder::new().name("file".into()).spawn(sends).is_err() {
            self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).remove(to);
            self.screen.line("the system gives no more threads: end a chat first");
        }
    }

    /// Ends the chats with people whose certificates are believed no more.
    pub fn look_again(&self, own: &Own) {
        let open: Vec<_> = self.open().iter().map(|(name, link)| (name.clone(), link.clone())).collect();
        // Whoever has shown no certificate has none that could be taken back.
        for (_, link) in open.into_iter().filter(|(_, link)| !link.chain.is_empty()) {
            if let Some(e) = own.refuses(&link.chain) {
                let _ = link.post(&Peer::Bye { reason: e.cause.clone() });
                link.hang_up(&e.cause);
            }
        }
    }

    pub fn close(&self) {
        let open: Vec<_> = self.open().values().cloned().collect();
        for link in open {
            let _ = link.post(&Peer::Bye { reason: LEFT.into() });
            link.hang_up(OURS);
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Link>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next file for somebody. Without one, the thread that sends ends.
fn next(outgoing: &Mutex<Outgoing>, to: &str) -> Option<(Arc<Link>, PathBuf)> {
    let mut outgoing = outgoing.lock().unwrap_or_else(PoisonError::into_inner);
    let file = outgoing.get_mut(to).and_then(VecDeque::pop_front);
    if file.is_none() {
        outgoing.remove(to);
    }
    file
}

/// What a peer says. Who it is, the certificate has said.
fn hear(screen: &Screen, name: &str, link: &Arc<Link>, incoming: &mut Option<Incoming>, max_file: usize, message: Peer) {
    match message {
        Peer::Text { text, .. } if text.chars().count() > TEXT_MAX => link.hang_up("a message was longer than may be"),
        Peer::Text { text, group } => {
            let place = group.map(|group| format!(" in {}", printable(&group))).unwrap_or_default();
            screen.line(&format!("Received message from: {name}{place}"));
            screen.line(&format!("Message: {}", escape(&text)));
        }
        Peer::File { name: said, size, sha256 } => match Incoming::new(&said, size, &sha256, max_file) {
            Ok(file) => *incoming = Some(file),
            Err(e) => {
                screen.line(&printable(&format!("{name} wants to send a file: {e}")));
                let _ = link.post(&Peer::Stop { reason: e.cause });
            }
        },
        Peer::Piece { data } => match incoming.take().map(|file| file.add(&data)) {
            None => {} // of a file that was refused
            Some(Ok(Step::More(file))) => *incoming = Some(file),
            Some(Ok(Step::Done(file))) => screen.line(&format!("Received file from: {name}: {file}")),
            Some(Err(e)) => {
                screen.line(&printable(&format!("the file of {name} is refused: {e}")));
                let _ = link.post(&Peer::Stop { reason: e.cause });
            }
        },
        Peer::Stop { reason } => {
            *incoming = None;
            screen.line(&printable(&format!("{name} stops the file: {reason}")));
        }
        Peer::Bye { reason } => link.hang_up(&printable(&reason)),
    }
}
