//! Puts the monolith of this step together and runs it.

use std::{process::ExitCode, sync::Arc};

use chassis::{
    process::{self, Misconfigured},
    serve::Stop,
};
use step_02_modules::app::{self, Elsewhere};
use step_04_first_service::app as earlier;
use step_05_client::GrpcBacklog;

use crate::{
    config::Config,
    internal::{self, Asked},
};

/// Does what `config` says; the exit code of the process.
#[must_use]
pub fn main(config: &Config) -> ExitCode {
    process::start(
        config.earlier.modules.command,
        async || earlier::migrate(&config.earlier).await,
        async |stop| run(config, stop).await,
    )
}

/// Serves until `stop`, and drains.
///
/// # Errors
/// The configuration is wrong, a database cannot be opened or was not migrated, or the port is taken.
pub async fn run(config: &Config, stop: Stop) -> anyhow::Result<()> {
    let mut wiring = earlier::wiring(&config.earlier, &stop).await?;
    if let Some(token) = config.backlog_token()? {
        let backlog = GrpcBacklog::new(&config.backlog_urls, &token)
            .map_err(|error| Misconfigured(format!("BACKLOG_URLS: {error}")))?;
        let backlog = Arc::new(backlog);
        wiring.backlog = Some(Elsewhere { port: backlog.clone(), handler: backlog });
        wiring.routes = Some(Box::new(move |ports| {
            let asked = Asked { github: ports.github.clone(), team: ports.team.clone() };
            internal::router(asked, token)
        }));
    }
    app::run_with(&config.earlier.modules, stop, wiring).await
}
