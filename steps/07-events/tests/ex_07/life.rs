//! A process that may be killed at each of its steps, and several of them at once, in any order.

use std::{
    future::pending,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use acceptance::{futures::poll, tokio::task::yield_now};

/// How many steps a process has left. It shares them with all that it does.
#[derive(Debug)]
pub(crate) struct Life(AtomicUsize);

impl Life {
    /// It lives as long as it wants to.
    pub(crate) fn long() -> Self {
        Self::of(usize::MAX / 2)
    }

    /// Killed before step number `steps`, from 0.
    pub(crate) fn of(steps: usize) -> Self {
        Self(AtomicUsize::new(steps))
    }

    /// The next step; never comes back to a process that was killed.
    pub(crate) async fn step(&self) {
        yield_now().await;
        if self.0.load(Ordering::SeqCst) == 0 {
            pending::<()>().await;
        }
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    /// Does `work`; `None` when it was killed in it.
    pub(crate) async fn live<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = Box::pin(work);
        // Whoever still has not ended after so many looks waits for something that never comes.
        for _ in 0..100_000 {
            if let std::task::Poll::Ready(done) = poll!(&mut work) {
                return Some(done);
            }
            if self.0.load(Ordering::SeqCst) == 0 {
                // What it waits for at its last step does not come.
                let _ = poll!(&mut work);
                return None;
            }
        }
        None
    }
}

/// Numbers that look random and are the same each time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }
}

/// A piece of work among others.
pub(crate) type Work<'w, T> = Pin<Box<dyn Future<Output = T> + 'w>>;

/// `work` as one among others.
pub(crate) fn boxed<'w, T>(work: impl Future<Output = T> + 'w) -> Work<'w, T> {
    Box::pin(work)
}

/// Does all of `works` at once, a step of one and a step of another, as the dice say.
pub(crate) async fn at_once<T>(works: Vec<Work<'_, T>>, dice: &mut Dice) -> Vec<T> {
    let mut works: Vec<_> = works.into_iter().map(Some).collect();
    let mut done: Vec<Option<T>> = works.iter().map(|_| None).collect();
    for _ in 0..1_000_000 {
        let open: Vec<usize> = (0..works.len()).filter(|&at| works[at].is_some()).collect();
        if open.is_empty() {
            break;
        }
        let at = open[dice.below(open.len())];
        if let Some(work) = &mut works[at]
            && let std::task::Poll::Ready(value) = poll!(work)
        {
            (done[at], works[at]) = (Some(value), None);
        }
    }
    done.into_iter().flatten().collect()
}
