//! GitHub in the configuration of a process.

use chassis::{auth::Secret, config::http_url};

use crate::client::Github;

/// Where GitHub is, and what we and it show each other.
#[derive(Debug, Clone, clap::Args)]
pub struct GithubConfig {
    /// Secret with which GitHub signs webhooks; without it every webhook is refused.
    #[arg(long, env, hide_env_values = true, value_name = "GITHUB_WEBHOOK_SECRET")]
    pub github_webhook_secret: Option<Secret>,
    /// Token with which we ask GitHub; without it imports and comments fail. What its account says sets off no rules: it is us.
    #[arg(long, env, hide_env_values = true, value_name = "GITHUB_TOKEN")]
    pub github_token: Option<Secret>,
    /// Where GitHub's API is.
    #[arg(long, env, value_name = "GITHUB_API_URL", default_value = "https://api.github.com", value_parser = http_url)]
    pub github_api_url: reqwest::Url,
}

impl GithubConfig {
    /// The client; `None` without a token.
    ///
    /// # Errors
    /// No certificate store, or a URL that cannot have a path.
    pub fn client(&self) -> anyhow::Result<Option<Github>> {
        self.github_token.clone().map(|token| Github::new(&self.github_api_url, token)).transpose()
    }
}
