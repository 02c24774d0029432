//! The two file formats: pcapng (draft-ietf-opsawg-pcapng) and the classic one.

use crate::wire::pcapng::{BYTE_ORDER, INTERFACE, PACKET, SECRETS, SECTION_HEADER, TLS_KEY_LOG};
use crate::wire::records::Fields;

/// A packet without time or interface (draft-ietf-opsawg-pcapng 4.4).
const SIMPLE_PACKET: u32 = 3;
/// The first bytes of a classic file, with times in micro- and in nanoseconds.
const CLASSIC: [u32; 2] = [0xa1b2_c3d4, 0xa1b2_3c4d];

/// Calls `packet` with link type and bytes of each packet, and `secrets` with each key log. Whether it is a capture at all; where
/// the file breaks off, so does the reading.
pub fn read(file: &[u8], packet: impl FnMut(u32, &[u8]), secrets: impl FnMut(&[u8])) -> bool {
    let Some(first) = file.first_chunk::<4>() else { return false };
    let (little, big) = (u32::from_le_bytes(*first), u32::from_be_bytes(*first));
    match () {
        () if little == SECTION_HEADER => _ = modern(file, packet, secrets),
        () if CLASSIC.contains(&little) => _ = classic(Numbers { fields: Fields(file), little: true }, packet),
        () if CLASSIC.contains(&big) => _ = classic(Numbers { fields: Fields(file), little: false }, packet),
        () => return false,
    }
    true
}

/// Numbers in the order of bytes that the file's first ones tell.
#[derive(Clone, Copy)]
struct Numbers<'a> {
    fields: Fields<'a>,
    little: bool,
}

impl<'a> Numbers<'a> {
    fn u32(&mut self) -> Option<u32> {
        let bytes = *self.fields.take(4)?.first_chunk()?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = *self.fields.take(2)?.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn take(&mut self, length: u32) -> Option<&'a [u8]> {
        self.fields.take(usize::try_from(length).ok()?)
    }
}

fn classic(mut file: Numbers<'_>, mut packet: impl FnMut(u32, &[u8])) -> Option<()> {
    file.take(20)?; // magic, version, two fields of no use, longest packet
    let link = file.u32()? & 0xffff;
    loop {
        file.take(8)?; // when
        let captured = file.u32()?;
        file.take(4)?; // its length before it was cut
        packet(link, file.take(captured)?);
    }
}

fn modern(file: &[u8], mut packet: impl FnMut(u32, &[u8]), mut secrets: impl FnMut(&[u8])) -> Option<()> {
    let (mut all, mut links) = (Numbers { fields: Fields(file), little: true }, Vec::new());
    loop {
        if all.fields.0.starts_with(&SECTION_HEADER.to_le_bytes()) {
            let order = all.fields.0.get(8..)?.first_chunk()?;
            all.little = u32::from_le_bytes(*order) == BYTE_ORDER;
            links.clear(); // each section counts its interfaces anew
        }
        let mut head = all;
        let (kind, length) = (head.u32()?, head.u32()?);
        let block = all.take(length)?;
        let body = Fields(block.get(8..block.len().checked_sub(4)?)?);
        let mut body = Numbers { fields: body, little: all.little };
        match kind {
            INTERFACE => links.push(u32::from(body.u16()?)),
            PACKET => {
                let interface = usize::try_from(body.u32()?).ok()?;
                body.take(8)?; // when
                let captured = body.u32()?;
                body.take(4)?; // its length before it was cut
                packet(*links.get(interface)?, body.take(captured)?);
            }
            SIMPLE_PACKET => {
                let length = body.u32()?.min(u32::try_from(body.fields.0.len().saturating_sub(4)).ok()?);
                packet(*links.first()?, body.take(length)?);
            }
            SECRETS if body.u32()? == TLS_KEY_LOG => {
                let length = body.u32()?;
                secrets(body.take(length)?);
            }
            _ => {}
        }
    }
}
