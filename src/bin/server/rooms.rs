//! What is said over WebSocket, path by path.

use crate::tapped::Tapped;
use padlock::{
    error::printable,
    mailbox::{Ended, Mailbox, Room},
    refusal,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tungstenite::Message;

/// The conversations that the web service knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// `/`: says `welcome`, then answers each message with how many there have been, from all connections together.
    Counter,
    /// `/echo`: says what it hears.
    Echo,
    /// `/room`: what one says, all hear.
    Room,
    /// `/wiretap/view`: what a stranger sees of two other conversations.
    Wiretap,
}

/// What the conversations share.
#[derive(Default)]
pub struct Rooms {
    messages: AtomicU64,
    room: Arc<Room>,
    /// Every conversation there is, to tell them all when the server stops.
    pub everyone: Arc<Room>,
}

impl Topic {
    pub fn at(path: &str) -> Option<Topic> {
        match path {
            "/" => Some(Topic::Counter),
            "/echo" => Some(Topic::Echo),
            "/room" => Some(Topic::Room),
            "/wiretap/view" => Some(Topic::Wiretap),
            _ => None,
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Topic::Counter => "/",
            Topic::Echo => "/echo",
            Topic::Room => "/room",
            Topic::Wiretap => "/wiretap/view",
        }
    }

    /// The subprotocol, for a client that wants to be sure whom it talks to.
    pub fn protocol(self) -> &'static str {
        match self {
            Topic::Counter => "counter.v1",
            Topic::Echo => "echo.v1",
            Topic::Room => "room.v1",
            Topic::Wiretap => "wiretap.v1",
        }
    }
}

impl Rooms {
    /// Converses until it is over. The thread that calls this does nothing else meanwhile.
    pub fn converse(&self, topic: Topic, mailbox: &Arc<Mailbox>, remote: SocketAddr, tapped: &Arc<Tapped>) {
        let _here = self.everyone.join(mailbox);
        let ended = match topic {
            Topic::Counter => self.count(mailbox),
            Topic::Echo => mailbox.listen(|message| drop(mailbox.answer(message))),
            Topic::Room => {
                let _seat = self.room.join(mailbox);
                mailbox.listen(|message| self.room.say(&message))
            }
            Topic::Wiretap => tapped.converse(mailbox),
        };
        match ended {
            Ended::Closed(Some(frame)) if frame.reason.is_empty() => {
                log::info!(target: "websocket", "{remote} closed: {}", u16::from(frame.code));
            }
            Ended::Closed(Some(frame)) => {
                log::info!(target: "websocket", "{remote} closed: {} {}", u16::from(frame.code), printable(&frame.reason));
            }
            Ended::Closed(None) => log::info!(target: "websocket", "{remote} closed"),
            Ended::Refused(code, why) => log::warn!(target: "websocket", "{remote} refused with {}: {why}", u16::from(code)),
            Ended::Lost(failure) => log::info!(target: "websocket", "{remote} lost: {}", refusal::server_session(&failure)),
            Ended::TooSlow => log::warn!(target: "mailbox", "{remote} dropped: it does not read what is sent to it"),
        }
    }

    fn count(&self, mailbox: &Arc<Mailbox>) -> Ended {
        let _ = mailbox.post(Message::text("welcome"));
        mailbox.listen(|message| {
            match &message {
                Message::Text(text) => log::info!(target: "websocket", "received msg: {}", printable(text)),
                other => log::info!(target: "websocket", "received msg: {} bytes", other.len()),
            }
            let n = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
            let _ = mailbox.answer(Message::text(format!("counter: {n}")));
        })
    }
}
