use super::Mailbox;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How often the keeper looks. A time-out on each socket would wake nobody needlessly either, but the kernel would set and
/// clear a timer for every single message.
pub const ROUND: Duration = Duration::from_secs(5);

/// The conversations that are under way in this process.
static KEPT: Mutex<Kept> = Mutex::new(Kept { next: 0, mailboxes: None, at_work: false });

struct Kept {
    next: u64,
    mailboxes: Option<HashMap<u64, Arc<Mailbox>>>,
    at_work: bool,
}

/// Keeps an eye on a conversation, until this is dropped.
pub struct Watch(u64);

/// Begins to watch: one thread looks after all, and exists only while there are any.
pub fn watch(mailbox: &Arc<Mailbox>) -> Watch {
    let mut kept = kept();
    let id = kept.next;
    kept.next += 1;
    kept.mailboxes.get_or_insert_default().insert(id, mailbox.clone());
    if !kept.at_work {
        // Without a thread, dead peers stay until TCP gives them up; the next conversation tries again.
        kept.at_work = thread::Builder::new().name("keeper".into()).stack_size(super::STACK).spawn(work).is_ok();
    }
    Watch(id)
}

impl Drop for Watch {
    fn drop(&mut self) {
        let gone = kept().mailboxes.as_mut().and_then(|all| all.remove(&self.0));
        drop(gone); // outside the lock: it may be the last to hold the session
    }
}

fn work() {
    loop {
        thread::sleep(ROUND);
        let mut kept = kept();
        let all: Vec<Arc<Mailbox>> = kept.mailboxes.iter().flat_map(HashMap::values).cloned().collect();
        if all.is_empty() {
            kept.at_work = false;
            return;
        }
        drop(kept);
        all.iter().for_each(|mailbox| mailbox.look_after());
    }
}

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}
