//! What the environment says to a service whose rows move.

use std::sync::Arc;

use chassis::process::Misconfigured;
use clap::Args;
use store::{DatabaseUrl, Store};

use crate::{
    fence::{self, First},
    sides::Sides,
};

/// Where the rows of a service come from.
#[derive(Debug, Clone, Args)]
pub struct MovingFrom {
    /// The database that the service shared until now. While it is set the rows move from there to the one in `DATABASE_URL`, and
    /// each read and write goes to the side whose turn it is. A move needs it at all instances of the service.
    #[arg(long, env, hide_env_values = true, value_name = "MOVING_FROM_URL")]
    pub moving_from_url: Option<DatabaseUrl>,
}

impl MovingFrom {
    /// Whether the rows move.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.moving_from_url.is_some()
    }

    /// Makes the fences of `module` on both sides, where its rows move.
    ///
    /// # Errors
    /// [`Misconfigured`] when they cannot move between the two; a database's.
    pub async fn prepare(&self, own: &DatabaseUrl, module: &'static str) -> anyhow::Result<()> {
        let Some(old) = self.old(own)? else { return Ok(()) };
        for (url, first) in [(old, First::Open), (own, First::Closed)] {
            let store = Store::connect(url).await?;
            fence::prepare(&store, module, first).await?;
            store.close().await;
        }
        Ok(())
    }

    /// The store of `module`: the database at `own`, and while rows move both.
    ///
    /// # Errors
    /// As [`MovingFrom::prepare`].
    pub async fn store(&self, own: &DatabaseUrl, module: &'static str) -> anyhow::Result<Store> {
        let Some(old) = self.old(own)? else { return Ok(Store::connect(own).await?) };
        let sides = Sides::new(module, Store::connect(old).await?, Store::connect(own).await?);
        Ok(Store::switched(Arc::new(sides)))
    }

    fn old(&self, own: &DatabaseUrl) -> Result<Option<&DatabaseUrl>, Misconfigured> {
        let Some(old) = &self.moving_from_url else { return Ok(None) };
        can_move(old, own, "MOVING_FROM_URL", "DATABASE_URL")?;
        Ok(Some(old))
    }
}

/// Whether rows can move between the two, each by the name of its setting.
///
/// # Errors
/// One line, when they are of two kinds, or one and the same.
pub fn can_move(
    old: &DatabaseUrl,
    new: &DatabaseUrl,
    of_old: &str,
    of_new: &str,
) -> Result<(), Misconfigured> {
    if old.backend() != new.backend() {
        return Err(Misconfigured(format!("{of_old} and {of_new} must be the same kind of database")));
    }
    if old.place() == new.place() {
        return Err(Misconfigured(format!("{of_old} and {of_new} are the same database")));
    }
    Ok(())
}
