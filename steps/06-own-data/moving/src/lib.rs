//! Moves the rows of a module from the database that it shares to one of its own, while people work.
//!
//! Both databases have a row for each module that moves: its *fence* ([`fence`]). It says whether writes are taken there; at most one
//! side takes them, and for a moment none does. Whoever writes looks at it in the transaction of the write ([`sides`]). A *mirror*
//! ([`mirror`]), made of triggers, notes in the same transaction which row was written, and a *follower* ([`follower`]) takes that row
//! over to the other side. A *backfill* ([`copy`]) copies what was there before. A comparison ([`compare`]) says whether that was all.
//!
//! No commit goes over two databases. A mover may be killed between any two of its statements: what it had done stays, and the next
//! one goes on. The operations that a cut-over is made of stand in [`operations`], in which order they are called is exercise 06.2.

pub mod compare;
pub mod config;
pub mod copy;
pub mod fence;
pub mod follower;
pub mod layout;
pub mod mirror;
pub mod moving;
pub mod operations;
pub mod plan;
pub mod points;
pub mod sides;
pub mod state;

pub use moving::{Move, TakenOver};
pub use plan::{Plan, Table};
