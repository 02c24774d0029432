/// Follows the frames in a stream of bytes (RFC 6455 5.2), to know when it stands between two messages.
///
/// tungstenite does not tell whether a part of the next frame lies in its buffers. Between messages nothing does, and that is
/// when a buffer that has grown with a long message can be exchanged for a small one.
#[derive(Default)]
pub struct Edge {
    /// The header of the frame that is being read, as far as it is here.
    header: [u8; 14],
    have: usize,
    /// What is missing of its payload.
    payload: u64,
    /// A fragmented message has begun and not ended.
    inside: bool,
}

impl Edge {
    /// Whether everything that was passed ends with a whole message.
    pub fn reached(&self) -> bool {
        self.have == 0 && self.payload == 0 && !self.inside
    }

    /// Follows the stream over `bytes`.
    pub fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let n = self.payload.min(bytes.len() as u64);
                self.payload -= n;
                bytes = &bytes[n as usize..];
                continue;
            }
            self.header[self.have] = first;
            self.have += 1;
            bytes = rest;
            if self.have == self.header_length() {
                self.begin_payload();
            }
        }
    }

    /// How long the header will be: two bytes, the longer forms of the length, the mask.
    fn header_length(&self) -> usize {
        if self.have < 2 {
            return self.header.len();
        }
        let length = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        2 + length + mask
    }

    fn begin_payload(&mut self) {
        let long = &self.header[2..];
        self.payload = match self.header[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([long[0], long[1]])),
            127 => long[..8].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
            short => u64::from(short),
        };
        let (last, is_control) = (self.header[0] & 0x80 != 0, self.header[0] & 0x08 != 0);
        if !is_control {
            self.inside = !last;
        }
        self.have = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };

    fn frame(payload: Vec<u8>, opcode: Data, last: bool) -> Vec<u8> {
        let mut frame = Frame::message(payload, OpCode::Data(opcode), last);
        frame.header_mut().mask = Some([1, 2, 3, 4]);
        let mut bytes = Vec::new();
        frame.format(&mut bytes).unwrap();
        bytes
    }

    proptest! {
        /// However a stream of messages, some in fragments, is cut: the edge is reached exactly where a message ends.
        #[test]
        fn an_edge_is_where_a_message_ends(
            messages in prop::collection::vec(prop::collection::vec(prop_oneof![0_usize..200, 65_000..66_000_usize], 1..4), 1..4),
            cut in 7_usize..5_000,
        ) {
            let (mut stream, mut ends) = (Vec::new(), vec![0]);
            for fragments in &messages {
                for (n, length) in fragments.iter().enumerate() {
                    let opcode = if n == 0 { Data::Binary } else { Data::Continue };
                    stream.extend(frame(vec![7; *length], opcode, n + 1 == fragments.len()));
                }
                ends.push(stream.len());
            }
            let (mut edge, mut at) = (Edge::default(), 0);
            for piece in stream.chunks(cut) {
                edge.pass(piece);
                at += piece.len();
                prop_assert_eq!(edge.reached(), ends.contains(&at), "after {} of {} bytes", at, stream.len());
            }
        }
    }
}
