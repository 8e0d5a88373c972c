//! Exercise 03.1: the switch.
//!
//! A route has an old upstream and a new one. A share of the people goes to the new one: one percent today, all of them next
//! month. Whoever has seen the new one keeps seeing it, whichever gateway they meet and however often it is restarted. At
//! the start everybody goes to the old one.
//!
//! ```text
//! share.percent, share.route          how many of a hundred go to the new one; the route's name
//! key                                 what stays the same for one person: None where we do not know who asks
//! hash("salt", "key") % 100           0 to 99, the same everywhere and for ever; another salt, another order
//! let Some(key) = key else { return Upstream::Old };
//! ```

use strangler::hash;

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// What has always answered.
    Old,
    /// What replaces it.
    New,
}

/// How much of a route goes to the new upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share<'r> {
    /// The route's name.
    pub route: &'r str,
    /// How many of a hundred people go to the new one, 0 to 100.
    pub percent: u8,
}

/// Who answers whoever has this `key`.
#[must_use]
pub fn choose(share: &Share<'_>, key: Option<&str>) -> Upstream {
    Upstream::Old
}
