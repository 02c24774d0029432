//! Headers of IP and TCP around bytes that were seen above them.
//!
//! Whoever reads a socket gets the bytes and not the packets that they came in. Wireshark wants packets, so they are made up here:
//! addresses, ports and bytes are true, the cut into segments is ours.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The most that one packet carries: as much as fits the length field of IP (RFC 791 3.1), as on loopback.
pub const SEGMENT: usize = 65_535 - 60;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PUSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

const TCP: u8 = 6;
/// Without options, which only a SYN has (RFC 9293 3.1).
const TCP_HEADER: usize = 20;
/// Of a SYN: the segment's size, and a window that is counted in 16 KiB, so that nothing ever seems to overfill it (RFC 7323 2).
const SYN_OPTIONS: [u8; 8] = [2, 4, (SEGMENT >> 8) as u8, SEGMENT as u8, 3, 3, 14, 0];
const WINDOW: [u8; 2] = [0xff; 2];
const HOPS: u8 = 64;

/// One way of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub from: SocketAddr,
    pub to: SocketAddr,
}

/// What TCP says of a segment (RFC 9293 3.1).
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    pub flags: u8,
    pub sequence: u32,
    pub acknowledged: u32,
}

impl Route {
    /// Both addresses in the same family: an IPv4 address beside an IPv6 one becomes `::ffff:…` (RFC 4291 2.5.5.2).
    pub fn new(from: SocketAddr, to: SocketAddr) -> Route {
        let plain = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        let (from, to) = (plain(from), plain(to));
        if from.is_ipv4() == to.is_ipv4() {
            return Route { from, to };
        }
        let wide = |address: SocketAddr| SocketAddr::new(as_v6(address.ip()).into(), address.port());
        Route { from: wide(from), to: wide(to) }
    }

    pub fn back(self) -> Route {
        Route { from: self.to, to: self.from }
    }

    /// Appends the headers of a packet that carries `payload`, which must be no longer than [`SEGMENT`]. The payload follows.
    pub fn headers(&self, segment: Segment, payload: &[u8], out: &mut Vec<u8>) {
        let options: &[u8] = if segment.flags & SYN == 0 { &[] } else { &SYN_OPTIONS };
        let length = TCP_HEADER + options.len() + payload.len();
        let addresses = self.ip_header(length, out);
        let tcp = out.len();
        out.extend(self.from.port().to_be_bytes());
        out.extend(self.to.port().to_be_bytes());
        out.extend(segment.sequence.to_be_bytes());
        out.extend(segment.acknowledged.to_be_bytes());
        out.extend([((TCP_HEADER + options.len()) as u8 / 4) << 4, segment.flags]);
        out.extend(WINDOW);
        out.extend([0; 4]); // checksum, urgent pointer
        out.extend(options);
        // The checksum covers the addresses as well (RFC 9293 3.1).
        let also = u64::from(u16::from(TCP).to_be()) + u64::from((length as u16).to_be());
        let checksum = fold(addresses + also + sum(&out[tcp..]) + sum(payload));
        out[tcp + 16..tcp + 18].copy_from_slice(&checksum);
    }

    /// Appends the header of IP; gives the sum of its addresses.
    fn ip_header(&self, length: usize, out: &mut Vec<u8>) -> u64 {
        let start = out.len();
        if let (IpAddr::V4(from), IpAddr::V4(to)) = (self.from.ip(), self.to.ip()) {
            out.extend([0x45, 0]);
            out.extend((20 + length as u16).to_be_bytes());
            out.extend([0, 0, 0x40, 0, HOPS, TCP, 0, 0]); // don't fragment; checksum
            out.extend(from.octets());
            out.extend(to.octets());
            let checksum = fold(sum(&out[start..]));
            out[start + 10..start + 12].copy_from_slice(&checksum);
            return sum(&out[start + 12..]);
        }
        out.extend([0x60, 0, 0, 0]);
        out.extend((length as u16).to_be_bytes());
        out.extend([TCP, HOPS]);
        out.extend(as_v6(self.from.ip()).octets());
        out.extend(as_v6(self.to.ip()).octets());
        sum(&out[start + 8..])
    }
}

fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// The sum of all pairs of bytes, as this machine orders them: the order does not matter to the result (RFC 1071 2).
fn sum(bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(4);
    let whole: u64 = words.by_ref().map(|word| u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]))).sum();
    let mut rest = [0; 4];
    rest[..words.remainder().len()].copy_from_slice(words.remainder());
    whole + u64::from(u32::from_ne_bytes(rest))
}

/// The checksum of what was summed up (RFC 1071 1).
fn fold(mut sum: u64) -> [u8; 2] {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, pair by pair.
    fn slow(bytes: &[u8]) -> u16 {
        let pairs = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
        pairs.fold(0u32, |sum, pair| (sum + pair) % 0xffff) as u16
    }

    proptest! {
        /// A checksum is right when all that it covers, itself included, sums up to nothing.
        #[test]
        fn checksums_are_right(payload in prop::collection::vec(any::<u8>(), 0..300), v6: bool, flags: u8, sequence: u32) {
            let (from, to) = if v6 { ("[::1]:1234", "[::2]:5") } else { ("127.0.0.1:1234", "127.0.0.2:5") };
            let route = Route::new(from.parse().unwrap(), to.parse().unwrap());
            let mut packet = Vec::new();
            route.headers(Segment { flags, sequence, acknowledged: 7 }, &payload, &mut packet);
            packet.extend(&payload);
            let (ip, addresses) = if v6 { (40, 8..40) } else { (20, 12..20) };
            if !v6 {
                prop_assert_eq!(slow(&packet[..20]), 0);
            }
            let tcp = [&packet[addresses], &[0, TCP], &((packet.len() - ip) as u16).to_be_bytes(), &packet[ip..]].concat();
            prop_assert_eq!(slow(&tcp), 0);
        }
    }

    #[test]
    fn addresses_of_two_families_meet_in_the_wider_one() {
        let route = Route::new("127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap());
        assert_eq!(route.from.to_string(), "[::ffff:127.0.0.1]:1");
        let same = Route::new("[::ffff:127.0.0.1]:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        assert!(same.from.is_ipv4());
    }
}
