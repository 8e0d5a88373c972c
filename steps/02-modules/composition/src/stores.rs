//! The databases of the modules: all in one, or each in its own.

use std::sync::Arc;

use chassis::{health::Health, process::Lack, serve::Stop};
use store::{DatabaseUrl, OpenError, Recorder, Store};

use crate::Databases;

/// Where each module keeps its tables.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The one that modules share that have none of their own.
    pub shared: Store,
    /// Of tasks and rules.
    pub backlog: Store,
    /// Of items.
    pub github: Store,
    /// Of the read models.
    pub insights: Store,
    /// Of messages.
    pub notify: Store,
    /// Of members.
    pub team: Store,
}

/// The modules that have tables.
pub const MODULES: [&str; 5] = ["backlog", "github", "insights", "notify", "team"];

/// What the databases of those `modules` lack that the process has.
///
/// # Errors
/// As [`store::lacks`].
pub async fn lacks(databases: &Databases, modules: &[&str]) -> anyhow::Result<Option<Lack>> {
    let all = [
        (&databases.team_database_url, ("team", step_02_team::migrations())),
        (&databases.notify_database_url, ("notify", step_02_notify::migrations())),
        (&databases.github_database_url, ("github", step_02_github::migrations())),
        (&databases.backlog_database_url, ("backlog", step_02_backlog::migrations())),
        (&databases.insights_database_url, ("insights", step_02_insights::migrations())),
    ];
    let mut sharing = Vec::new();
    for (own, module) in all.into_iter().filter(|(_, (name, _))| modules.contains(name)) {
        let Some(url) = own else {
            sharing.push(module);
            continue;
        };
        if let Some(lack) = store::lacks(url, &[module]).await? {
            return Ok(Some(lack));
        }
    }
    Ok(store::lacks(&databases.database_url, &sharing).await?)
}

impl Stores {
    /// Opens them. Modules that share a database share its connections.
    ///
    /// # Errors
    /// One cannot be opened.
    pub async fn open(databases: &Databases, recorder: Option<Arc<dyn Recorder>>) -> Result<Self, OpenError> {
        let open = async |url: &DatabaseUrl| {
            let store = Store::connect(url).await?;
            Ok::<_, OpenError>(match &recorder {
                Some(recorder) => store.recording(recorder.clone()),
                None => store,
            })
        };
        let shared = open(&databases.database_url).await?;
        let of = async |own: &Option<DatabaseUrl>| match own {
            Some(url) => open(url).await,
            None => Ok(shared.clone()),
        };
        Ok(Self {
            backlog: of(&databases.backlog_database_url).await?,
            github: of(&databases.github_database_url).await?,
            insights: of(&databases.insights_database_url).await?,
            notify: of(&databases.notify_database_url).await?,
            team: of(&databases.team_database_url).await?,
            shared,
        })
    }

    /// Brings the tables of those `modules` up to date.
    ///
    /// # Errors
    /// A migration fails.
    pub async fn migrate(&self, modules: &[&str]) -> Result<(), OpenError> {
        let all = [
            ("team", &self.team, step_02_team::migrations()),
            ("notify", &self.notify, step_02_notify::migrations()),
            ("github", &self.github, step_02_github::migrations()),
            ("backlog", &self.backlog, step_02_backlog::migrations()),
            ("insights", &self.insights, step_02_insights::migrations()),
        ];
        for (name, store, migrations) in all.into_iter().filter(|(name, ..)| modules.contains(name)) {
            store.migrate(name, migrations).await?;
        }
        Ok(())
    }

    /// Ready while all of them answer, until `stop`.
    #[must_use]
    pub fn health(&self, stop: Stop) -> Health {
        let stores = self.clone();
        Health::new(stop).asking(move || {
            let stores = stores.clone();
            async move { stores.are_there().await }
        })
    }

    /// Whether all of them answer.
    async fn are_there(&self) -> bool {
        for store in self.all() {
            if !store.is_there().await {
                return false;
            }
        }
        true
    }

    /// Closes every connection; what is under way finishes first.
    pub async fn close(&self) {
        for store in self.all() {
            store.close().await;
        }
    }

    fn all(&self) -> [&Store; 6] {
        [&self.shared, &self.backlog, &self.github, &self.insights, &self.notify, &self.team]
    }
}
