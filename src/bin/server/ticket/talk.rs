//! What is said on such a WebSocket: who I am, then `{"msg": …}` again and again.

use super::{Tickets, ladder::Who};
use padlock::{
    error::printable,
    http::{self, BadJson},
    listener::Pass,
    mailbox::{Deadline, Ended, Mailbox, Room, Seat},
    refusal,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{net::SocketAddr, sync::Arc};
use tungstenite::{Message, Utf8Bytes, protocol::frame::coding::CloseCode};

/// Who has not said who they are may say so much at once: a token and its braces. Ten thousand strangers then hold little.
pub const FIRST_MAX: usize = 1024;
const WELCOME: &str = "Successfully authenticated.";
/// On the lowest rung.
const STRANGER: &str = "stranger";
/// What a stranger is told, whatever was wrong with the ticket: anything more would help to guess.
const UNAUTHENTICATED: &str = "unauthenticated";

#[derive(Deserialize)]
struct Opening {
    token: String,
}

#[derive(Deserialize)]
struct Saying {
    /// Whatever it is, it is passed on as it came.
    msg: Box<RawValue>,
}

/// One visitor, from the upgrade on.
pub struct Visitor<'a> {
    pub tickets: &'a Tickets,
    pub mailbox: &'a Arc<Mailbox>,
    pub remote: SocketAddr,
    pub pass: &'a Pass,
    /// Where all hear what one says. Without it, a visitor hears itself.
    pub room: Option<&'a Arc<Room>>,
}

/// How far they have come.
enum Stage {
    Unproven(Deadline),
    Proven(String, Option<Seat>),
    /// We have said Close. Whatever still comes is not looked at.
    Over(Option<String>),
}

impl Visitor<'_> {
    /// Converses until it is over. The thread that calls this does nothing else meanwhile.
    pub fn converse(&self, who: Who) {
        let mut stage = match who {
            Who::Later => Stage::Unproven(self.tickets.deadline(self.mailbox)),
            Who::Known(name) => self.enter(name, None),
            Who::Anybody => self.greet(STRANGER.into(), format!("hello {STRANGER}")),
        };
        let ended = self.mailbox.listen(|message| {
            let before = std::mem::replace(&mut stage, Stage::Over(None));
            stage = self.hear(before, &message);
        });
        match &stage {
            Stage::Unproven(deadline) if deadline.lift() => self.log("unauthenticated: it showed no ticket"),
            Stage::Unproven(_) => drop(self.too_late()),
            Stage::Proven(name, _) | Stage::Over(Some(name)) => return self.parted(&format!("{} ", printable(name)), &ended),
            Stage::Over(None) => {}
        }
        self.parted("", &ended);
    }

    fn hear(&self, stage: Stage, message: &Message) -> Stage {
        match (stage, message) {
            (Stage::Unproven(deadline), _) if !deadline.lift() => self.too_late(),
            (Stage::Unproven(_), Message::Text(text)) => self.open(text),
            (Stage::Proven(name, seat), Message::Text(text)) => self.pass_on(name, seat, text),
            (Stage::Proven(name, _), _) => self.refuse(Some(name), CloseCode::Unsupported, "text only"),
            (Stage::Unproven(_), _) => {
                self.log("unauthenticated: its first message is no text");
                self.refuse(None, CloseCode::Unsupported, "text only")
            }
            (over, _) => over,
        }
    }

    /// The first message has to be `{"token": "…"}`.
    fn open(&self, text: &str) -> Stage {
        let unauthenticated = self.tickets.codes.unauthenticated();
        let ticket = match http::json::<Opening>(text.as_bytes()) {
            Ok(Opening { token }) => token,
            Err(BadJson::Shape) => {
                self.log("unauthenticated: the first message shows no ticket");
                return self.refuse(None, unauthenticated, UNAUTHENTICATED);
            }
            Err(bad) => {
                self.log(&format!("unauthenticated: {bad}"));
                return self.refuse(None, CloseCode::Invalid, &bad.to_string());
            }
        };
        match self.tickets.counter.redeem(&ticket, self.remote.ip()) {
            Ok(name) => self.enter(name, Some(WELCOME)),
            Err(e) if e.code == "ticket-refused" => {
                self.log(&format!("unauthenticated: {e}"));
                self.refuse(None, unauthenticated, UNAUTHENTICATED)
            }
            Err(e) => {
                log::error!(target: "ticket", "{} unauthenticated: {e} ({})", self.remote, e.hint);
                self.refuse(None, CloseCode::Again, "the auth service can't be asked; try again later")
            }
        }
    }

    /// The proof was good.
    fn enter(&self, name: String, welcome: Option<&str>) -> Stage {
        if !self.pass.proven() {
            return Stage::Over(None); // the house was full, and others had come meanwhile
        }
        self.log(&format!("{} authenticated", printable(&name)));
        let welcome = welcome.map_or_else(|| format!("hello {name}"), str::to_owned);
        self.greet(name, welcome)
    }

    /// From here on it has a name, and may say more at once.
    fn greet(&self, name: String, welcome: String) -> Stage {
        self.mailbox.limit(self.tickets.max_message);
        // In front of all that the room says, and seen only when the seat is taken: an answer leaves after this.
        let _ = self.mailbox.answer(Message::text(welcome));
        Stage::Proven(name, self.room.map(|room| room.join(self.mailbox)))
    }

    fn too_late(&self) -> Stage {
        self.log("unauthenticated: it showed no ticket in time");
        Stage::Over(None)
    }

    /// To the visitor itself as it came, or to the room with the name that was proved; a name that the message claims is left out.
    fn pass_on(&self, name: String, seat: Option<Seat>, text: &Utf8Bytes) -> Stage {
        let saying = match http::json::<Saying>(text.as_bytes()) {
            Ok(saying) => saying,
            Err(BadJson::Shape) => return self.refuse(Some(name), CloseCode::Policy, r#"say {"msg": …}"#),
            Err(bad) => return self.refuse(Some(name), CloseCode::Invalid, &bad.to_string()),
        };
        log::info!(target: "ticket", "{} {} received {}", self.remote, printable(&name), printable(saying.msg.get()));
        match self.room {
            Some(room) => {
                let from = serde_json::Value::from(name.as_str());
                room.say(&Message::text(format!(r#"{{"from":{from},"msg":{}}}"#, saying.msg.get())));
            }
            None => drop(self.mailbox.answer(Message::Text(text.clone()))),
        }
        Stage::Proven(name, seat)
    }

    fn refuse(&self, name: Option<String>, code: CloseCode, reason: &str) -> Stage {
        self.mailbox.close(code, reason);
        Stage::Over(name)
    }

    fn parted(&self, name: &str, ended: &Ended) {
        let how = match ended {
            Ended::Closed(Some(frame)) if frame.reason.is_empty() => u16::from(frame.code).to_string(),
            Ended::Closed(Some(frame)) => format!("{} {}", u16::from(frame.code), printable(&frame.reason)),
            Ended::Closed(None) => "without a code".into(),
            Ended::Refused(code, why) => format!("refused with {}: {why}", u16::from(*code)),
            Ended::Lost(failure) => format!("lost: {}", refusal::server_session(failure)),
            Ended::TooSlow => "dropped: it does not read what is sent to it".into(),
        };
        self.log(&format!("{name}disconnected: {how}"));
    }

    fn log(&self, what: &str) {
        log::info!(target: "ticket", "{} {what}", self.remote);
    }
}
