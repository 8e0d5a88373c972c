//! What the environment says to every service, beside its database and its module's settings.

use chassis::auth::Secret;
use step_07_messaging::FeedConfig;

/// Where messages go and come from, and what services show each other.
#[derive(Debug, Clone, clap::Args)]
pub struct MessagesConfig {
    /// Where messages go and come from.
    #[command(flatten)]
    pub feed: FeedConfig,
    /// Token that our services show each other.
    #[arg(long, env, hide_env_values = true, value_name = "SERVICE_TOKEN")]
    pub service_token: Option<Secret>,
}
