//! Whether a database answers and takes writes, asked for readiness.

use std::sync::atomic::Ordering;

use crate::{Backend, Store, condition::Condition, pool::Over, query};

impl Store {
    /// Whether the database answers and takes writes. A full disk is only seen by a write; so one is tried, but only after another
    /// one has failed.
    pub async fn is_there(&self) -> bool {
        let condition = match &self.over {
            Over::One(database) => &database.condition,
            Over::Switched(switch) => return switch.is_there().await,
        };
        if condition.is_in_place().is_err() || !self.answers(condition).await {
            return false;
        }
        !condition.refuses.load(Ordering::Relaxed) || self.takes_a_write(condition).await
    }

    async fn answers(&self, condition: &Condition) -> bool {
        match self.backend() {
            Backend::Sqlite => query("SELECT 1").fetch_one::<(i64,)>(self).await.is_ok(),
            // A server may have become a copy of another one, which is only read.
            Backend::Postgres => {
                let asked = query("SELECT current_setting('transaction_read_only')");
                match asked.fetch_one::<(String,)>(self).await {
                    Ok((read_only,)) if read_only == "off" => true,
                    Ok(_) => {
                        condition.refuse(&"it may only be read");
                        false
                    }
                    Err(_) => false,
                }
            }
        }
    }

    /// Tries to write a hundred kilobytes, which nobody keeps: a single page may find room in what the database has already.
    async fn takes_a_write(&self, condition: &Condition) -> bool {
        let writes: &[&'static str] = match self.backend() {
            // Each commits by itself: what one transaction makes and drops is never written.
            Backend::Sqlite => &[
                "CREATE TABLE IF NOT EXISTS room_for_writes (room BLOB)",
                "INSERT INTO room_for_writes VALUES (zeroblob(100000))",
                "DELETE FROM room_for_writes",
            ],
            Backend::Postgres => &["CREATE TEMPORARY TABLE room_for_writes ON COMMIT DROP AS \
                 SELECT md5(CAST(n AS TEXT)) AS room FROM generate_series(1, 2000) AS n"],
        };
        let mut works = true;
        for write in writes {
            works &= query(write).execute(self).await.is_ok();
        }
        if works && condition.refuses.swap(false, Ordering::Relaxed) {
            tracing::info!("the database takes writes again");
        }
        works
    }
}
