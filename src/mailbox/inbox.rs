use rustix::{
    io::ioctl_fionread,
    net::{RecvFlags, recv},
};
use std::{
    io,
    mem::MaybeUninit,
    net::TcpStream,
    sync::{Mutex, PoisonError},
};

type Buffer = Box<[MaybeUninit<u8>]>;

/// Where a connection waits: a page, since most messages are short, and most connections say nothing.
const SMALL: usize = 4 * 1024;
/// Several records (RFC 9846 5.1) at once, for long messages.
const LARGE: usize = 64 * 1024;
/// Large buffers that nobody uses right now. Nobody waits with one in hand, so there are as many as threads that run at once.
static SPARE: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());
const SPARES: usize = 16;

/// Where bytes from the socket arrive: in a small buffer, or in a large one when more is there than the small one holds.
pub struct Inbox {
    small: Buffer,
    large: Option<Buffer>,
    /// The last read brought as much as the small buffer holds, or more: there may be more yet.
    rush: bool,
}

impl Inbox {
    pub fn new() -> Inbox {
        Inbox { small: Box::new_uninit_slice(SMALL), large: None, rush: false }
    }

    /// recv(2): what there is. Empty at the end of the stream.
    pub fn receive(&mut self, socket: &TcpStream) -> io::Result<&[u8]> {
        if self.rush && ioctl_fionread(socket)? > SMALL as u64 {
            self.large.get_or_insert_with(spare);
        } else if let Some(buffer) = self.large.take() {
            keep(buffer);
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
