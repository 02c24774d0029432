//! Sees that the authority has signed a new list, without asking again and again: the kernel says so (inotify).

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};
use std::{
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    thread,
};

/// Room for a few events with a file's name each.
const EVENTS: usize = 4 * 1024;

/// A directory whose changes are noted from now on, and told when somebody wants to know.
pub struct Watch {
    directory: PathBuf,
    begun: Result<OwnedFd, Errno>,
}

impl Watch {
    /// Begins. Whoever reads the lists after this misses none that comes later.
    pub fn begin(directory: &Path) -> Watch {
        let begun = inotify::init(CreateFlags::CLOEXEC).and_then(|events| {
            // A list is written beside the old one and renamed; by hand it may be written in place.
            inotify::add_watch(&events, directory, WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE)?;
            Ok(events)
        });
        Watch { directory: directory.to_path_buf(), begun }
    }

    /// Calls `changed` whenever a list in the directory was written or replaced, from a thread of its own.
    pub fn tell(self, changed: impl Fn() + Send + 'static) {
        let events = match self.begun {
            Ok(events) => events,
            Err(e) => {
                return log::warn!(target: "trust", "{} is not watched ({e}): revocations count from the next start", self.directory.display());
            }
        };
        let watching = move || {
            let mut buffer = [MaybeUninit::uninit(); EVENTS];
            let mut reader = Reader::new(events, &mut buffer);
            loop {
                match reader.next() {
                    Ok(event) => {
                        let overflowed = event.events().contains(ReadFlags::QUEUE_OVERFLOW); // whose names we were not told
                        let is_list = event.file_name().is_some_and(|name| name.to_bytes().ends_with(b".crl"));
                        if is_list || overflowed {
                            changed();
                        }
                    }
                    Err(Errno::INTR) => {}
                    Err(_) => return,
                }
            }
        };
        if thread::Builder::new().name("watch".into()).spawn(watching).is_err() {
            log::warn!(target: "trust", "no thread to watch for revocations: they count from the next start");
        }
    }
}
