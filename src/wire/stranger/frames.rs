//! WebSocket frames (RFC 6455 5.2) as anyone can read them: the mask is in the frame, and hides nothing.

use crate::error::printable;

/// So much of a message is shown.
const SHOWN: usize = 200;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// A direction of a WebSocket.
#[derive(Default)]
pub struct Frames {
    header: Vec<u8>,
    /// The frame that is passing.
    frame: Option<Frame>,
    /// These are no frames.
    lost: bool,
}

struct Frame {
    first: u8,
    mask: [u8; 4],
    length: u64,
    passed: u64,
    shown: Vec<u8>,
}

impl Frames {
    pub fn look(&mut self, mut bytes: &[u8], tell: &mut dyn FnMut(String)) {
        while !bytes.is_empty() && !self.lost {
            bytes = match &mut self.frame {
                Some(frame) => frame.pass(bytes),
                None => {
                    self.header.push(bytes[0]);
                    self.frame = self.begin();
                    &bytes[1..]
                }
            };
            self.frame = self.frame.take().and_then(|frame| {
                if frame.is_over() {
                    tell(frame.said());
                    None
                } else {
                    Some(frame)
                }
            });
        }
        if self.lost && !bytes.is_empty() {
            tell(format!("{} bytes that are no frame", bytes.len()));
        }
    }

    /// The frame, when its header is whole: two bytes, the longer forms of the length, the mask.
    fn begin(&mut self) -> Option<Frame> {
        let [first, second, rest @ ..] = self.header.as_slice() else { return None };
        let opcode = first & 0x0f;
        if matches!(opcode, 3..=7 | 11..) {
            self.lost = true;
            return None;
        }
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = if second & 0x80 == 0 { 0 } else { 4 };
        if rest.len() < extended + masked {
            return None;
        }
        let number = rest[..extended].iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
        let length = if extended == 0 { u64::from(second & 0x7f) } else { number };
        let mut mask = [0; 4];
        mask[..masked].copy_from_slice(&rest[extended..extended + masked]);
        let frame = Frame { first: *first, mask, length, passed: 0, shown: Vec::new() };
        self.header.clear();
        Some(frame)
    }
}

impl Frame {
    /// Takes what belongs to this frame, and gives the rest.
    fn pass<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let here = usize::try_from(self.length - self.passed).unwrap_or(usize::MAX).min(bytes.len());
        for (place, byte) in bytes[..here].iter().enumerate().take(SHOWN.saturating_sub(self.shown.len())) {
            self.shown.push(byte ^ self.mask[(self.passed as usize + place) % 4]);
        }
        self.passed += here as u64;
        &bytes[here..]
    }

    fn is_over(&self) -> bool {
        self.passed == self.length
    }

    fn said(&self) -> String {
        let text = |bytes: &[u8]| printable(&String::from_utf8_lossy(bytes)).to_string();
        let more = self.length - self.shown.len() as u64;
        let more = if more > 0 { format!(" … and {more} bytes more") } else { String::new() };
        let compressed = self.first & 0x40 != 0;
        match self.first & 0x0f {
            TEXT | 0 if !compressed => format!("\"{}\"{more}", text(&self.shown)),
            CLOSE if self.shown.len() >= 2 => {
                let code = u16::from_be_bytes([self.shown[0], self.shown[1]]);
                format!("Close {code} {}", text(&self.shown[2..])).trim_end().to_owned()
            }
            CLOSE => "Close".into(),
            9 => "Ping".into(),
            10 => "Pong".into(),
            _ => format!("{} bytes of data", self.length),
        }
    }
}
