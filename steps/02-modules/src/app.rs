//! Puts the modules together and runs them.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Json, Router, extract::DefaultBodyLimit, middleware, routing::get};
use chassis::{auth, extract, health::Health, metrics::Metrics, process, serve::Stop, session::Sessions};
use domain::Catalogue;
use step_01_monolith::{
    api::{self, LONGEST_BODY, webhooks::LONGEST_PAYLOAD},
    app,
    config::{Command, ServerConfig},
    github::client,
    pages::{self, Pages},
};
use step_02_backlog as backlog;
use step_02_contracts::{Backlog, Ctx, Github, Handler, Insights, Notify, Team};
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
    process::run(async {
        match config.command.unwrap_or(Command::Serve) {
            Command::Migrate => migrate(&config.databases).await,
            Command::Serve => run(config, Stop::from_environment()?).await,
        }
    })
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

/// The modules, made.
pub struct Modules {
    github: github::Module,
    backlog: backlog::Module,
    team: team::Module,
    notify: notify::Module,
    insights: insights::Module,
    catalogue: Arc<Catalogue>,
}

impl Modules {
    /// Makes each over its store, with the ports that it asks; has those that listen hear the others.
    ///
    /// # Errors
    /// The configuration is wrong, or a database was not migrated.
    pub async fn new(stores: &Stores, bus: &Arc<Bus>, config: &Config) -> anyhow::Result<Self> {
        let tell_assignees = config.tell_assignees;
        let config = &config.server;
        let catalogue = Arc::new(config.catalogue()?);
        let client = match &config.github_token {
            Some(token) => Some(client::Github::new(&config.github_api_url, token.clone())?),
            None => None,
        };
        let team = team::Module::new(stores.team.clone()).await?;
        let notify = notify::Module::new(stores.notify.clone(), config.providers.providers()?).await?;
        let github = github::Module::new(stores.github.clone(), catalogue.clone(), client).await?;
        let insights = insights::Module::new(stores.insights.clone(), catalogue.clone()).await?;
        let ports = backlog::Ports {
            github: Arc::new(github.clone()),
            team: Arc::new(team.clone()),
            notify: Arc::new(notify.clone()),
        };
        let backlog =
            backlog::Module::new(stores.backlog.clone(), catalogue.clone(), ports, tell_assignees).await?;
        let mut handlers: Vec<Arc<dyn Handler>> =
            vec![Arc::new(github.clone()), Arc::new(backlog.clone()), Arc::new(insights.clone())];
        if tell_assignees {
            handlers.push(backlog.mails());
        }
        bus.listen(handlers);
        let ctx = Ctx::background(CATCH_UP);
        github.catch_up(&ctx, &team).await?;
        insights.catch_up(&ctx, &team).await?;
        Ok(Self { github, backlog, team, notify, insights, catalogue })
    }

    fn web(&self) -> web::Ports {
        web::Ports {
            github: self.github(),
            backlog: self.backlog(),
            team: self.team(),
            notify: self.notify(),
            insights: self.insights(),
        }
    }

    /// What GitHub says.
    #[must_use]
    pub fn github(&self) -> Arc<dyn Github> {
        Arc::new(self.github.clone())
    }

    /// What the team has to do.
    #[must_use]
    pub fn backlog(&self) -> Arc<dyn Backlog> {
        Arc::new(self.backlog.clone())
    }

    /// Who is in it.
    #[must_use]
    pub fn team(&self) -> Arc<dyn Team> {
        Arc::new(self.team.clone())
    }

    /// Messages.
    #[must_use]
    pub fn notify(&self) -> Arc<dyn Notify> {
        Arc::new(self.notify.clone())
    }

    /// Measures.
    #[must_use]
    pub fn insights(&self) -> Arc<dyn Insights> {
        Arc::new(self.insights.clone())
    }

    /// The routes of every module, those of the API behind the token for writes.
    fn routes(&self, config: &ServerConfig, sessions: Sessions) -> Router {
        let api = Router::new()
            .merge(github::router(self.github()))
            .merge(backlog::router(self.backlog()))
            .merge(team::router(self.team()))
            .merge(notify::router(self.notify()))
            .merge(insights::router(self.insights()))
            .merge(web::router(self.web()));
        let webhooks = github::intake(self.github(), config.github_webhook_secret.clone());
        let source = Arc::new(web::Asked { ports: self.web(), catalogue: self.catalogue.clone() });
        let document = api::document();
        guarded(api, config)
            .merge(limited(webhooks, LONGEST_PAYLOAD))
            .merge(pages::router(Pages { source, sessions }))
            .route("/ping", get(api::legacy::ping))
            .route("/openapi.json", get(move || async move { Json(document) }))
    }

    /// Starts the workers.
    fn work(&self, stop: &Stop) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        workers.spawn(self.github.clone().run(stop.clone()).instrument(tracing::info_span!("github")));
        workers.spawn(self.notify.clone().run(stop.clone()).instrument(tracing::info_span!("notify")));
        workers.spawn(self.backlog.clone().run(stop.clone()).instrument(tracing::info_span!("backlog")));
        workers
    }

    /// What Prometheus finds here: the requests, and how long the queues are.
    fn metrics(&self) -> anyhow::Result<Metrics> {
        let (notify, backlog) = (self.notify.clone(), self.backlog.clone());
        let metrics = Metrics::new("monolith", env!("CARGO_PKG_VERSION"))?
            .asking("notifications_queued", app::QUEUED, move || {
                let notify = notify.clone();
                async move { notify.queued().await }
            })?
            .asking("rule_actions_pending", app::PENDING, move || {
                let backlog = backlog.clone();
                async move { backlog.pending().await }
            })?;
        Ok(metrics)
    }
}

/// Serves until `stop`, and drains.
///
/// # Errors
/// The configuration is wrong, a database cannot be opened or was not migrated, or the port is taken.
pub async fn run(config: &Config, stop: Stop) -> anyhow::Result<()> {
    let Config { databases, server, .. } = config;
    server.check_token()?;
    let bus = Arc::new(Bus::default());
    let stores = Stores::open(databases, Some(bus.clone())).await?;
    let modules = Modules::new(&stores, &bus, config)
        .await
        .context("the database is not ready; has `monolith-02 migrate` been run?")?;
    let asked = stores.clone();
    let health = Health::new(stop.clone()).asking(move || {
        let stores = asked.clone();
        async move { stores.are_there().await }
    });
    let routes = modules.routes(server, app::sessions(server)?);
    let router = app::framed(routes, server, health, &modules.metrics()?);
    let workers = modules.work(&stop);
    let last = async {
        bus.settled().await;
        stores.close().await;
    };
    app::serve(server, router, stop, workers, last).await
}

/// The routes of modules, behind the token for writes.
pub(crate) fn guarded(routes: Router, config: &ServerConfig) -> Router {
    let token = config.automator_api_token.clone();
    limited(routes.layer(middleware::from_fn_with_state(token, auth::writes)), LONGEST_BODY)
}

/// `router`, taking bodies of at most `bytes`.
fn limited(router: Router, bytes: usize) -> Router {
    router
        .layer(DefaultBodyLimit::max(bytes))
        .layer(middleware::from_fn_with_state(bytes, extract::announced))
}
