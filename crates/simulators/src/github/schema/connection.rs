//! Pages of a list: GitHub's connections, cursors and the limit on `first`.
//!
//! A cursor names the element after which the next page begins by its place in the order, not by a
//! count, so a page neither repeats nor loses an element when others appear or vanish meanwhile.

use async_graphql::{Context, Error, ErrorExtensions, Object, OutputType, SimpleObject};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Issue, IssueComment, IssueTimelineItems, Label, PullRequest, PullRequestReview, PullRequestTimelineItems,
};

/// The largest page.
const LIMIT: i32 = 100;

/// An error with GitHub's `type` beside its message.
pub(super) fn typed(kind: &str, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("type", kind))
}

/// The arguments that every connection takes.
#[derive(Debug, Default)]
pub(super) struct Paging {
    pub(super) after: Option<String>,
    pub(super) first: Option<i32>,
    /// Whether somebody reads the elements: their number alone can be had without a page.
    pub(super) reads: bool,
}

/// Where an element stands in its list: what it is ordered by, then its number.
pub(super) type Place = (i64, i64);

/// `pageInfo`.
#[derive(Debug, Clone, SimpleObject)]
pub(super) struct PageInfo {
    end_cursor: Option<String>,
    has_next_page: bool,
}

/// One element with its cursor.
#[derive(SimpleObject)]
#[graphql(
    concrete(name = "IssueEdge", params(Issue)),
    concrete(name = "PullRequestEdge", params(PullRequest)),
    concrete(name = "LabelEdge", params(Label)),
    concrete(name = "IssueCommentEdge", params(IssueComment)),
    concrete(name = "PullRequestReviewEdge", params(PullRequestReview)),
    concrete(name = "IssueTimelineItemsEdge", params(IssueTimelineItems)),
    concrete(name = "PullRequestTimelineItemsEdge", params(PullRequestTimelineItems))
)]
pub(super) struct Edge<T: OutputType> {
    pub(super) cursor: String,
    pub(super) node: Option<T>,
}

/// One page of a list.
pub(super) struct Connection<T> {
    total: usize,
    page: Vec<(Place, T)>,
    has_next_page: bool,
}

#[Object(
    concrete(name = "IssueConnection", params(Issue)),
    concrete(name = "PullRequestConnection", params(PullRequest)),
    concrete(name = "LabelConnection", params(Label)),
    concrete(name = "IssueCommentConnection", params(IssueComment)),
    concrete(name = "PullRequestReviewConnection", params(PullRequestReview)),
    concrete(name = "IssueTimelineItemsConnection", params(IssueTimelineItems)),
    concrete(name = "PullRequestTimelineItemsConnection", params(PullRequestTimelineItems))
)]
impl<T: OutputType + Clone> Connection<T>
where
    Edge<T>: OutputType,
{
    async fn edges(&self) -> Option<Vec<Option<Edge<T>>>> {
        let edge =
            |(place, node): &(Place, T)| Some(Edge { cursor: cursor(*place), node: Some(node.clone()) });
        Some(self.page.iter().map(edge).collect())
    }

    async fn nodes(&self) -> Option<Vec<Option<T>>> {
        Some(self.page.iter().map(|(_, node)| Some(node.clone())).collect())
    }

    async fn page_info(&self) -> PageInfo {
        PageInfo {
            end_cursor: self.page.last().map(|(place, _)| cursor(*place)),
            has_next_page: self.has_next_page,
        }
    }

    async fn total_count(&self) -> i32 {
        count(self.total)
    }
}

impl<T> Connection<T> {
    /// The page that `paging` asks for out of `all`, which are in order; `field` names the list in errors.
    ///
    /// # Errors
    /// No `first`, one that is out of range, or a cursor that is none.
    pub(super) fn of(
        mut all: Vec<(Place, T)>,
        field: &str,
        paging: &Paging,
        descending: bool,
    ) -> Result<Self, Error> {
        paging.check(field)?;
        let after = paging.after.as_deref().map(read_cursor).transpose()?;
        let precedes = |one: Place, other: Place| if descending { one > other } else { one < other };
        let total = all.len();
        all.retain(|(place, _)| after.is_none_or(|after| precedes(after, *place)));
        let first = usize::try_from(paging.first.unwrap_or(LIMIT)).unwrap_or(0);
        let has_next_page = all.len() > first;
        all.truncate(first);
        Ok(Self { total, page: all, has_next_page })
    }
}

impl Paging {
    /// The arguments of the field that `ctx` is at.
    pub(super) fn new(ctx: &Context<'_>, after: Option<String>, first: Option<i32>) -> Self {
        let selected = ctx.look_ahead();
        let reads = selected.field("nodes").exists() || selected.field("edges").exists();
        Self { after, first, reads }
    }

    fn check(&self, field: &str) -> Result<(), Error> {
        match self.first {
            Some(first) if first > LIMIT => Err(typed(
                "EXCESSIVE_PAGINATION",
                format!(
                    "Requesting {first} records on the `{field}` connection exceeds the `first` limit of {LIMIT} records."
                ),
            )),
            Some(first) if first < 0 => Err(typed(
                "BAD_PAGINATION_BOUNDARIES",
                format!("`first` on the `{field}` connection cannot be less than zero."),
            )),
            None if self.reads => Err(typed(
                "MISSING_PAGINATION_BOUNDARIES",
                format!(
                    "You must provide a `first` or `last` value to properly paginate the `{field}` connection."
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// A length as GraphQL's `Int`.
fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

pub(super) fn cursor((order, number): Place) -> String {
    STANDARD.encode(format!("cursor:v2:{order}:{number}"))
}

fn read_cursor(text: &str) -> Result<Place, Error> {
    let read = || {
        let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let (order, number) = decoded.strip_prefix("cursor:v2:")?.split_once(':')?;
        Some((order.parse().ok()?, number.parse().ok()?))
    };
    read().ok_or_else(|| {
        typed("INVALID_CURSOR_ARGUMENTS", format!("`{text}` does not appear to be a valid cursor."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(after: Option<&str>, first: Option<i32>) -> Paging {
        Paging { after: after.map(str::to_owned), first, reads: true }
    }

    fn page(all: &[i64], paging: &Paging, descending: bool) -> Connection<i64> {
        let all = all.iter().map(|n| ((*n, *n), *n)).collect();
        Connection::of(all, "things", paging, descending).unwrap()
    }

    #[test]
    fn pages_cover_the_list_even_when_it_changes_in_between() {
        let one = page(&[1, 2, 3, 4, 5], &paging(None, Some(2)), false);
        assert!(one.has_next_page && one.total == 5);
        let end = cursor(one.page[1].0);
        let two = page(&[1, 3, 4, 5], &paging(Some(&end), Some(3)), false);
        assert_eq!(two.page.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [3, 4, 5]);
        assert!(!two.has_next_page);
        let down = page(&[5, 4, 3], &paging(Some(&cursor((4, 4))), Some(9)), true);
        assert_eq!(down.page.len(), 1);
    }

    #[test]
    fn a_number_alone_needs_no_page() {
        let none = Paging::default();
        assert_eq!(Connection::of(vec![((1, 1), 1)], "things", &none, false).unwrap().total, 1);
    }

    #[test]
    fn sizes_and_cursors_out_of_range_are_refused_as_github_does() {
        for (paging, kind) in [
            (paging(None, None), "MISSING_PAGINATION_BOUNDARIES"),
            (paging(None, Some(101)), "EXCESSIVE_PAGINATION"),
            (paging(None, Some(-1)), "BAD_PAGINATION_BOUNDARIES"),
            (paging(Some("x"), Some(1)), "INVALID_CURSOR_ARGUMENTS"),
        ] {
            let error = Connection::of(vec![((1, 1), 1)], "things", &paging, false).err().unwrap();
            let kind_of = error.extensions.unwrap().get("type").cloned();
            assert_eq!(kind_of, Some(kind.into()));
        }
    }
}
