//! Any bytes as an error text: never a panic, what is found has a lesson, and what is not has neighbours.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::refusal::{nearest, recognise};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    match recognise(&text) {
        Some(found) => assert!(!found.lessons.is_empty() && !found.said.contains(char::is_control)),
        None => assert!(!nearest(&text).is_empty()),
    }
});
