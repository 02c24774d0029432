//! The record layer (RFC 9846 5.1): the frames that TLS travels in. What is read here comes from strangers: no length is
//! trusted, and nothing is kept beyond one record.

/// A record's header: type, version, length.
pub const HEADER: usize = 5;
/// A record holds 2^14 bytes, and sealing may add 256 (RFC 9846 5.2); 2048 in TLS 1.2.
const LONGEST: usize = (1 << 14) + 2048;

pub const CHANGE_CIPHER_SPEC: u8 = 20;
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;

/// One record as it travelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub header: [u8; HEADER],
    pub body: Vec<u8>,
}

impl Record {
    /// The content type that is written on the outside.
    pub fn kind(&self) -> u8 {
        self.header[0]
    }
}

/// Puts records together from bytes that come in pieces.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    /// So many of them were records that have been taken.
    taken: usize,
    lost: bool,
}

impl Records {
    /// Adds what was just seen.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.lost {
            self.bytes.drain(..std::mem::take(&mut self.taken)); // once for each piece, not for each record in it
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Whether there were bytes that are no record.
    pub fn are_lost(&self) -> bool {
        self.lost
    }

    /// The next whole record. After bytes that are no record there is none any more.
    pub fn take(&mut self) -> Option<Record> {
        let rest = self.bytes.get(self.taken..)?;
        let header = *rest.first_chunk::<HEADER>()?;
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&header[0]) || header[1] != 3 || length > LONGEST {
            (self.bytes, self.taken, self.lost) = (Vec::new(), 0, true);
            return None;
        }
        let body = rest.get(HEADER..HEADER + length)?.to_vec();
        self.taken += HEADER + length;
        Some(Record { header, body })
    }
}

/// Reads the fields of a message one after the other. `None` as soon as one is not all there.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of one to three bytes, as TLS writes lengths and code points.
    pub fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|two| u16::from_be_bytes([two[0], two[1]]))
    }

    /// A vector: its length in so many bytes, then itself (RFC 9846 3.4).
    pub fn vector(&mut self, length_bytes: usize) -> Option<Fields<'a>> {
        let length = self.number(length_bytes)?;
        self.take(length).map(Fields)
    }

    /// All that is left, as numbers of two bytes.
    pub fn all_u16(mut self) -> Vec<u16> {
        std::iter::from_fn(|| self.u16()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(records: &mut Records) -> Vec<Record> {
        std::iter::from_fn(|| records.take()).collect()
    }

    proptest! {
        #[test]
        fn records_are_the_same_however_they_are_cut(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8), cut in 1usize..20) {
            let mut wire = Vec::new();
            for body in &bodies {
                wire.extend([HANDSHAKE, 3, 3, 0, body.len() as u8]);
                wire.extend(body);
            }
            let mut records = Records::default();
            let mut seen = Vec::new();
            for piece in wire.chunks(cut) {
                records.push(piece);
                seen.extend(all(&mut records).into_iter().map(|record| record.body));
            }
            prop_assert_eq!(seen, bodies);
        }

        #[test]
        fn any_bytes_are_survived_and_little_is_kept(bytes in prop::collection::vec(any::<u8>(), 0..70_000)) {
            let mut records = Records::default();
            for piece in bytes.chunks(1000) {
                records.push(piece);
                all(&mut records);
            }
            prop_assert!(records.bytes.len() <= HEADER + LONGEST + 1000);
        }
    }

    #[test]
    fn what_is_no_record_ends_it() {
        for wrong in [&b"GET / HTTP/1.1\r\n"[..], &[22, 3, 3, 0xff, 0xff], &[22, 2, 0, 0, 1, 0], &[0; 10]] {
            let mut records = Records::default();
            records.push(wrong);
            assert_eq!(records.take(), None);
            records.push(&[22, 3, 3, 0, 1, 7]);
            assert_eq!(records.take(), None, "{wrong:?}");
        }
    }
}
