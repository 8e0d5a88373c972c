//! The ports of github and insights that the pages and the digests ask, at the other end of HTTP (pattern: *Adapter*), by the piece of
//! step 04.

use async_trait::async_trait;
use chassis::auth::Secret;
use domain::{Item, Leaderboard, Measures, MeasuresQuery};
use reqwest::{Method, Url};
use serde::Deserialize;
use step_02_contracts::{Ctx, Fault, Insights, WaitingList};
use step_04_client::pieces::http_notify::Service;

/// What the community waits for, over a wire.
#[derive(Debug, Clone)]
pub struct HttpGithub(Service);

impl HttpGithub {
    /// The service at `base`, which lets in whoever shows `token`.
    ///
    /// # Errors
    /// No certificate store, in an image without CA bundle.
    pub fn new(base: Url, token: Secret) -> Result<Self, reqwest::Error> {
        Service::new("github", base, token).map(Self)
    }
}

#[derive(Deserialize)]
struct Waiting {
    items: Vec<Item>,
    all: i64,
}

#[async_trait]
impl WaitingList for HttpGithub {
    async fn waiting(&self, ctx: &Ctx, limit: u32) -> Result<(Vec<Item>, i64), Fault> {
        let request = self.0.request(Method::GET, &["waiting"])?.query(&[("limit", limit)]);
        let (Waiting { items, all }, _) = self.0.ask(ctx, request, None).await?;
        Ok((items, all))
    }
}

/// Measures, over a wire.
#[derive(Debug, Clone)]
pub struct HttpInsights(Service);

impl HttpInsights {
    /// The service at `base`, which lets in whoever shows `token`.
    ///
    /// # Errors
    /// No certificate store, in an image without CA bundle.
    pub fn new(base: Url, token: Secret) -> Result<Self, reqwest::Error> {
        Service::new("insights", base, token).map(Self)
    }
}

#[derive(Deserialize)]
struct Year {
    year: i16,
}

#[async_trait]
impl Insights for HttpInsights {
    async fn measures(&self, ctx: &Ctx, query: MeasuresQuery) -> Result<Measures, Fault> {
        let MeasuresQuery { from, to, group } = query;
        let asked = [
            ("from", from.map(|day| day.to_string())),
            ("to", to.map(|day| day.to_string())),
            ("group", group.map(|group| group.to_string())),
        ];
        let asked: Vec<_> = asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let request = self.0.request(Method::GET, &["measures"])?.query(&asked);
        Ok(self.0.ask(ctx, request, None).await?.0)
    }

    async fn leaderboard(&self, ctx: &Ctx, year: i16) -> Result<Leaderboard, Fault> {
        let request = self.0.request(Method::GET, &["leaderboard"])?.query(&[("year", year)]);
        Ok(self.0.ask(ctx, request, None).await?.0)
    }

    async fn latest_year(&self, ctx: &Ctx) -> Result<i16, Fault> {
        let request = self.0.request(Method::GET, &["latest-year"])?;
        let (Year { year }, _) = self.0.ask(ctx, request, None).await?;
        Ok(year)
    }
}
