//! Any bytes, in any pieces: frames hold messages or end the conversation, alike however the bytes arrive; what was heard can be said again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padlock::chat::{FRAME_MAX, Frames, FromDirectory, Peer, ToDirectory, frame};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// All messages, and how the stream ended.
fn heard<M: DeserializeOwned>(bytes: &[u8], size: usize) -> (Vec<M>, Result<bool, &'static str>) {
    let (mut frames, mut messages) = (Frames::default(), Vec::new());
    for piece in bytes.chunks(size) {
        frames.keep(piece);
        loop {
            match frames.ready() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(why) => return (messages, Err(why)),
            }
        }
    }
    (messages, Ok(frames.is_inside()))
}

fn try_out<M: Serialize + DeserializeOwned + Debug + PartialEq>(size: usize, bytes: &[u8]) {
    let whole = heard::<M>(bytes, usize::MAX);
    assert_eq!(whole, heard(bytes, size));
    for message in whole.0 {
        let again = frame(&message);
        // Members that may be left out are written, so what just fitted may not fit again.
        if again.len() <= FRAME_MAX {
            assert_eq!(heard::<M>(&again, usize::MAX), (vec![message], Ok(false)));
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = data.split_first() else { return };
    let size = usize::from(*size).max(1);
    // And as if the length in front had been right.
    let framed = u32::try_from(bytes.len()).map(|length| [&length.to_be_bytes(), bytes].concat()).unwrap_or_default();
    for bytes in [bytes, &framed] {
        try_out::<ToDirectory>(size, bytes);
        try_out::<FromDirectory>(size, bytes);
        try_out::<Peer>(size, bytes);
    }
});
