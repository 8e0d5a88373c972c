//! A message as a provider is handed it.

use sqlx::FromRow;

/// A message as a worker reads it.
#[derive(Debug, FromRow)]
pub(crate) struct Queued {
    pub(crate) channel: String,
    pub(crate) sender: Option<String>,
    pub(crate) recipient: String,
    pub(crate) subject: Option<String>,
    pub(crate) body: String,
    pub(crate) attempts: i64,
    pub(crate) created_at: i64,
}
