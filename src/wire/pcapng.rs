//! The blocks of a pcapng file (draft-ietf-opsawg-pcapng), which Wireshark reads.

/// "TLSK": a key log (RFC 9850) for TLS.
pub const TLS_KEY_LOG: u32 = 0x544c_534b;
/// Packets begin with the header of IP, version 4 or 6 (LINKTYPE_RAW).
pub const RAW_IP: u16 = 101;

pub const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub const INTERFACE: u32 = 1;
pub const PACKET: u32 = 6;
pub const SECRETS: u32 = 10;
/// How a reader learns in which order the bytes of numbers are: ours, least significant first.
pub const BYTE_ORDER: u32 = 0x1a2b_3c4d;

const PROGRAM: u16 = 4;

/// Every file begins so: a section, written by us, and one interface. No link is measured, so its packets are never cut (0).
pub fn start(out: &mut Vec<u8>) {
    let program = concat!("padlock ", env!("CARGO_PKG_VERSION")).as_bytes();
    block(SECTION_HEADER, out, |out| {
        out.extend(BYTE_ORDER.to_le_bytes());
        out.extend([1, 0, 0, 0]); // version 1.0
        out.extend([0xff; 8]); // the length of the section: read on to see
        out.extend(PROGRAM.to_le_bytes());
        out.extend((program.len() as u16).to_le_bytes());
        out.extend(program);
        pad(program.len(), out);
        out.extend([0; 4]); // no more options
    });
    block(INTERFACE, out, |out| {
        out.extend(RAW_IP.to_le_bytes());
        out.extend([0; 6]);
    });
}

/// The secrets of a session, as a key log has them. They must stand before the packets that they open.
pub fn secrets(text: &[u8], out: &mut Vec<u8>) {
    block(SECRETS, out, |out| {
        out.extend(TLS_KEY_LOG.to_le_bytes());
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text);
        pad(text.len(), out);
    });
}

/// A packet, which `write` appends; `micros` since 1970.
pub fn packet(micros: u64, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    block(PACKET, out, |out| {
        out.extend([0; 4]); // on our one interface
        out.extend(((micros >> 32) as u32).to_le_bytes());
        out.extend((micros as u32).to_le_bytes());
        let start = out.len() + 8;
        out.extend([0; 8]);
        write(out);
        let length = out.len() - start;
        for place in [start - 8, start - 4] {
            out[place..place + 4].copy_from_slice(&(length as u32).to_le_bytes()); // as captured, as it was
        }
        pad(length, out);
    });
}

/// A block: its type, its length, what is in it, and its length again, so that one can read backwards too.
fn block(kind: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    write(out);
    let length = ((out.len() - start + 4) as u32).to_le_bytes();
    out.extend(length);
    out[start + 4..start + 8].copy_from_slice(&length);
}

/// Everything begins at a multiple of four bytes.
fn pad(length: usize, out: &mut Vec<u8>) {
    out.extend(&[0; 3][..length.wrapping_neg() % 4]);
}
