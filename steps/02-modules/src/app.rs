//! Puts the modules together and runs them.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Json, Router, routing::get};
use chassis::{
    health::Health,
    http,
    metrics::Metrics,
    process,
    serve::{self, Stop},
    session::Sessions,
};
use domain::Catalogue;
use futures::future::BoxFuture;
use step_01_monolith::{
    api::{self, LONGEST_BODY, webhooks::LONGEST_PAYLOAD},
    app,
    config::ServerConfig,
    github::client,
    pages::{self, Pages},
};
use step_02_backlog as backlog;
use step_02_contracts::{Backlog, Ctx, Handler, Notify};
use step_02_github as github;
use step_02_insights as insights;
use step_02_notify as notify;
use step_02_team as team;
use step_02_web as web;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{
    bus::Bus,
    config::{Config, Databases},
    stores::Stores,
    take_over,
};

/// How long the modules may take to ask each other what they missed, at the start.
const CATCH_UP: Duration = Duration::from_secs(30);

/// Does what `config` says; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    process::start(
        config.command,
        async || migrate(&config.databases).await,
        async |stop| run(config, stop).await,
    )
}

/// Brings every module's tables up to date, and takes over what step 01 wrote.
///
/// # Errors
/// A database cannot be opened, or a migration fails.
pub async fn migrate(databases: &Databases) -> anyhow::Result<()> {
    let stores = Stores::open(databases, None).await?;
    let is_new = take_over::has_no_rules(&stores).await;
    stores.migrate().await?;
    if is_new {
        backlog::ship_rules(&stores.backlog).await?;
    }
    take_over::run(databases, &stores).await?;
    stores.close().await;
    tracing::info!(database = databases.database_url.place(), "the database is up to date");
    Ok(())
}

/// What a later step has in another process, or adds to this one. Nothing: every module is here.
#[derive(Default)]
pub struct Wiring {
    /// Messages, at the other end of a wire; then no worker here delivers any.
    pub notify: Option<Arc<dyn Notify>>,
    /// Who takes digests, where that is not `notify` itself.
    pub digests: Option<Arc<dyn Notify>>,
    /// Tasks and rules, at the other end of a wire; then none are here.
    pub backlog: Option<Elsewhere>,
    /// More routes, over the ports of the modules: for services that ask back.
    pub routes: Option<MoreRoutes>,
    /// Does something beside the modules until it is told to stop.
    pub workers: Vec<BoxFuture<'static, ()>>,
}

/// Makes routes over the ports of the modules.
pub type MoreRoutes = Box<dyn FnOnce(&web::Ports) -> Router + Send>;

/// A module in another process: its port, and who takes there what the modules here tell.
pub struct Elsewhere {
    /// Asks it.
    pub port: Arc<dyn Backlog>,
    /// Tells it.
    pub handler: Arc<dyn Handler>,
}

/// The modules, made: those that have something to do by themselves, and the ports of all.
pub struct Modules {
    github: github::Module,
    backlog: Option<backlog::Module>,
    notify: Option<notify::Module>,
    /// Whom the pages ask: the port of each.
    pub ports: web::Ports,
    messages: Arc<dyn Notify>,
    catalogue: Arc<Catalogue>,
}

impl Modules {
    /// Makes each over its store, with the ports that it asks; has those that listen hear the others.
    ///
    /// # Errors
    /// The configuration is wrong, or a database was not migrated.
    pub async fn new(
        stores: &Stores,
        bus: &Arc<Bus>,
        config: &Config,
        wiring: &Wiring,
    ) -> anyhow::Result<Self> {
        let tell_assignees = config.tell_assignees;
        let config = &config.server;
        let catalogue = Arc::new(config.catalogue()?);
        let client = match &config.github_token {
            Some(token) => Some(client::Github::new(&config.github_api_url, token.clone())?),
            None => None,
        };
        let team = team::Module::new(stores.team.clone()).await?;
        let (notify, messages): (_, Arc<dyn Notify>) = match &wiring.notify {
            Some(elsewhere) => (None, elsewhere.clone()),
            None => {
                let here = notify::Module::new(stores.notify.clone(), config.providers.providers()?).await?;
                (Some(here.clone()), Arc::new(here))
            }
        };
        let github = github::Module::new(stores.github.clone(), catalogue.clone(), client).await?;
        let insights = insights::Module::new(stores.insights.clone(), catalogue.clone()).await?;
        let mut handlers: Vec<Arc<dyn Handler>> = vec![Arc::new(github.clone()), Arc::new(insights.clone())];
        let (backlog, tasks): (_, Arc<dyn Backlog>) = match &wiring.backlog {
            Some(elsewhere) => {
                handlers.push(elsewhere.handler.clone());
                (None, elsewhere.port.clone())
            }
            None => {
                let ports = backlog::Ports {
                    github: Arc::new(github.clone()),
                    team: Arc::new(team.clone()),
                    notify: messages.clone(),
                };
                let store = stores.backlog.clone();
                let here = backlog::Module::new(store, catalogue.clone(), ports, tell_assignees).await?;
                handlers.push(Arc::new(here.clone()));
                if tell_assignees {
                    handlers.push(here.mails());
                }
                (Some(here.clone()), Arc::new(here))
            }
        };
        bus.listen(handlers);
        let ctx = Ctx::background(CATCH_UP);
        github.catch_up(&ctx, &team).await?;
        insights.catch_up(&ctx, &team).await?;
        let ports = web::Ports {
            github: Arc::new(github.clone()),
            backlog: tasks,
            team: Arc::new(team),
            notify: wiring.digests.clone().unwrap_or_else(|| messages.clone()),
            insights: Arc::new(insights),
        };
        Ok(Self { github, backlog, notify, ports, messages, catalogue })
    }

    /// The routes of every module, those of the API behind the token for writes.
    fn routes(&self, config: &ServerConfig, sessions: Sessions) -> Router {
        let ports = &self.ports;
        let api = Router::new()
            .merge(github::router(ports.github.clone()))
            .merge(backlog::router(ports.backlog.clone()))
            .merge(team::router(ports.team.clone()))
            .merge(notify::router(self.messages.clone()))
            .merge(insights::router(ports.insights.clone()))
            .merge(web::router(ports.clone()));
        let webhooks = github::intake(ports.github.clone(), config.github_webhook_secret.clone());
        let source = Arc::new(web::Asked { ports: ports.clone(), catalogue: self.catalogue.clone() });
        let document = api::document();
        http::guarded(api, config.automator_api_token.clone(), LONGEST_BODY)
            .merge(http::limited(webhooks, LONGEST_PAYLOAD))
            .merge(pages::router(Pages { source, sessions }))
            .route("/ping", get(api::legacy::ping))
            .route("/openapi.json", get(move || async move { Json(document) }))
    }

    /// Starts the workers of those that are here.
    fn work(&self, stop: &Stop) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        workers.spawn(self.github.clone().run(stop.clone()).instrument(tracing::info_span!("github")));
        if let Some(notify) = self.notify.clone() {
            workers.spawn(notify.run(stop.clone()).instrument(tracing::info_span!("notify")));
        }
        if let Some(backlog) = self.backlog.clone() {
            workers.spawn(backlog.run(stop.clone()).instrument(tracing::info_span!("backlog")));
        }
        workers
    }

    /// What Prometheus finds here: the requests, and how long the queues are.
    fn metrics(&self) -> anyhow::Result<Metrics> {
        let mut metrics = Metrics::new("monolith", env!("CARGO_PKG_VERSION"))?;
        if let Some(notify) = self.notify.clone() {
            metrics = metrics.asking("notifications_queued", app::QUEUED, move || {
                let notify = notify.clone();
                async move { notify.queued().await }
            })?;
        }
        if let Some(backlog) = self.backlog.clone() {
            metrics = metrics.asking("rule_actions_pending", app::PENDING, move || {
                let backlog = backlog.clone();
                async move { backlog.pending().await }
            })?;
        }
        Ok(metrics)
    }
}

/// Serves until `stop`, and drains.
///
/// # Errors
/// The configuration is wrong, a database cannot be opened or was not migrated, or the port is taken.
pub async fn run(config: &Config, stop: Stop) -> anyhow::Result<()> {
    run_with(config, stop, Wiring::default()).await
}

/// The same, with what a later step has elsewhere.
///
/// # Errors
/// As [`run`].
pub async fn run_with(config: &Config, stop: Stop, wiring: Wiring) -> anyhow::Result<()> {
    let Config { databases, server, .. } = config;
    server.check_token()?;
    let bus = Arc::new(Bus::default());
    let stores = Stores::open(databases, Some(bus.clone())).await?;
    let modules = Modules::new(&stores, &bus, config, &wiring)
        .await
        .context("the database is not ready; has `migrate` been run?")?;
    let asked = stores.clone();
    let health = Health::new(stop.clone()).asking(move || {
        let stores = asked.clone();
        async move { stores.are_there().await }
    });
    let mut routes = modules.routes(server, app::sessions(server)?);
    if let Some(more) = wiring.routes {
        routes = routes.merge(more(&modules.ports));
    }
    let router = app::framed(routes, server, health, &modules.metrics()?);
    let mut workers = modules.work(&stop);
    for worker in wiring.workers {
        workers.spawn(worker);
    }
    let last = async {
        bus.settled().await;
        stores.close().await;
    };
    serve::run_with((server.host, server.port), router, stop, workers, last).await
}
