//! Whom the pages and the digests ask: the team in this process, everybody else over a wire.

use std::sync::Arc;

use chassis::{auth::Secret, background::Background, process::Misconfigured};
use step_02_contracts::{Notify, Team};
use step_02_web::Ports;
use step_05_client::GrpcBacklog;
use step_07_client::{HttpGithub, HttpInsights};
use store::Store;

use crate::{assignees::Members, config::AskedConfig};

/// The ports, with messages twice: those of digests are kept in `store` while nobody takes them, others wait where they come from.
///
/// # Errors
/// An address that is none, no certificate store, or the database was not migrated.
pub(crate) async fn open(
    config: &AskedConfig,
    token: &Secret,
    team: Arc<dyn Team>,
    store: Store,
    background: &mut Background,
) -> anyhow::Result<(Ports, Arc<dyn Notify>)> {
    let backlog = GrpcBacklog::new(&config.backlog_urls, token)
        .map_err(|error| Misconfigured(format!("BACKLOG_URLS: {error}")))?;
    let backlog = Arc::new(Members { team: team.clone(), backlog: Arc::new(backlog) });
    let github = Arc::new(HttpGithub::new(config.github_url.clone(), token.clone())?);
    let insights = Arc::new(HttpInsights::new(config.insights_url.clone(), token.clone())?);
    let service = (config.notify_url.clone(), token.clone());
    let (notify, digests) = step_04_client::remote(service, store, background).await?;
    Ok((Ports { github, backlog, team, notify: digests, insights }, notify))
}
