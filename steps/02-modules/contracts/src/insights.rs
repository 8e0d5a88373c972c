//! How long the community waits, and who of it contributes.

use async_trait::async_trait;
use chassis::{Ctx, Fault};
use domain::{Leaderboard, Measures, MeasuresQuery};

/// Read models, made of what the others tell.
#[async_trait]
pub trait Insights: Send + Sync {
    /// The measures of a period. [`Fault::Invalid`] for one that ends before it begins.
    async fn measures(&self, ctx: &Ctx, query: MeasuresQuery) -> Result<Measures, Fault>;

    /// The leaderboard of a year. [`Fault::Invalid`] for a year that GitHub has not seen.
    async fn leaderboard(&self, ctx: &Ctx, year: i16) -> Result<Leaderboard, Fault>;

    /// The year of the latest merge, UTC; this year where nothing was merged.
    async fn latest_year(&self, ctx: &Ctx) -> Result<i16, Fault>;
}
