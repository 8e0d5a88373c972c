//! What the tutorial's clients ask for, and are shown: `/github/issues` and `/github/prs`.

use domain::Item;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whose items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// `name` or `owner/name`, in any case.
    pub repo: String,
}

/// An issue or pull request, as much of it as the tutorial showed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entry {
    number: i64,
    url: String,
    title: String,
}

impl From<Item> for Entry {
    fn from(Item { number, url, title, .. }: Item) -> Self {
        Self { number, url, title }
    }
}
