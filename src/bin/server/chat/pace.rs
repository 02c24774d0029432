//! How fast somebody may talk to others. Without it, one who sends without end fills the others' queues, and it is they who are
//! thrown out, since they do not read as fast.

use std::{
    thread,
    time::{Duration, Instant},
};

/// So much may be said at once: to log in, ask everybody, and make a few groups …
const AT_ONCE: u32 = 300;
/// … then one more every so often: no person types so fast.
const THEN_EVERY: Duration = Duration::from_millis(10);

/// One person's.
#[derive(Default)]
pub struct Pace {
    /// When all of it is free again.
    free_at: Option<Instant>,
}

impl Pace {
    /// Waits until the next message may be heard. The thread is the speaker's own, and what they say meanwhile stays with them.
    pub fn keep(&mut self, now: Instant) {
        thread::sleep(self.wait(now));
    }

    fn wait(&mut self, now: Instant) -> Duration {
        let free_at = self.free_at.map_or(now, |free_at| free_at.max(now)) + THEN_EVERY;
        self.free_at = Some(free_at);
        free_at.saturating_duration_since(now).saturating_sub(THEN_EVERY * AT_ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_at_once_then_one_after_the_other() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..AT_ONCE).all(|_| pace.wait(now).is_zero()));
        assert_eq!(pace.wait(now), THEN_EVERY);
        assert_eq!(pace.wait(now), THEN_EVERY * 2);
        let later = now + THEN_EVERY * (AT_ONCE + 2);
        assert!((0..AT_ONCE).all(|_| pace.wait(later).is_zero()), "all is forgotten in time");
    }
}
