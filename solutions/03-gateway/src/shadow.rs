//! Exercise 03.2: a shadow that cannot hurt.
//!
//! A second upstream is asked what the first was asked, and its answers are compared, before anybody depends on them. At the
//! start the client waits until both have answered, and whatever is wrong with the second one is felt by everybody.
//!
//! Every offer ends in one number. `skipped`: a method that writes, or may; only GET and HEAD are copied. `dropped`: there was
//! no room. `unknown`: no answer in time. All others were answered, a 500 too, and are `equal` or `different`.
//!
//! ```text
//! offer.method == Method::GET                    what was asked; &offer.answer is what the client gets
//! self.queue.try_send(offer).is_err()            into the queue, or an error at once when it is full
//! self.queue.recv().await                        the next offer; None when the gateway stops
//! timeout(self.deadline, self.asker.ask(&offer)).await      Ok(Ok(second)); Ok(Err(_)): no answer; Err(_): too late
//! self.tally.compared(&offer, differences)       equal or different; also .unknown(), .dropped(), .skipped()
//! compare(&offer.answer, &second, &self.ignore)  the differences, as a list
//! ```

use std::{sync::Arc, time::Duration};

use http::Method;
use kit_03_strangler::{Asker, Counts, Ignore, Offer, Queue, Tally, compare};
use tokio::time::timeout;

/// The shadow of a route: asks the second upstream and keeps count.
pub struct Shadow {
    asker: Arc<dyn Asker>,
    queue: Queue<Offer>,
    deadline: Duration,
    ignore: Ignore,
    tally: Tally,
}

impl Shadow {
    /// A shadow that asks `asker`, and waits for each answer no longer than `deadline`. At most `places` offers wait.
    #[must_use]
    pub fn new(asker: Arc<dyn Asker>, places: usize, deadline: Duration, ignore: Ignore) -> Self {
        Self { asker, queue: Queue::new(places), deadline, ignore, tally: Tally::default() }
    }

    /// Takes a request of any method, once the first upstream has answered it. The client gets the last byte of that answer
    /// when this is done.
    pub async fn offer(&self, offer: Offer) {
        // begin 03.2
        if !matches!(offer.method, Method::GET | Method::HEAD) {
            self.tally.skipped();
        } else if self.queue.try_send(offer).is_err() {
            self.tally.dropped();
        }
        //| match self.asker.ask(&offer).await {
        //|     Ok(second) => self.tally.compared(&offer, compare(&offer.answer, &second, &self.ignore)),
        //|     Err(_) => self.tally.unknown(),
        //| }
        // end 03.2
    }

    /// Works until [`Shadow::stop`]. The gateway runs it once, in a task of its own.
    pub async fn run(&self) {
        // begin 03.2
        while let Some(offer) = self.queue.recv().await {
            match timeout(self.deadline, self.asker.ask(&offer)).await {
                Ok(Ok(second)) => {
                    self.tally.compared(&offer, compare(&offer.answer, &second, &self.ignore));
                }
                Ok(Err(_)) | Err(_) => self.tally.unknown(),
            }
        }
        //| while let Some(_offer) = self.queue.recv().await {}
        // end 03.2
    }

    /// Ends [`Shadow::run`]; offers that still wait are forgotten.
    pub fn stop(&self) {
        self.queue.close();
    }

    /// Counts a request that may not be offered, e.g. because its answer is too large to be kept.
    pub fn skip(&self) {
        self.tally.skipped();
    }

    /// Where the count stands.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }
}
