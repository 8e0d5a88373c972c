//! What Automator does, area by area. Each file lists its scenarios with `scenarios![…]`.

use crate::Scenario;

mod health;

/// All of them, area by area.
pub fn all() -> impl Iterator<Item = Scenario> {
    [health::ALL].into_iter().flatten().copied()
}
