use rustix::net::{RecvFlags, recv};
use std::{
    io,
    mem::MaybeUninit,
    net::TcpStream,
    sync::{Mutex, PoisonError},
};

type Buffer = Box<[MaybeUninit<u8>]>;

/// One record (RFC 9846 5.1). Memory that was never written to costs nothing, so short messages cost a page of it.
const SMALL: usize = 16 * 1024;
/// Several records at once, for long messages.
const LARGE: usize = 64 * 1024;
/// Large buffers that nobody needs right now, kept for whoever needs one next. Connections come and go between long and short
/// messages; this way there are as many large buffers as long messages under way.
static SPARE: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());
const SPARES: usize = 16;

/// Where bytes from the socket arrive: a small buffer, and a large one while the small one is too small.
pub struct Inbox {
    small: Buffer,
    large: Option<Buffer>,
    /// The last read brought more than a small buffer holds, or just as much: there may be more.
    rush: bool,
}

impl Inbox {
    pub fn new() -> Inbox {
        Inbox { small: Box::new_uninit_slice(SMALL), large: None, rush: false }
    }

    /// recv(2): what there is. Empty at the end of the stream.
    pub fn receive(&mut self, socket: &TcpStream) -> io::Result<&[u8]> {
        match (self.rush, &self.large) {
            (true, None) => self.large = Some(spare()),
            (false, Some(_)) => self.large.take().into_iter().for_each(keep),
            _ => {}
        }
        let buffer = self.large.as_mut().unwrap_or(&mut self.small);
        let ((bytes, _), n) = recv(socket, &mut **buffer, RecvFlags::empty())?;
        self.rush = n >= SMALL;
        Ok(bytes)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if let Some(buffer) = self.large.take() {
            keep(buffer);
        }
    }
}

fn spare() -> Buffer {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(|| Box::new_uninit_slice(LARGE))
}

fn keep(buffer: Buffer) {
    let mut spares = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    if spares.len() < SPARES {
        spares.push(buffer);
    }
}
