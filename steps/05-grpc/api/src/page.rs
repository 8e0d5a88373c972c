//! Pages (AIP-158).

use domain::{Limit, Page};

use crate::{Read, v1};
use step_02_contracts::Fault;

/// How many a page may have: 0 for the default, and what is too many for the most.
pub(crate) fn limit(page_size: i32) -> Read<Limit> {
    match u32::try_from(page_size) {
        Ok(0) => Ok(Limit::default()),
        Ok(size) => Ok(Limit::new(size.min(Limit::MAX)).unwrap_or_default()),
        Err(_) => Err(Fault::invalid("page_size", "must not be below 0")),
    }
}

/// The size that asks for it.
pub(crate) fn page_size(limit: Limit) -> i32 {
    i32::try_from(limit.get()).unwrap_or(i32::MAX)
}

/// A token on the wire: empty where there is none.
pub(crate) fn token(cursor: Option<String>) -> String {
    cursor.unwrap_or_default()
}

/// The cursor of a token.
pub(crate) fn cursor(token: String) -> Option<String> {
    Some(token).filter(|token| !token.is_empty())
}

macro_rules! page_of {
    ($item:ty, $answer:ident, $field:ident) => {
        impl From<Page<$item>> for v1::$answer {
            fn from(page: Page<$item>) -> Self {
                let items = page.items.into_iter().map(Into::into).collect();
                Self { $field: items, next_page_token: token(page.next_cursor) }
            }
        }

        impl TryFrom<v1::$answer> for Page<$item> {
            type Error = Fault;

            fn try_from(page: v1::$answer) -> Result<Self, Fault> {
                let items = page.$field.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
                Ok(Self { items, next_cursor: cursor(page.next_page_token) })
            }
        }
    };
}

page_of!(domain::Task, ListTasksResponse, tasks);
page_of!(domain::Rule, ListRulesResponse, rules);
