//! Where a message ends in a stream of bytes: its length stands in front, in four bytes, the most significant first.

use crate::http::json;
use serde::{Serialize, de::DeserializeOwned};

/// No frame is longer: 920 characters and a piece of a file fit. Whoever announces more is not waited for.
pub const FRAME_MAX: usize = 16 * 1024;
const LENGTH: usize = 4;

/// A message as it travels.
pub fn frame(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![0; LENGTH];
    // Writing a type of ours into memory can't fail; if it did, an empty frame would end the conversation.
    let _ = serde_json::to_writer(&mut bytes, message);
    let length = u32::try_from(bytes.len() - LENGTH).unwrap_or(0);
    bytes[..LENGTH].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// Cuts a stream into messages, as [`Lines`](crate::mutual::Lines) cuts one into lines.
#[derive(Default)]
pub struct Frames {
    kept: Vec<u8>,
    /// So many bytes of `kept` were frames that have been taken.
    taken: usize,
}

impl Frames {
    /// Adds what has arrived.
    pub fn keep(&mut self, piece: &[u8]) {
        if self.taken > 0 {
            self.kept.drain(..self.taken);
            self.taken = 0;
        }
        self.kept.extend_from_slice(piece);
    }

    /// The next message, if it is whole.
    ///
    /// # Errors
    /// What came is no message. Nobody knows where the next one begins, or what the peer believes to have said: the
    /// conversation is over.
    pub fn ready<M: DeserializeOwned>(&mut self) -> Result<Option<M>, &'static str> {
        let rest = &self.kept[self.taken..];
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        match length {
            0 => return Err("a frame is empty"),
            length if length > FRAME_MAX => return Err("a frame is longer than 16384 bytes"),
            _ => {}
        }
        let Some(text) = rest.get(..length) else { return Ok(None) };
        let message = json(text).map_err(|_| "a frame holds no message that we know")?;
        self.taken += LENGTH + length;
        Ok(Some(message))
    }

    /// Whether a frame has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.kept.len() > self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Peer;
    use proptest::prelude::*;

    fn all(frames: &mut Frames) -> Result<Vec<Peer>, &'static str> {
        let mut messages = Vec::new();
        while let Some(message) = frames.ready()? {
            messages.push(message);
        }
        Ok(messages)
    }

    fn text(text: &str) -> Peer {
        Peer::Text { text: text.into(), group: None }
    }

    #[test]
    fn what_is_no_frame_ends_the_conversation() {
        let framed = |payload: &[u8]| [&u32::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat();
        let bad: [&[u8]; 8] = [
            &[0, 0, 0, 0],
            &[0xff; 4],
            &[0, 0, 0x40, 1],
            &framed(b"{}"),
            &framed(b"{\"type\":\"unknown\"}"),
            &framed(b"{\"type\":\"text\",\"text\":7}"),
            &framed(b"\xff\xff"),
            &framed(&b"{\"type\":".repeat(1_000)),
        ];
        for bytes in bad {
            let mut frames = Frames::default();
            frames.keep(bytes);
            assert!(frames.ready::<Peer>().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn ten_thousand_in_one_write_are_ten_thousand() {
        let mut frames = Frames::default();
        frames.keep(&frame(&text("hi")).repeat(10_000));
        assert_eq!(all(&mut frames).unwrap().len(), 10_000);
        assert!(!frames.is_inside());
    }

    proptest! {
        /// However the stream is cut, the same messages come out.
        #[test]
        fn messages_keep_their_bounds(texts in prop::collection::vec(".{0,40}", 1..8), cut in 1_usize..60) {
            let stream: Vec<u8> = texts.iter().flat_map(|said| frame(&text(said))).collect();
            let (mut frames, mut heard) = (Frames::default(), Vec::new());
            for piece in stream.chunks(cut) {
                frames.keep(piece);
                heard.extend(all(&mut frames).unwrap());
            }
            prop_assert_eq!(heard, texts.iter().map(|said| text(said)).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_messages_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut frames = Frames::default();
            frames.keep(&bytes);
            let _ = all(&mut frames);
        }
    }
}
