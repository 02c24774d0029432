//! The chats that are open: a connection each, a thread that listens to each.

use super::own::Own;
use super::receiving::{Incoming, Step};
use super::screen::Screen;
use super::sending::{Answer, Outgoing};
use padlock::chat::{Ended, Link, Peer, TEXT_MAX};
use padlock::error::{Error, escape, printable};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Chats at a time.
const PEERS_MAX: usize = 20;
/// What a peer says that logs out.
const LEFT: &str = "logged out";
/// Why a chat ends when we log out.
const OURS: &str = "you logged out";
const NO_THREADS: &str = "the system gives no more threads: end a chat first";

pub struct Peers {
    screen: Arc<Screen>,
    open: Arc<Mutex<BTreeMap<String, Open>>>,
    max_file: usize,
}

/// A chat. Nobody who types waits for a peer: what is said is posted, and files have a thread that sends them.
#[derive(Clone)]
struct Open {
    link: Arc<Link>,
    files: Outgoing,
}

impl Peers {
    pub fn new(screen: Arc<Screen>, max_file: usize) -> Peers {
        Peers { screen, open: Arc::default(), max_file }
    }

    pub fn has(&self, name: &str) -> bool {
        self.open().contains_key(name)
    }

    /// A chat with `name`, whose certificate has been looked at, if one was asked for.
    pub fn begin(&self, name: &str, link: Arc<Link>, own: &Own) {
        let (answers, answered) = sync_channel(1);
        let Ok(files) = Outgoing::begin(&self.screen, &link, name, self.max_file, answered) else {
            self.screen.line(NO_THREADS);
            return link.hang_up("we have no thread left");
        };
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
            open.insert(name.to_owned(), Open { link: link.clone(), files });
        }
        // A list that came during the handshake found no chat to end, and the handshake knew only the list before it.
        let revoked = if link.chain.is_empty() { None } else { own.refuses(&link.chain) };
        if let Some(e) = revoked {
            self.open().remove(name);
            self.screen.line(&printable(&format!("refused: {e}")));
            return link.hang_up(&e.cause);
        }
        self.listen(name, link, answers);
    }

    fn listen(&self, name: &str, link: Arc<Link>, answers: SyncSender<Answer>) {
        self.screen.knows(name);
        self.screen.line(&match link.chain.is_empty() {
            false => format!("{name} certificate successfully VERIFIED."),
            true => format!("{name} has shown no certificate: this may be anybody."),
        });
        let (screen, open, max_file, whose) = (self.screen.clone(), self.open.clone(), self.max_file, name.to_owned());
        let listens = move || {
            let mut peer = Speaker { name: &whose, screen: &screen, link: &link, answers, incoming: None, max_file };
            let ended = link.listen(|message| peer.says(message));
            open.lock().unwrap_or_else(PoisonError::into_inner).remove(&whose);
            let told = match ended {
                Ended::HungUp(why) if why == OURS => return, // everybody is left at once
                Ended::HungUp(why) if why == LEFT => format!("{whose} has left the chat."),
                Ended::Closed => format!("{whose} has left the chat."),
                Ended::HungUp(why) | Ended::Lost(why) => format!("The chat with {whose} is over: {why}"),
                Ended::Refused(why) => format!("The chat with {whose} is over: {why}"),
            };
            screen.line(&printable(&told));
        };
        if thread::Builder::new().name("peer".into()).spawn(listens).is_err() {
            self.open().remove(name);
            self.screen.line(NO_THREADS);
        }
    }

    /// Says `text` to somebody; because of `group`, if one is named.
    pub fn say(&self, to: &str, text: &str, group: Option<&str>) {
        let length = text.chars().count();
        if length > TEXT_MAX {
            return self.screen.line(&format!("A message has {TEXT_MAX} characters at most; this one has {length}."));
        }
        let open = self.open().get(to).cloned();
        let message = Peer::Text { text: text.to_owned(), group: group.map(str::to_owned) };
        if open.is_none_or(|open| open.link.post(&message).is_err()) {
            self.screen.line(&format!("You are not connected to {}: chat, then connect.", printable(to)));
        }
    }

    /// Sends a file when those before it are sent.
    pub fn send_file(&self, to: &str, file: &Path) {
        let Some(open) = self.open().get(to).cloned() else {
            return self.screen.line(&format!("You are not connected to {}: chat, then connect.", printable(to)));
        };
        if let Err(sentence) = open.files.add(file) {
            self.screen.line(&sentence);
        }
    }

    /// Ends the chats with people whose certificates are believed no more.
    pub fn look_again(&self, own: &Own) {
        // Whoever has shown no certificate has none that could be taken back.
        for link in self.links().into_iter().filter(|link| !link.chain.is_empty()) {
            if let Some(e) = own.refuses(&link.chain) {
                let _ = link.post(&Peer::Bye { reason: e.cause.clone() });
                link.hang_up(&e.cause);
            }
        }
    }

    pub fn close(&self) {
        for link in self.links() {
            let _ = link.post(&Peer::Bye { reason: LEFT.into() });
            link.hang_up(OURS);
        }
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.open().values().map(|open| open.link.clone()).collect()
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A peer whom we listen to. Who it is, the certificate has said.
struct Speaker<'a> {
    name: &'a str,
    screen: &'a Screen,
    link: &'a Arc<Link>,
    /// For the thread that sends files to this peer.
    answers: SyncSender<Answer>,
    /// A piece does not say of which file it is: they come one after the other.
    incoming: Option<Incoming>,
    max_file: usize,
}

impl Speaker<'_> {
    fn says(&mut self, message: Peer) {
        let name = self.name;
        match message {
            Peer::Text { text, .. } if text.chars().count() > TEXT_MAX => self.link.hang_up("a message was longer than may be"),
            Peer::Text { text, group } => {
                let place = group.map(|group| format!(" in {}", printable(&group))).unwrap_or_default();
                self.screen.line(&format!("Received message from: {name}{place}"));
                self.screen.line(&format!("Message: {}", escape(&text)));
            }
            Peer::File { name: file, size, sha256 } => match Incoming::new(&file, size, &sha256, self.max_file) {
                Ok(incoming) => self.incoming = Some(incoming),
                Err(e) => self.stop(file, &e),
            },
            Peer::Piece { data } => {
                let Some(incoming) = self.incoming.take() else { return }; // of a file that was refused
                let file = incoming.said.clone();
                match incoming.add(&data) {
                    Ok(Step::More(incoming)) => self.incoming = Some(incoming),
                    Ok(Step::Done(received)) => {
                        let _ = self.link.post(&Peer::Kept { name: file });
                        self.screen.line(&format!("Received file from: {name}: {received}"));
                    }
                    Err(e) => self.stop(file, &e),
                }
            }
            // One that nobody waits for is nobody's loss but the peer's own.
            Peer::Kept { name: file } => drop(self.answers.try_send(Answer { file, refused: None })),
            Peer::Stop { name: file, reason } => drop(self.answers.try_send(Answer { file, refused: Some(reason) })),
            Peer::Bye { reason } => self.link.hang_up(&printable(&reason)),
        }
    }

    /// A file of theirs is not taken, or no more of it.
    fn stop(&mut self, file: String, why: &Error) {
        self.screen.line(&printable(&format!("{} wants to send {file}: {why}", self.name)));
        let _ = self.link.post(&Peer::Stop { name: file, reason: why.cause.clone() });
    }
}
