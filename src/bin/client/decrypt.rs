//! `./client decrypt CAPTURE`: what Wireshark does with a key log, one record at a time, each step shown.

use crate::options::{self, Options};
use crate::output;
use padlock::error::{Error, Result, exit, of_system};
use padlock::wire::{Connection, Dissected, Illustration, Known, Sealed, Shown, Speaker, dissect, hex};
use serde_json::json;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A capture is read as a whole. Lessons are small; so is what this takes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Lists the records of a connection, or opens one of them by hand.
pub fn decrypt(options: &Options, how: &options::Decrypt) -> Result<()> {
    let found = dissect(&read(&how.capture)?)?;
    let keys = match options.record.keylog() {
        Some(file) => String::from_utf8_lossy(&read(file)?).into_owned(),
        None => found.secrets.clone(),
    };
    if found.cut {
        output::note(options, &format!("{}: it holds too many connections, and the last are left out", how.capture.display()));
    }
    let connection = pick(&found, how)?;
    for flaw in &connection.flaws {
        output::note(options, &format!("{}: {flaw}, so what follows may not be all", how.capture.display()));
    }
    let known = Known { logged: secrets_of(connection, &keys), ..Known::default() };
    let told = Illustration::of_pieces(connection.pieces.iter().map(|(speaker, bytes)| (*speaker, bytes.as_slice())), &known);
    if told.cut {
        output::note(options, &format!("{}: the connection has too many records, and the last are left out", how.capture.display()));
    }
    match how.record {
        Some(number) => {
            let record = number.checked_sub(1).and_then(|at| told.records.get(at)).ok_or_else(|| no_record(number, told.records.len()))?;
            one(options, number, record, &told)
        }
        None if options.json => {
            let ends = (connection.client.to_string(), connection.server.to_string());
            output::line(&json!({"version": 1, "client": ends.0, "server": ends.1, "records": told.records}).to_string());
            Ok(())
        }
        None => {
            output::line(&format!("{} talks to {}", connection.client, connection.server));
            told.records.iter().zip(1..).for_each(|(record, number)| output::line(&in_short(number, record)));
            Ok(())
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let unreadable = |error: io::Error| {
        Error::new("no-capture", format!("{}: {}", file.display(), of_system(&error)))
            .in_file(file)
            .hint("name a file that can be read")
            .exit(exit::FAILED)
    };
    let mut bytes = Vec::new();
    File::open(file).and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new("large-capture", format!("{} is larger than {} MiB", file.display(), LARGEST >> 20))
            .hint("cut out the connection first: tshark -r LARGE -Y 'tcp.stream == 0' -w SMALL"));
    }
    Ok(bytes)
}

/// The connection that was asked for, of those that begin as TLS does.
fn pick<'a>(found: &'a Dissected, how: &options::Decrypt) -> Result<&'a Connection> {
    let speaks_tls = |connection: &&Connection| connection.pieces.first().is_some_and(|(_, bytes)| matches!(bytes[..], [20..=23, 3, ..]));
    let all: Vec<&Connection> = found.connections.iter().filter(speaks_tls).collect();
    let wanted = how.connection.checked_sub(1).and_then(|at| all.get(at));
    wanted.copied().ok_or_else(|| match all.len() {
        0 => Error::new("no-tls", format!("{}: no TCP connection in it begins as TLS does", how.capture.display()))
            .hint("capture from before the connection is made, and without a filter that leaves packets out (docs/wire.md)"),
        count => Error::new("no-connection", format!("{}: it holds {count} TLS connections", how.capture.display()))
            .hint(format!("name one of them: --connection 1 to {count}"))
            .exit(exit::USAGE),
    })
}

fn no_record(number: usize, count: usize) -> Error {
    Error::new("no-record", format!("there is no record {number}: the connection has {count}"))
        .hint("see them all: leave --record out")
        .exit(exit::USAGE)
}

/// The lines of the key log that are about this session: those with the random of its ClientHello (RFC 9850 2).
fn secrets_of(connection: &Connection, keys: &str) -> Vec<(String, Vec<u8>)> {
    let said = connection.pieces.iter().find(|(speaker, _)| *speaker == Speaker::Client).map(|(_, bytes)| bytes.as_slice());
    // Behind the headers of record and message, and the version.
    let random = said.and_then(|bytes| bytes.get(11..43)).map(hex).unwrap_or_default();
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (label, whose, secret) = (words.next()?, words.next()?, words.next()?);
        (whose.eq_ignore_ascii_case(&random)).then(|| Some((label.to_owned(), bytes(secret)?))).flatten()
    };
    keys.lines().filter_map(line).collect()
}

/// Hexadecimal, as key logs have it.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks(2).map(pair).collect()
}

fn in_short(number: usize, record: &Shown) -> String {
    let arrow = if record.speaker == Speaker::Client { '>' } else { '<' };
    let names: Vec<&str> = record.items.iter().map(|item| item.about.name.as_str()).collect();
    let inside = match &record.sealed {
        Some(sealed) => format!("{} ({}, number {})", names.join(", "), sealed.secret, sealed.number),
        None if names.is_empty() => "sealed, and no secret opens it".into(),
        None => names.join(", "),
    };
    format!("{number:>4} {arrow} {:<18} {:>6}  {inside}", record.about.name, record.length)
}

/// The steps from what travelled to what was meant (RFC 9846 5.2 to 5.4, 7.3).
fn one(options: &Options, number: usize, record: &Shown, told: &Illustration) -> Result<()> {
    let Some(sealed) = &record.sealed else {
        return Err(match record.about.name.as_str() {
            "application_data" => Error::new("no-secret", format!("record {number} stays sealed: no secret for it is in the key log"))
                .hint("give the key log of one of the two sides, written from before the handshake: --keylog FILE (docs/wire.md)"),
            kind => Error::new("not-sealed", format!("record {number} is not sealed: it says {kind}, in the clear"))
                .hint("choose one that says application_data: leave --record out to see them")
                .exit(exit::USAGE),
        });
    };
    if options.json {
        output::line(&json!({"version": 1, "number": number, "record": record}).to_string());
        return Ok(());
    }
    let suite = told.suite.as_deref().unwrap_or_default();
    steps(number, record, sealed, suite).iter().for_each(|line| output::line(line));
    Ok(())
}

fn steps(number: usize, record: &Shown, sealed: &Sealed, suite: &str) -> Vec<String> {
    let whose = if record.speaker == Speaker::Client { "client" } else { "server" };
    let sealed_bytes = record.body.len().saturating_sub(sealed.tag.len());
    let contents: Vec<u8> = record.items.iter().flat_map(|item| item.bytes.iter().copied()).collect();
    let names: Vec<&str> = record.items.iter().map(|item| item.about.name.as_str()).collect();
    let count = format!("{:024x}", sealed.number);
    vec![
        format!("record {number}, from the {whose}, {suite}"),
        format!("header           {}  (type 23, version, length {}; RFC 9846 5.2)", hex(&record.header), record.length),
        format!("secret           {}: {}  (from the key log; RFC 9850)", sealed.secret, hex(&sealed.secret_value)),
        format!("key              {}  = HKDF-Expand-Label(secret, \"key\", \"\", {})  (RFC 9846 7.3)", hex(&sealed.key), sealed.key.len()),
        format!("iv               {}  = HKDF-Expand-Label(secret, \"iv\", \"\", {})", hex(&sealed.iv), sealed.iv.len()),
        format!("number           {count}  (records with this key before it: {})", sealed.number),
        format!("nonce            {}  = iv xor number  (RFC 9846 5.3)", hex(&sealed.nonce)),
        format!("additional data  {}  = the header: changed by nobody, or the record does not open", hex(&record.header)),
        format!("sealed           {}  ({sealed_bytes} bytes)", shown(record.body.get(..sealed_bytes).unwrap_or_default())),
        format!("tag              {}  (the last 16 bytes; it fits)", hex(&sealed.tag)),
        format!("opened           {}  ({} bytes)", shown(&contents), contents.len()),
        format!("true type        {}  (the last byte that is not 0; RFC 9846 5.4)", sealed.inner_type),
        format!("padding          {}  (zeros behind it)", sealed.padding),
        format!("inside           {}", names.join(", ")),
    ]
}

/// As much as fits on a line.
fn shown(bytes: &[u8]) -> String {
    const FITS: usize = 32;
    if bytes.len() > FITS { format!("{}…", hex(&bytes[..FITS])) } else { hex(bytes) }
}
