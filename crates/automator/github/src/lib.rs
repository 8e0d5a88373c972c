//! GitHub's side of Automator: what it says comes in here, and stands in tables of this context's own.
//!
//! It is asked by an [`import`], through the [`client`], and it tells by itself, in a [`webhook`]. Both bring the same ([`told`]),
//! and both end in an [`write::ItemWriter`], whose heart is [`write::write`]. What is shown of it: [`items`], [`repositories`],
//! [`imports`]. What the community waits for is derived here too ([`waiting`]).
//!
//! Tables: `repositories`, `items`, `timeline`, `imports`, `import_lists`, `deliveries`; and one that says who is in the team, which
//! the owner names.

pub mod client;
pub mod config;
pub mod deliveries;
pub mod import;
pub mod imports;
pub mod items;
pub mod legacy;
mod missing;
pub mod repositories;
pub mod told;
pub mod waiting;
pub mod webhook;
pub mod write;
