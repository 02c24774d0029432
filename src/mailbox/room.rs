use super::Mailbox;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tungstenite::{Message, protocol::frame::coding::CloseCode};

/// Everybody who hears what is said here.
#[derive(Default)]
pub struct Room {
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    next: u64,
    taken: HashMap<u64, Arc<Mailbox>>,
}

impl Room {
    /// Takes a seat. Dropping it leaves the room.
    pub fn join(self: &Arc<Self>, mailbox: &Arc<Mailbox>) -> Seat {
        let mut seats = self.seats();
        let id = seats.next;
        seats.next += 1;
        seats.taken.insert(id, mailbox.clone());
        Seat { room: self.clone(), id }
    }

    /// Says `message` to all. The lock is not held meanwhile, so people may come and go; nobody is waited for, see
    /// [`Mailbox::post`].
    pub fn say(&self, message: &Message) {
        for mailbox in self.all() {
            let _ = mailbox.post(message.clone()); // one that is over leaves by itself
        }
    }

    /// Says Close to all.
    pub fn close(&self, code: CloseCode, reason: &str) {
        for mailbox in self.all() {
            mailbox.close(code, reason);
        }
    }

    pub fn len(&self) -> usize {
        self.seats().taken.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn all(&self) -> Vec<Arc<Mailbox>> {
        self.seats().taken.values().cloned().collect()
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a room.
pub struct Seat {
    room: Arc<Room>,
    id: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.seats().taken.remove(&self.id);
    }
}
