use super::Mailbox;
use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tungstenite::protocol::frame::coding::CloseCode;

/// How often the keeper looks. A time-out on each socket would wake nobody needlessly either, but the kernel would set and
/// clear a timer for every single message.
pub const ROUND: Duration = Duration::from_secs(5);

/// The conversations that are under way in this process.
static KEPT: Mutex<Kept> = Mutex::new(Kept { next: 0, mailboxes: None, deadlines: BTreeMap::new(), waits_until: None, at_work: false });
/// Signalled when there is a deadline that comes before whatever the keeper waits for.
static EARLIER: Condvar = Condvar::new();

struct Kept {
    next: u64,
    mailboxes: Option<HashMap<u64, Arc<Mailbox>>>,
    /// The soonest first: so many may wait, and only one has to be looked at.
    deadlines: BTreeMap<(Instant, u64), Due>,
    waits_until: Option<Instant>,
    at_work: bool,
}

/// Whom to say Close to when the time has come, and how.
struct Due(Arc<Mailbox>, CloseCode, &'static str);

/// Keeps an eye on a conversation, until this is dropped.
pub struct Watch(u64);

/// A time by which something must have happened: see [`Mailbox::close_in`]. Dropping it lifts it.
pub struct Deadline(Instant, u64);

/// Begins to watch: one thread looks after all, and exists only while there are any.
pub fn watch(mailbox: &Arc<Mailbox>) -> Watch {
    let mut kept = kept();
    let id = kept.number();
    kept.mailboxes.get_or_insert_default().insert(id, mailbox.clone());
    kept.begin();
    Watch(id)
}

/// Says Close for `mailbox` at a certain time.
pub fn deadline(mailbox: &Arc<Mailbox>, time: Duration, code: CloseCode, reason: &'static str) -> Deadline {
    let mut kept = kept();
    let key = (Instant::now() + time, kept.number());
    kept.deadlines.insert(key, Due(mailbox.clone(), code, reason));
    kept.begin();
    if kept.waits_until.is_some_and(|then| key.0 < then) {
        EARLIER.notify_one();
    }
    Deadline(key.0, key.1)
}

impl Kept {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn begin(&mut self) {
        if !self.at_work {
            // Without a thread, dead peers stay until TCP gives them up; the next conversation tries again.
            self.at_work = thread::Builder::new().name("keeper".into()).stack_size(super::STACK).spawn(work).is_ok();
        }
    }

    /// Takes out what is due by now.
    fn due(&mut self, now: Instant) -> BTreeMap<(Instant, u64), Due> {
        let later = self.deadlines.split_off(&(now, u64::MAX));
        mem::replace(&mut self.deadlines, later)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let gone = kept().mailboxes.as_mut().and_then(|all| all.remove(&self.0));
        drop(gone); // outside the lock: it may be the last to hold the session
    }
}

impl Deadline {
    /// Lifts it. False when its time had come already.
    pub fn lift(&self) -> bool {
        let lifted = kept().deadlines.remove(&(self.0, self.1));
        lifted.is_some()
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.lift();
    }
}

fn work() {
    let mut round = Instant::now() + ROUND;
    let mut kept = kept();
    loop {
        let now = Instant::now();
        let next = kept.deadlines.keys().next().map_or(round, |soonest| round.min(soonest.0));
        if now < next {
            kept.waits_until = Some(next);
            kept = EARLIER.wait_timeout(kept, next - now).unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        let due = kept.due(now);
        let mut all: Vec<Arc<Mailbox>> = Vec::new();
        if now >= round {
            round = now + ROUND;
            all.extend(kept.mailboxes.iter().flat_map(HashMap::values).cloned());
            if all.is_empty() && due.is_empty() && kept.deadlines.is_empty() {
                kept.at_work = false;
                return;
            }
        }
        drop(kept);
        due.into_values().for_each(|Due(mailbox, code, reason)| mailbox.close(code, reason));
        all.iter().for_each(|mailbox| mailbox.look_after());
        drop(all);
        kept = self::kept();
    }
}

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}
