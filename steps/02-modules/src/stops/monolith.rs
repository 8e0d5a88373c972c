//! What is still the monolith, at either stop: step 01's state, workers and routes, with messages that go through the port.

use std::sync::Arc;

use async_trait::async_trait;
use automator_api::LONGEST_BODY;
use automator_backlog::actions::{Decided, Effects, RuleWorker};
use automator_github::{client::Github, import::Importer, webhook::LONGEST_PAYLOAD, write::ItemWriter};
use automator_pages::{self as pages, Pages, Source};
use axum::Router;
use chassis::{
    background::Background,
    event::Recorded,
    http::{guarded, limited},
};
use domain::{Action, Notify as Notice};
use step_01_monolith::{
    api,
    config::Config,
    rules::{self, About},
    state::State,
};
use step_02_contracts::{Ctx, Fault, Notify};
use store::{Store, Tx};

/// The monolith in a stop.
pub(super) struct Monolith {
    /// What its handlers use.
    pub(super) state: State,
    importer: Importer,
    rules: RuleWorker<Through>,
}

impl Monolith {
    /// Over its tables in `store`, with what a stop puts into its seams: `writer` writes what GitHub says, messages go to `notify`.
    pub(super) async fn open(
        config: &Config,
        store: &Store,
        writer: Arc<dyn ItemWriter>,
        notify: Arc<dyn Notify>,
    ) -> anyhow::Result<Self> {
        let github = config.github.client()?;
        let effects = Through { store: store.clone(), github: github.clone(), notify };
        let rules = RuleWorker::new(store.clone(), rules::ACTIONS, effects);
        let importer = Importer::new(store.clone(), github, writer.clone());
        let state = State::open(store.clone(), config, importer.clone(), writer, rules.queue()).await?;
        Ok(Self { state, importer, rules })
    }

    /// All that clients and people are answered: by the monolith what is in it at both stops, by `more` of it, which is not at
    /// both, and by the `modules`. The pages show `source`.
    pub(super) fn routes(&self, more: Router<State>, modules: Router, source: Arc<dyn Source>) -> Router {
        let state = &self.state;
        let own = more
            .merge(api::repositories::router())
            .merge(api::items::router())
            .merge(api::tasks::router())
            .merge(api::imports::router())
            .merge(api::rules::router())
            .merge(api::legacy::router());
        let api = modules.merge(own.with_state(state.clone()));
        let webhooks = Router::from(api::webhooks::router()).with_state(state.clone());
        guarded(api, state.token.clone(), LONGEST_BODY)
            .merge(limited(webhooks, LONGEST_PAYLOAD))
            .merge(pages::router(Pages { source, sessions: state.sessions.clone() }))
            .merge(automator_api::openapi())
    }

    /// Imports and does what rules decided, in a process until it stops.
    pub(super) fn work(self, background: &mut Background) -> anyhow::Result<()> {
        self.importer.work(background);
        self.rules.work(background)
    }
}

/// What actions of rules do: as in the monolith, but for messages, which go through the port.
#[derive(Clone)]
struct Through {
    store: Store,
    github: Option<Github>,
    notify: Arc<dyn Notify>,
}

#[async_trait]
impl Effects for Through {
    type About = About;

    async fn find(&self, _: &Ctx, id: &str) -> Result<(Decided, About), Fault> {
        rules::find(&self.store, id).await
    }

    async fn change(
        &self,
        _: &Ctx,
        tx: &mut Tx,
        decided: &Decided,
        about: &About,
        action: &Action,
    ) -> Result<(), Fault> {
        rules::change(&self.store, tx, decided, about, action).await
    }

    async fn notify(
        &self,
        ctx: &Ctx,
        id: &str,
        decided: &Decided,
        about: &About,
        notice: &Notice,
    ) -> Result<Option<Recorded>, Fault> {
        let messages = rules::messages(&self.store, id, decided, about, notice).await?;
        self.notify.send(ctx, None, messages).await.map(|_| None)
    }

    async fn comment(
        &self,
        _: &Ctx,
        decided: &Decided,
        about: &About,
        text: &str,
    ) -> Result<Option<Recorded>, Fault> {
        rules::comment(self.github.as_ref(), decided, about, text).await.map(|()| None)
    }
}
