//! Where offers wait.

use tokio::sync::{Mutex, Notify, mpsc};

/// A queue with a fixed number of places: whoever offers more is told so, and memory stays bounded.
#[derive(Debug)]
pub struct Queue<T> {
    sender: mpsc::Sender<T>,
    receiver: Mutex<mpsc::Receiver<T>>,
    stop: Notify,
}

/// Every place is taken, or nobody works the queue any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room in the queue")]
pub struct Unqueued;

impl<T> Queue<T> {
    /// A queue with room for `places`, at least one.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let (sender, receiver) = mpsc::channel(places.max(1));
        Self { sender, receiver: Mutex::new(receiver), stop: Notify::new() }
    }

    /// Puts it at the end, at once or never.
    ///
    /// # Errors
    /// There is no room.
    pub fn try_send(&self, item: T) -> Result<(), Unqueued> {
        self.sender.try_send(item).map_err(|_| Unqueued)
    }

    /// Waits for room, however long that takes, and puts it at the end.
    ///
    /// # Errors
    /// The queue is closed.
    pub async fn send(&self, item: T) -> Result<(), Unqueued> {
        self.sender.send(item).await.map_err(|_| Unqueued)
    }

    /// Waits for the next one, the oldest first; `None` once the queue is closed.
    pub async fn recv(&self) -> Option<T> {
        let mut receiver = self.receiver.lock().await;
        tokio::select! {
            biased;
            () = self.stop.notified() => {
                receiver.close();
                None
            }
            item = receiver.recv() => item,
        }
    }

    /// Ends it: nothing comes in or out any more.
    pub fn close(&self) {
        self.stop.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_has_so_many_places_and_gives_the_oldest_first() {
        let queue = Queue::new(2);
        assert_eq!([1, 2, 3].map(|item| queue.try_send(item)), [Ok(()), Ok(()), Err(Unqueued)]);
        assert_eq!(queue.recv().await, Some(1));
        assert_eq!(queue.send(4).await, Ok(()));
        assert_eq!((queue.recv().await, queue.recv().await), (Some(2), Some(4)));
    }

    #[tokio::test]
    async fn closed_it_gives_and_takes_nothing() {
        let queue = Queue::new(2);
        queue.send(1).await.unwrap();
        queue.close();
        assert_eq!(queue.recv().await, None);
        let too_late = async { (queue.try_send(2), queue.send(3).await, queue.send(4).await) };
        let refused = tokio::time::timeout(Duration::from_secs(5), too_late).await;
        assert_eq!(refused, Ok((Err(Unqueued), Err(Unqueued), Err(Unqueued))));
    }
}
