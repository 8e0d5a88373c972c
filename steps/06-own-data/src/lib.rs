//! Step 06: a database for each service, moved while people work.
//!
//! Tasks and messages are services of their own since steps 05 and 04; here each gets a database of its own ([`services`]). What is
//! left is step 05's monolith without a choice: whoever has tasks and messages is elsewhere ([`app`]). How the rows get there while
//! people go on working is in `moving/`; [`mover`] is the process that does it.

pub mod app;
pub mod config;
pub mod mover;
pub mod pieces;
pub mod plans;
pub mod processes;
pub mod services;
