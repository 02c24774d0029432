//! Any bytes on any line: records, lines and frames are looked at, and nothing told could move a cursor.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::wire::{Direction, Sight, Stranger, Watcher};

fuzz_target!(|pieces: Vec<(bool, Vec<u8>)>| {
    let stranger = Stranger::new(|_, sight| {
        if let Sight::Clear(text) = sight {
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    });
    for (sent, bytes) in &pieces {
        stranger.seen(if *sent { Direction::Sent } else { Direction::Received }, bytes);
    }
    for direction in [Direction::Sent, Direction::Received] {
        stranger.ended(direction);
    }
});
