//! What counts as one request.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Response;

use crate::Connection;

/// What a client does again and again.
#[derive(Debug, Clone)]
pub enum Visit {
    /// Reads a list from its beginning: so many pages, each after the first by the `next_cursor` of the one before.
    Pages {
        /// Path and query of the first page.
        first: String,
        /// How many.
        pages: usize,
    },
    /// Reads one of these paths, the next one each time.
    OneOf(Vec<String>),
}

impl Visit {
    /// How many visits there are before they repeat.
    #[must_use]
    pub fn variants(&self) -> usize {
        match self {
            Self::Pages { .. } => 1,
            Self::OneOf(paths) => paths.len(),
        }
    }

    /// Makes the visit with this number; `seen` is told each path and its answer.
    ///
    /// # Errors
    /// As [`Connection::get`]; the list is shorter than it should be; there is no path.
    pub async fn make(
        &self,
        number: usize,
        connection: &mut Connection,
        mut seen: impl FnMut(&str, Response<Bytes>),
    ) -> Result<()> {
        match self {
            Self::Pages { first, pages } => {
                let mut path = first.clone();
                for page in 1..=*pages {
                    let answer = connection.get(&path).await?;
                    let next = next_cursor(answer.body()).map(|cursor| format!("{first}&cursor={cursor}"));
                    seen(&path, answer);
                    if page < *pages {
                        path = next.with_context(|| format!("{first} has only {page} pages"))?;
                    }
                }
            }
            Self::OneOf(paths) => {
                let path = paths.get(number % paths.len().max(1)).context("there is nothing to ask for")?;
                let answer = connection.get(path).await?;
                seen(path, answer);
            }
        }
        Ok(())
    }
}

/// The cursor at the end of a page. Reading the page as JSON would cost more than some servers need to send it. A cursor is
/// made of characters that a URL takes (RFC 4648, section 5).
fn next_cursor(page: &[u8]) -> Option<&str> {
    const FIELD: &[u8] = br#""next_cursor":""#;
    let at = page.windows(FIELD.len()).rposition(|window| window == FIELD)? + FIELD.len();
    let cursor = page[at..].split(|byte| *byte == b'"').next()?;
    std::str::from_utf8(cursor).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_read_from_the_end_of_a_page() {
        let page =
            |cursor| format!(r#"{{"items":[{{"title":"\"next_cursor\":\"no\""}}],"next_cursor":{cursor}}}"#);
        assert_eq!(next_cursor(page(r#""abc-_1""#).as_bytes()), Some("abc-_1"));
        assert_eq!(next_cursor(page("null").as_bytes()), None);
    }
}
