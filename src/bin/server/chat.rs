//! The chat directory: people prove their names by certificates, learn who is here, and are introduced to each other.

#[path = "chat/pace.rs"]
mod pace;
#[path = "chat/people.rs"]
mod people;

use crate::{
    identity::{self, Side},
    options::Options,
};
use pace::Pace;
use padlock::{
    certificate::Identity,
    chat::{Directory, Ended, FromDirectory, Link, Refused, ToDirectory, of_user},
    error::{Result, printable},
    file,
    listener::{Connection, farewell},
    refusal, tls,
    trust::{ClientAuth, Trust},
};
use people::People;
use std::{net::SocketAddr, sync::Arc, time::Instant};

/// The chat service: what all its connections share.
pub struct Chat {
    options: Arc<Options>,
    pub side: Side,
    directory: Arc<Directory>,
    people: People,
}

impl Chat {
    pub fn new(options: &Arc<Options>, who: &Identity) -> Result<Chat> {
        Ok(Chat {
            options: options.clone(),
            side: Side::new(options, who, ClientAuth::Require, &[])?,
            directory: Directory::new(options.max_users),
            people: People::new(&options.authority, &options.places())?,
        })
    }

    /// One connection, from its first byte to its last.
    pub fn converse(&self, connection: Connection) {
        let Connection { stream, remote, pass } = connection;
        let tls = match tls::accept(stream, &self.side.config()) {
            Ok(tls) => tls,
            Err((failure, stream)) => {
                log::warn!(target: "tls", "{remote}: {}", refusal::server_side(&failure));
                return farewell(stream.socket());
            }
        };
        let link = Link::new(tls);
        match (pass.refused(), of_user(&link.chain)) {
            (Some(why), _) => turn_away(&link, remote, "too-busy", why),
            (None, None) => turn_away(&link, remote, "no-user", "Only people can log in: this certificate is a host's or a service's."),
            (None, Some(name)) => self.session(&name, &link, remote),
        }
    }

    /// From login to logout. The certificate says who speaks, never the message.
    fn session(&self, name: &str, link: &Arc<Link>, remote: SocketAddr) {
        let seat = match self.directory.join(name, link) {
            Ok(seat) => seat,
            Err(refused) => return turn_away(link, remote, refused.code, &refused.sentence),
        };
        log::info!(target: "chat", "{remote} {name} logged in");
        // A list that was signed between the handshake and now.
        identity::look(&self.options, |trust| throw_out_if_revoked(trust, name, link));
        let mut pace = Pace::default();
        let ended = link.listen(|message: ToDirectory| {
            if message != (ToDirectory::Who {}) {
                pace.keep(Instant::now());
            }
            let leaves = message == ToDirectory::Logout {};
            let whom = if let ToDirectory::Request { to, .. } = &message { to.clone() } else { String::new() };
            if let Err(refused) = seat.handle(message) {
                let Refused { code, sentence } = self.people.in_full(refused, &whom);
                log::info!(target: "chat", "{name}: {}", printable(&sentence));
                let _ = link.post(&FromDirectory::Refused { code: code.into(), sentence });
            }
            if leaves {
                link.hang_up("logged out");
            }
        });
        drop(seat);
        match ended {
            Ended::Closed => log::info!(target: "chat", "{remote} {name} left"),
            Ended::HungUp(why) => log::info!(target: "chat", "{remote} {name} is out: {why}"),
            Ended::Refused(why) => log::warn!(target: "chat", "{remote} {name} refused: {why}"),
            Ended::Lost(why) => log::info!(target: "chat", "{remote} {name} lost: {why}"),
        }
    }

    /// The authority has signed a new list: everybody learns it, and whoever is on it goes.
    pub fn look_again(&self, trust: &Trust) {
        if let Ok(list) = file::read(&self.options.places().crl("intermediate")) {
            self.directory.say(&FromDirectory::Revoked { list: String::from_utf8_lossy(&list).into_owned() });
        }
        self.directory.all().iter().for_each(|(name, link)| throw_out_if_revoked(trust, name, link));
    }

    /// The server stops. Chats between peers go on.
    pub fn close(&self) {
        for (_, link) in self.directory.all() {
            let _ = link.post(&FromDirectory::Bye { code: "stops".into(), reason: "the directory stops".into() });
            link.hang_up("we stop");
        }
    }
}

fn throw_out_if_revoked(trust: &Trust, name: &str, link: &Arc<Link>) {
    let Some(reason) = link.chain.first().and_then(|leaf| identity::taken_back(trust, name, leaf)) else { return };
    let _ = link.post(&FromDirectory::Bye { code: "revoked".into(), reason: reason.clone() });
    link.hang_up(&reason);
}

/// A word of why, and the end.
fn turn_away(link: &Arc<Link>, remote: SocketAddr, code: &str, sentence: &str) {
    log::warn!(target: "chat", "{remote} turned away: {sentence}");
    let _ = link.post(&FromDirectory::Refused { code: code.into(), sentence: sentence.into() });
    link.hang_up(sentence);
}
