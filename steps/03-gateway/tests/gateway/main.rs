//! The gateway as a process, between clients that say what they like and upstreams that do what they like.

#![expect(clippy::expect_used, reason = "a test")]

mod client;
mod failing;
mod passing;
mod smuggling;
mod started;
mod stopping;
mod switching;
mod upstream;
