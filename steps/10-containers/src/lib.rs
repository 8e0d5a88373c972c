//! Step 10: the system of step 05 in containers.
//!
//! What is new is no Rust: the [Dockerfile](../../../Dockerfile) and [docker-compose.yml](../../../docker-compose.yml) in the root. This
//! crate says what they promise: by their text ([`dockerfile`], [`order`]), and by what an engine does with them
//! ([`engine`], [`composed`]).

#![expect(clippy::panic, reason = "this crate is for tests: a panic is how it says what is wrong")]

pub mod composed;
pub mod dockerfile;
pub mod engine;
pub mod folder;
pub mod order;
