//! Any bytes as a file: what it is gets told, in words that a terminal can show, and what was found in it is looked into.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::certificate::{faults, outside, summary};
use padlock::error::Error;
use padlock::key::pem::Item;
use padlock::key::{What, secret, what};
use padlock::trust::Trust;
use std::path::Path;
use time::OffsetDateTime;

fn printable(text: &str) {
    assert!(!text.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{text:?}");
}

fn readable(error: &Error) {
    printable(&error.cause);
    printable(&error.hint);
}

fn look_into(item: &Item) {
    match item {
        Item::Certificate(der) => {
            let _ = faults(der, OffsetDateTime::UNIX_EPOCH).map(|found| found.iter().for_each(readable)).map_err(|error| readable(&error));
            let _ = outside(der, der).map(|found| found.iter().for_each(readable));
            let _ = summary(der).map(|said| said.names.iter().for_each(|name| printable(&name.to_string())));
        }
        Item::Key(key) => drop(secret::kind(key)),
        Item::Request(der) => drop(padlock::request::check(der)),
        Item::Crl(der) => drop(Trust::web().and_revoked(der, "a list").map_err(|error| readable(&error))),
        Item::PublicKey(_) => {}
    }
}

fuzz_target!(|data: &[u8]| {
    let found = what(data);
    printable(&found.is());
    printable(&found.cure(Path::new("a.pem")));
    match found {
        What::Pem(items) => items.iter().for_each(look_into),
        What::Der(item) => look_into(&item),
        _ => {}
    }
    // And as if the base64 around it had said what it is.
    look_into(&Item::Certificate(data.to_vec().into()));
    look_into(&Item::Request(data.to_vec().into()));
    look_into(&Item::Crl(data.to_vec().into()));
});
