//! From a frame of a link to a segment of TCP.

use crate::wire::records::Fields;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A segment of TCP (RFC 9293 3.1).
pub struct Segment<'a> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub sequence: u32,
    pub syn: bool,
    pub ack: bool,
    pub payload: &'a [u8],
}

const TCP: u8 = 6;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// `None`: it is no TCP, or is cut into fragments, or of a link that is not known here.
pub fn segment(link: u32, frame: &[u8]) -> Option<Segment<'_>> {
    // The link types of the pcap registry, and the length of the header in front of IP.
    let packet = match link {
        0 | 108 => frame.get(4..)?, // loopback of BSD
        1 => ethernet(frame)?,      // also Linux' loopback
        101 | 228 | 229 => frame,   // IP without a link
        113 => frame.get(16..)?,    // "any" of Linux
        276 => frame.get(20..)?,    // the same, newer
        _ => return None,
    };
    match packet.first()? >> 4 {
        4 => ipv4(packet),
        6 => ipv6(packet),
        _ => None,
    }
}

fn ethernet(frame: &[u8]) -> Option<&[u8]> {
    let mut rest = frame.get(12..)?; // two addresses
    // Tags of virtual networks stand in front of the type.
    while let [0x81, 0x00, ..] | [0x88, 0xa8, ..] = rest {
        rest = rest.get(4..)?;
    }
    rest.get(2..)
}

/// RFC 791 3.1.
fn ipv4(packet: &[u8]) -> Option<Segment<'_>> {
    let header = packet.first_chunk::<20>()?;
    let begins = usize::from(header[0] & 15) * 4;
    // Network cards that cut packets themselves leave the length out.
    let length = match usize::from(u16::from_be_bytes([header[2], header[3]])) {
        0 => packet.len(),
        length => length.min(packet.len()),
    };
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff;
    let address = |at: usize| Some(IpAddr::from(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?)));
    if header[9] != TCP || fragment != 0 {
        return None;
    }
    tcp(address(12)?, address(16)?, packet.get(begins..length)?)
}

/// RFC 8200 3.
fn ipv6(packet: &[u8]) -> Option<Segment<'_>> {
    let header = packet.first_chunk::<40>()?;
    let length = match usize::from(u16::from_be_bytes([header[4], header[5]])) {
        0 => packet.len(),
        length => packet.len().min(40 + length),
    };
    let address = |at: usize| Some(IpAddr::from(Ipv6Addr::from(*packet.get(at..)?.first_chunk::<16>()?)));
    let (mut next, mut rest) = (header[6], Fields(packet.get(40..length)?));
    // Hop-by-hop, routing and destination options each say what follows, and their length in units of eight bytes.
    while [0, 43, 60].contains(&next) {
        let head = rest.take(2)?;
        next = head[0];
        rest.take(6 + 8 * usize::from(head[1]))?;
    }
    if next == TCP { tcp(address(8)?, address(24)?, rest.0) } else { None }
}

fn tcp(from: IpAddr, to: IpAddr, bytes: &[u8]) -> Option<Segment<'_>> {
    let mut fields = Fields(bytes);
    let (from_port, to_port) = (fields.u16()?, fields.u16()?);
    let sequence = u32::from_be_bytes(*fields.take(4)?.first_chunk()?);
    fields.take(4)?; // what is acknowledged
    let (offset, flags) = (usize::from(fields.take(1)?[0] >> 4) * 4, fields.take(1)?[0]);
    let (from, to) = (SocketAddr::new(from, from_port), SocketAddr::new(to, to_port));
    Some(Segment { from, to, sequence, syn: flags & SYN != 0, ack: flags & ACK != 0, payload: bytes.get(offset.max(20)..)? })
}
