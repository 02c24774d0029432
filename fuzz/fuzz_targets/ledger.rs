//! Any text: the ledger's parser never panics, and what it accepts is read back alike after it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::authority::Ledger;

fuzz_target!(|text: &str| {
    let Ok(ledger) = Ledger::parse(text) else { return };
    let written = ledger.to_string();
    assert_eq!(Ledger::parse(&written).expect("what we write we can read"), ledger);
    assert_eq!(written.lines().count(), ledger.entries.len());
});
