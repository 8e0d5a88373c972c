//! What the environment says to every process of Automator that serves, checked before anything starts.

use std::{net::IpAddr, path::PathBuf};

use chassis::{
    auth::{self, Names, Secret},
    process::Misconfigured,
};
use domain::{Catalogue, catalogue::CatalogueError};

/// Where a process listens, and what a write has to show it.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerConfig {
    /// Address to listen on. Other machines reach the process only with a token configured.
    #[arg(long, env, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on.
    #[arg(long, env, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Token that a write has to show.
    #[arg(long, env, hide_env_values = true, value_name = "AUTOMATOR_API_TOKEN")]
    pub automator_api_token: Option<Secret>,
    /// Names by which clients may call the process, with commas, where a token is set. Any, unless told.
    #[arg(long, env, value_name = "ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
}

impl ServerConfig {
    /// Address and port.
    #[must_use]
    pub fn address(&self) -> (IpAddr, u16) {
        (self.host, self.port)
    }

    /// By which names it may be called.
    #[must_use]
    pub fn names(&self) -> Names {
        Names::new(&self.automator_api_token, &self.allowed_hosts)
    }

    /// Whether the process may listen where it was told to.
    ///
    /// # Errors
    /// One line, when other machines could write without a token.
    pub fn check(&self) -> Result<(), Misconfigured> {
        auth::may_listen(self.host, &self.automator_api_token)
    }
}

/// What is tracked.
#[derive(Debug, Clone, clap::Args)]
pub struct CatalogueConfig {
    /// TOML file with the repositories to track, in place of the built-in catalogue.
    #[arg(long, env, value_name = "AUTOMATOR_CATALOGUE")]
    pub automator_catalogue: Option<PathBuf>,
}

impl CatalogueConfig {
    /// The repositories to track.
    ///
    /// # Errors
    /// One line that names the variable and what is wrong.
    pub fn catalogue(&self) -> Result<Catalogue, Misconfigured> {
        let Some(path) = &self.automator_catalogue else { return Ok(Catalogue::builtin()) };
        let refused = |reason: String| {
            // TOML's message draws the place over several lines; one is what a log can hold.
            let reason: Vec<_> = reason.split_whitespace().collect();
            Misconfigured(format!(
                "invalid value '{}' for 'AUTOMATOR_CATALOGUE': {}",
                path.display(),
                reason.join(" ")
            ))
        };
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        text.parse().map_err(|error: CatalogueError| refused(error.to_string()))
    }
}
