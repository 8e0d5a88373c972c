//! Imports from GitHub and how far they are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::names;

names! {
    /// Where an import stands.
    ImportStatus {
        /// A worker will take it.
        Queued = "queued",
        /// A worker is at it, or was until it was killed; another goes on from there.
        Running = "running",
        /// Every repository was read to its end.
        Done = "done",
        /// It was given up; `error` says why. What was read stays.
        Failed = "failed",
    }
}

/// An import as `GET /api/imports/{id}` shows it. One is under way at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Import {
    /// Made by us.
    pub id: Uuid,
    /// Where it stands.
    pub status: ImportStatus,
    /// Repositories that were read to their end.
    pub repositories_done: i64,
    /// Repositories to read.
    pub repositories_total: i64,
    /// Issues and pull requests seen so far.
    pub items_seen: i64,
    /// Why it failed, or what it is waiting for.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}
