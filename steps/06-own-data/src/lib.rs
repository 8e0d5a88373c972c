//! Step 06: a database for each service, moved while people work.

pub mod pieces;
