//! A handshake, ready to be shown: every record and every message in it, each field explained, and the key schedule.

use super::explain::{self, About, Field, explain};
use super::hello::{ClientHello, ServerHello};
use super::hex;
use super::message::{FINISHED, NEW_SESSION_TICKET, SERVER_HELLO, TLS13};
use super::recording::Kept;
use super::records::{Fields, Record};
use super::schedule::{Known, Schedule, Suite};
use super::sealed::Opened;
use super::session::{Inside, Seen, Session, Speaker};
use super::transcript::Transcript;
use serde::{Serialize, Serializer};

/// So many records are shown. One takes some 600 bytes, and an empty one has five in a stranger's file.
const RECORDS: usize = 256 * 1024;
/// What is looked into between two looks at how many they are.
const PIECE: usize = 64 * 1024;

/// The handshake of one connection.
#[derive(Serialize)]
pub struct Illustration {
    /// `TLS 1.3`, once it was agreed on.
    pub version: Option<&'static str>,
    pub suite: Option<String>,
    pub resumed: bool,
    pub records: Vec<Shown>,
    #[serde(serialize_with = "super::steps::serialize")]
    pub schedule: Option<Schedule>,
    /// More passed than was kept, or is shown.
    pub cut: bool,
}

/// A record as it travelled.
#[derive(Serialize)]
pub struct Shown {
    pub speaker: Speaker,
    pub about: About,
    #[serde(serialize_with = "as_hex")]
    pub header: Vec<u8>,
    /// The length that the header says.
    pub length: usize,
    /// What follows it, sealed or not.
    #[serde(serialize_with = "as_hex")]
    pub body: Vec<u8>,
    /// How it was opened, when it was sealed and could be.
    pub sealed: Option<Sealed>,
    pub items: Vec<Item>,
}

/// How a sealed record was opened (RFC 9846 5.2, 5.3).
#[derive(Serialize)]
pub struct Sealed {
    /// The label of the traffic secret: `s hs traffic`.
    pub secret: String,
    #[serde(serialize_with = "as_hex")]
    pub secret_value: Vec<u8>,
    /// What is made of it.
    #[serde(serialize_with = "as_hex")]
    pub key: Vec<u8>,
    #[serde(serialize_with = "as_hex")]
    pub iv: Vec<u8>,
    /// Records that were sealed with the same keys before.
    pub number: u64,
    #[serde(serialize_with = "as_hex")]
    pub nonce: Vec<u8>,
    /// The last 16 bytes: the proof that nothing was changed.
    #[serde(serialize_with = "as_hex")]
    pub tag: Vec<u8>,
    pub inner_type: u8,
    pub padding: usize,
}

/// What is in a record: a message, an alert, data.
#[derive(Serialize)]
pub struct Item {
    pub about: About,
    #[serde(serialize_with = "as_hex")]
    pub bytes: Vec<u8>,
    pub fields: Vec<Field>,
    /// For a Finished: whether its checksum is the one that we compute.
    pub verified: Option<bool>,
}

fn as_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(bytes))
}

impl Illustration {
    /// Reads a recording, opens what its secrets open, and computes what they make computable.
    pub fn of(kept: &Kept) -> Illustration {
        Illustration { cut: kept.cut, ..Illustration::of_pieces(kept.pieces(), &kept.known) }
    }

    /// As [`of`](Illustration::of), for a whole session from elsewhere: what each side said, in order. Past some 260,000 records
    /// the rest is left out.
    pub fn of_pieces<'a>(pieces: impl Iterator<Item = (Speaker, &'a [u8])>, known: &Known) -> Illustration {
        let (mut session, mut transcript) = (Session::default(), Transcript::default());
        let mut all: Vec<Seen> = Vec::new();
        for (label, secret) in &known.logged {
            all.extend(session.secret(label, secret));
        }
        let mut cut = false;
        for (speaker, bytes) in pieces.flat_map(|(speaker, bytes)| bytes.chunks(PIECE).map(move |piece| (speaker, piece))) {
            cut = all.len() >= RECORDS;
            if cut {
                break;
            }
            all.extend(session.bytes(speaker, bytes));
        }
        all.extend(session.end());
        all.sort_by_key(|seen| seen.place);
        let mut resumed = false;
        for (speaker, message) in all.iter().flat_map(messages) {
            transcript.add(speaker, message);
            let hello = message.get(4..).filter(|_| message.first() == Some(&SERVER_HELLO)).and_then(ServerHello::read);
            resumed |= hello.is_some_and(|hello| hello.resumes);
        }
        let modern = session.version() == TLS13;
        let suite = Suite::of(session.suite()).filter(|_| modern);
        let schedule = suite.map(|suite| Schedule::of(suite, resumed, known, &transcript));
        let show = Show { schedule: schedule.as_ref(), transcript: &transcript };
        let records = all.iter().map(|seen| show.record(seen)).collect();
        Illustration {
            version: super::registry::version_name(session.version()),
            suite: (session.suite() != 0).then(|| super::registry::suite(session.suite())),
            resumed,
            records,
            schedule,
            cut,
        }
    }

    /// All messages in their order, sealed or not.
    pub fn items(&self) -> impl Iterator<Item = (Speaker, &Item)> {
        self.records.iter().flat_map(|record| record.items.iter().map(|item| (record.speaker, item)))
    }

    /// The tickets that were given out, each with the PSK that it stands for; none while the secrets are not known.
    pub fn tickets(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Some((schedule, resumption)) = self.schedule.as_ref().and_then(|schedule| Some((schedule, schedule.secret("res master")?)))
        else {
            return Vec::new();
        };
        let read = |message: &[u8]| {
            let mut fields = Fields(message.strip_prefix(&[NEW_SESSION_TICKET])?);
            fields.take(3 + 4 + 4)?; // the message's length, the ticket's lifetime, what is added to its age
            let psk = schedule.suite.ticket_psk(resumption, fields.vector(1)?.0)?;
            Some((fields.vector(2)?.0.to_vec(), psk))
        };
        self.items().filter_map(|(_, item)| read(&item.bytes)).collect()
    }

    /// What the client offered in its first hello.
    pub fn client_hello(&self) -> Option<ClientHello> {
        let (_, item) = self.items().find(|(_, item)| item.bytes.first() == Some(&1) && item.about.name == "ClientHello")?;
        ClientHello::read(item.bytes.get(4..)?)
    }
}

fn messages(seen: &Seen) -> impl Iterator<Item = (Speaker, &[u8])> {
    let messages: &[Vec<u8>] = if let Inside::Messages(messages) = &seen.inside { messages } else { &[] };
    messages.iter().map(|message| (seen.speaker, message.as_slice()))
}

struct Show<'a> {
    schedule: Option<&'a Schedule>,
    transcript: &'a Transcript,
}

impl Show<'_> {
    fn record(&self, seen: &Seen) -> Shown {
        let items = match &seen.inside {
            Inside::ChangeCipherSpec => vec![item(explain::change_cipher_spec(seen.version), &seen.record.body, Vec::new())],
            Inside::Alert { level, description } => {
                vec![item(explain::alert(*description), &[*level, *description], explain::alert_fields(*level, *description))]
            }
            Inside::Messages(messages) => messages.iter().map(|message| self.message(seen, message)).collect(),
            Inside::Data(data) => vec![item(explain::data(), data, Vec::new())],
            Inside::Dark => Vec::new(),
        };
        Shown {
            speaker: seen.speaker,
            about: explain::record(seen.record.kind()),
            header: seen.record.header.to_vec(),
            length: seen.record.body.len(),
            body: seen.record.body.clone(),
            sealed: seen.opened.as_ref().map(|opened| self.sealed(&seen.record, opened)),
            items,
        }
    }

    fn message(&self, seen: &Seen, message: &[u8]) -> Item {
        let about = explain::message(seen.speaker, message, seen.version);
        let verified = if message.first() == Some(&FINISHED) { self.verified(seen.speaker, message) } else { None };
        Item { verified, ..item(about, message, explain(message, seen.version)) }
    }

    /// Whether a Finished is the checksum that it should be. `None`: a secret is missing.
    fn verified(&self, speaker: Speaker, message: &[u8]) -> Option<bool> {
        let schedule = self.schedule?;
        let (label, before) = match speaker {
            Speaker::Server => ("s hs traffic", &self.transcript.before_server_finished),
            Speaker::Client => ("c hs traffic", &self.transcript.before_client_finished),
        };
        let expected = schedule.suite.verify_data(schedule.secret(label)?, before.as_ref()?)?;
        Some(message.get(4..) == Some(&expected[..]))
    }

    fn sealed(&self, record: &Record, opened: &Opened) -> Sealed {
        let secrets = self.schedule.map(|schedule| schedule.secrets.as_slice()).unwrap_or_default();
        let secret = secrets.iter().find(|secret| secret.value() == Some(&opened.secret[..]));
        Sealed {
            secret: secret.map_or("after a KeyUpdate", |secret| secret.label).into(),
            secret_value: opened.secret.to_vec(),
            key: opened.keys.key.clone(),
            iv: opened.keys.iv.to_vec(),
            number: opened.number,
            nonce: opened.nonce.to_vec(),
            tag: record.body.last_chunk::<16>().map(|tag| tag.to_vec()).unwrap_or_default(),
            inner_type: opened.kind,
            padding: opened.padding,
        }
    }
}

fn item(about: About, bytes: &[u8], fields: Vec<Field>) -> Item {
    Item { about, bytes: bytes.to_vec(), fields, verified: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_records_are_shown_than_fit() {
        let empty = [23, 3, 3, 0, 0];
        for (records, cut) in [(RECORDS / 2, false), (RECORDS * 2, true)] {
            let told = Illustration::of_pieces([(Speaker::Client, &empty.repeat(records)[..])].into_iter(), &Known::default());
            assert!(told.cut == cut && told.records.len() <= RECORDS + PIECE / empty.len(), "{records}: {}", told.records.len());
        }
    }
}
