//! Paging: a page of a list and the limit that asks for it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One page of a list. `next_cursor` is opaque: hand it back as `cursor` to read on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// At most `limit` of them, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// Which page of a list that has no filters.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100.
    #[serde(default)]
    pub limit: Limit,
}

/// How many rows a page may have: 1 to 100, 50 unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "u32")]
#[schema(value_type = u32, minimum = 1, maximum = 100, default = 50)]
pub struct Limit(u32);

impl Limit {
    /// The most rows a page may have.
    pub const MAX: u32 = 100;

    /// A limit of `rows`, or `None` outside 1 to 100.
    #[must_use]
    pub fn new(rows: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&rows).then_some(Self(rows))
    }

    /// The number of rows.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u32> for Limit {
    type Error = String;

    fn try_from(rows: u32) -> Result<Self, String> {
        Self::new(rows).ok_or_else(|| format!("must be between 1 and {}", Self::MAX))
    }
}
