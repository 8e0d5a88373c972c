//! Tasks and rules as a service that asks nobody: the service of step 05, without its clients.
//!
//! What it used to ask for comes to it as facts, and stands in its own tables ([`copies`]), written in the transaction in which a fact
//! has its effect on tasks ([`consumer`]). What it used to have others do it records as commands ([`commands`]).

pub mod app;
mod calls;
mod commands;
pub mod config;
mod consumer;
mod copies;
