//! What clients and people are answered, over any ports.

use std::sync::Arc;

use automator_api::LONGEST_BODY;
use axum::Router;
use chassis::{http, session::Sessions};
use step_02_backlog as backlog;
use step_02_contracts::{Backlog, Github, Insights, Notify, Team};
use step_02_github as github;
use step_02_insights as insights;
use step_02_notify as notify;
use step_02_team as team;
use step_02_web as web;

use crate::ModulesConfig;

/// What each context can be asked.
#[derive(Clone)]
pub struct Ports {
    /// Items, imports and webhooks.
    pub github: Arc<dyn Github>,
    /// Tasks and rules.
    pub backlog: Arc<dyn Backlog>,
    /// Members.
    pub team: Arc<dyn Team>,
    /// Messages; those of digests go here.
    pub notify: Arc<dyn Notify>,
    /// Measures.
    pub insights: Arc<dyn Insights>,
}

impl Ports {
    /// Those that the pages and the digests ask.
    fn web(&self) -> web::Ports {
        let Self { github, backlog, team, notify, insights } = self.clone();
        web::Ports { github, backlog, team, notify, insights }
    }
}

/// The routes of every module and the pages. Clients' messages go to `messages`, those of digests to the port's.
///
/// # Errors
/// The catalogue cannot be read; no random numbers for sessions.
pub fn routes(ports: &Ports, messages: Arc<dyn Notify>, config: &ModulesConfig) -> anyhow::Result<Router> {
    let token = &config.server.automator_api_token;
    let api = Router::new()
        .merge(github::router(ports.github.clone()))
        .merge(backlog::router(ports.backlog.clone()))
        .merge(team::router(ports.team.clone()))
        .merge(notify::router(messages))
        .merge(insights::router(ports.insights.clone()))
        .merge(web::router(ports.web()));
    Ok(http::guarded(api, token.clone(), LONGEST_BODY)
        .merge(github::intake(ports.github.clone(), config.github.github_webhook_secret.clone()))
        .merge(web::pages(ports.web(), config.catalogue.catalogue()?, Sessions::new(token)?))
        .merge(automator_api::router()))
}
