//! The exercises of step 07, a module each: `cargo workshop verify` runs one of them. A failure is written for the learner:
//! what happened to a person or to data.

mod inbox;
mod life;
mod outbox;
mod real;
