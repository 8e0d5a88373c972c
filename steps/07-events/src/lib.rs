//! Step 07: events that cannot be lost, and the end of the monolith.
//!
//! `github` and `insights` leave; what is left in the old process is `web`. What services tell each other, and what they want of each other,
//! are messages: `messaging/` has outbox, relay, inbox and what carries them, `feed/` a small carrier. `service/` is what every service has
//! around its module; each has its composition root in its own `app.rs`. Here is only the binary of all of them.

pub mod nats;
pub mod processes;

pub use step_07_messaging::pieces;
pub use step_07_service::crash;
