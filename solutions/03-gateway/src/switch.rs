//! Exercise 03.1: the sticky switch.
//!
//! A route has an old upstream and a new one. A share of the people goes to the new one: one percent today, all of them next
//! month. Whoever has seen the new one keeps seeing it, whichever gateway they meet and however often it is restarted. Where
//! nobody knows who asks, the request goes last: to the new one only when everybody does. At the start nobody ever goes.
//!
//! ```text
//! share.percent, share.route      how many of a hundred go to the new one; the route's name
//! key                             what stays the same for one person; None where nobody knows who asks
//! hash("salt", "key") % 100       0 to 99, the same everywhere and for ever; another salt, another order
//! key.map_or(7, |key| ...)        7 where there is no key
//! ```

use kit_03_strangler::hash;

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
    // begin 03.1
    // Without a key the last of a hundred buckets: at 100 percent nobody is left behind.
    let bucket = key.map_or(99, |key| hash(share.route, key) % 100);
    if bucket < u64::from(share.percent) { Upstream::New } else { Upstream::Old }
    //| Upstream::Old
    // end 03.1
}
