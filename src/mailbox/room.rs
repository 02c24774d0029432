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
    /// What all were told when the room closed. Who comes later is told the same.
    closed: Option<(CloseCode, String)>,
}

impl Room {
    /// Takes a seat. Dropping it leaves the room. In a room that has closed, `mailbox` is told Close at once.
    pub fn join(self: &Arc<Self>, mailbox: &Arc<Mailbox>) -> Seat {
        let mut seats = self.seats();
        let id = seats.next;
        seats.next += 1;
        seats.taken.insert(id, mailbox.clone());
        let closed = seats.closed.clone();
        drop(seats);
        if let Some((code, reason)) = closed {
            mailbox.close(code, &reason);
        }
        Seat { room: self.clone(), id }
    }

    /// Says `message` to all. The lock is not held meanwhile, so people may come and go; nobody is waited for, see
    /// [`Mailbox::post`].
    pub fn say(&self, message: &Message) {
        for mailbox in self.all() {
            let _ = mailbox.post(message.clone()); // one that is over leaves by itself
        }
    }

    /// Says Close to all, and to whoever comes from now on.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.seats().closed = Some((code, reason.to_owned()));
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
