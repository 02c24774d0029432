//! Handshake messages field by field: where each lies, what it says, what it is for, and where the RFC defines it.
//!
//! What is read here comes from strangers. A message that ends too early, or goes on too long, is explained as far as it can be,
//! and the rest is shown as bytes.

use super::records::Fields;
use serde::Serialize;

mod about;
mod after;
mod extension;
mod hello;
mod proof;

pub use about::{About, alert, alert_fields, change_cipher_spec, data, message, record};

/// So many fields of a message are explained. A browser's ClientHello has about 120; a hostile one could have thousands.
const FIELDS: usize = 400;

/// One field of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    pub name: String,
    /// Where it begins in the message, and how many bytes it is: those that tell its length, too.
    pub at: usize,
    pub length: usize,
    /// Its value, for people.
    pub says: String,
    /// What it is for.
    pub means: &'static str,
    /// `RFC 9846 4.2.2`, see [`address`].
    pub source: &'static str,
    pub inside: Vec<Field>,
}

/// Explains a whole message, header included. All of its bytes belong to some field. `version`: what was agreed on, or 0.
pub fn explain(message: &[u8], version: u16) -> Vec<Field> {
    let mut reader = Reader { rest: Fields(message), at: 0, left: FIELDS, found: Vec::new() };
    let kind = message.first().copied().unwrap_or_default();
    let _ = header(&mut reader, version).and_then(|()| body(&mut reader, kind, version)); // what was not read is shown as a rest
    reader.finish()
}

fn header(reader: &mut Reader<'_>, version: u16) -> Option<()> {
    let body = reader.rest.0.get(4..).unwrap_or_default();
    reader.bytes("msg_type", 1, "RFC 9846 4", "which message this is", |kind| {
        format!("{} = {}", kind[0], super::message::name(kind[0], body, version))
    })?;
    reader.bytes("length", 3, "RFC 9846 4", "of what follows", |length| number(length).to_string())?;
    Some(())
}

fn body(reader: &mut Reader<'_>, kind: u8, version: u16) -> Option<()> {
    match kind {
        1 => hello::client(reader),
        2 => hello::server(reader),
        4 if version != super::message::TLS13 => None,
        4 => after::new_session_ticket(reader),
        8 => extension::list(reader, extension::Place::EncryptedExtensions),
        11 => proof::certificate(reader, version),
        13 if version == super::message::TLS13 => proof::certificate_request(reader),
        15 => proof::certificate_verify(reader),
        20 => proof::finished(reader),
        24 => after::key_update(reader),
        _ => None,
    }
}

/// Reads fields, and remembers where each was.
struct Reader<'a> {
    rest: Fields<'a>,
    /// Where `rest` begins in the message.
    at: usize,
    /// Fields that may still be found.
    left: usize,
    found: Vec<Field>,
}

impl<'a> Reader<'a> {
    /// A field of so many bytes.
    fn bytes(
        &mut self,
        name: &str,
        length: usize,
        source: &'static str,
        means: &'static str,
        says: impl FnOnce(&'a [u8]) -> String,
    ) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let taken = self.rest.take(length)?;
        self.add(name, length, source, means, says(taken), Vec::new());
        Some(taken)
    }

    /// A vector that is one field: its length in so many bytes, then itself.
    fn vector(
        &mut self,
        name: &str,
        length_bytes: usize,
        source: &'static str,
        means: &'static str,
        says: impl FnOnce(&'a [u8]) -> String,
    ) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let taken = self.next_vector(length_bytes)?.0;
        self.add(name, length_bytes + taken.len(), source, means, says(taken), Vec::new());
        Some(taken)
    }

    /// A vector of fields, which `inner` reads. What it leaves is shown as a rest.
    fn group(
        &mut self,
        name: &str,
        length_bytes: usize,
        source: &'static str,
        means: &'static str,
        inner: impl FnOnce(&mut Reader<'a>) -> Option<()>,
    ) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        let content = self.next_vector(length_bytes)?;
        let mut reader = Reader { rest: content, at: self.at + length_bytes, left: self.left, found: Vec::new() };
        let _ = inner(&mut reader);
        self.left = reader.left;
        let says = count(content.0);
        self.add(name, length_bytes + content.0.len(), source, means, says, reader.finish());
        Some(())
    }

    /// Takes a vector, or nothing when it is not all there.
    fn next_vector(&mut self, length_bytes: usize) -> Option<Fields<'a>> {
        let mut ahead = self.rest;
        let content = ahead.vector(length_bytes)?;
        self.rest = ahead;
        Some(content)
    }

    /// All that is left, as one field.
    fn all(&mut self, name: &str, source: &'static str, means: &'static str, says: impl FnOnce(&'a [u8]) -> String) -> Option<&'a [u8]> {
        self.bytes(name, self.rest.0.len(), source, means, says)
    }

    /// What comes next in a list, until it ends.
    fn each(&mut self, mut one: impl FnMut(&mut Reader<'a>) -> Option<()>) -> Option<()> {
        while !self.rest.is_empty() {
            one(self)?;
        }
        Some(())
    }

    fn add(&mut self, name: &str, length: usize, source: &'static str, means: &'static str, says: String, inside: Vec<Field>) {
        self.found.push(Field { name: name.into(), at: self.at, length, says, means, source, inside });
        self.at += length;
    }

    fn finish(mut self) -> Vec<Field> {
        let rest = self.rest.0.len();
        if rest > 0 {
            self.add("rest", rest, "", "not explained here", format!("{rest} bytes"), Vec::new());
        }
        self.found
    }
}

/// The address of `RFC 9846 4.2.2`, or of an appendix: `RFC 9846 E.4`.
pub fn address(source: &str) -> Option<String> {
    let (number, section) = source.strip_prefix("RFC ")?.split_once(' ').unwrap_or((source.strip_prefix("RFC ")?, ""));
    let page = format!("https://www.rfc-editor.org/rfc/rfc{number}");
    Some(match section.chars().next() {
        None => page,
        Some(letter) if letter.is_ascii_uppercase() => format!("{page}#appendix-{section}"),
        Some(_) => format!("{page}#section-{section}"),
    })
}

fn number(bytes: &[u8]) -> usize {
    Fields(bytes).number(bytes.len()).unwrap_or_default()
}

/// For what is nothing but bytes.
fn count(bytes: &[u8]) -> String {
    match bytes.len() {
        0 => "empty".into(),
        1 => "1 byte".into(),
        length => format!("{length} bytes"),
    }
}
