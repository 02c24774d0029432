//! Any bytes: a capture is read or refused, its connections are told, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::wire::{Illustration, Known, dissect};

fuzz_target!(|file: &[u8]| {
    let Ok(found) = dissect(file) else { return };
    for connection in &found.connections {
        let said: usize = connection.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(said <= file.len(), "nothing is said that was not in the file");
        let pieces = connection.pieces.iter().map(|(speaker, bytes)| (*speaker, bytes.as_slice()));
        let _ = Illustration::of_pieces(pieces, &Known::default());
    }
});
