//! Measures and the leaderboard, as a service of their own: read models made of what is told, and nothing else. Thrown away they can be made
//! again of the feed, while everybody else goes on.

pub mod app;
pub mod config;
mod consumer;
pub mod internal;
mod rebuild;
