//! Which page of a list.

use domain::{PageQuery, TaskQuery};
use step_02_contracts::Fault;

use crate::{
    enums::{self, number, numbered},
    fields::optional,
    page::{cursor, limit, page_size, token},
    v1,
};

impl From<TaskQuery> for v1::ListTasksRequest {
    fn from(query: TaskQuery) -> Self {
        Self {
            page_size: page_size(query.limit),
            page_token: token(query.cursor),
            status: numbered(query.status),
            assignee: query.assignee.map(Into::into),
            language: query.language.map(Into::into),
            kind: numbered(query.kind),
            sort: number(query.sort),
        }
    }
}

impl TryFrom<v1::ListTasksRequest> for TaskQuery {
    type Error = Fault;

    fn try_from(request: v1::ListTasksRequest) -> Result<Self, Fault> {
        // Its `UNSPECIFIED` is the order that the list has anyway.
        let sort = Some(request.sort).filter(|sort| *sort != v1::Sort::Unspecified as i32);
        Ok(Self {
            status: enums::optional("status", request.status)?,
            assignee: optional("assignee", request.assignee)?,
            language: optional("language", request.language)?,
            kind: enums::optional("kind", request.kind)?,
            sort: enums::optional("sort", sort)?.unwrap_or_default(),
            cursor: cursor(request.page_token),
            limit: limit(request.page_size)?,
        })
    }
}

impl From<PageQuery> for v1::ListRulesRequest {
    fn from(query: PageQuery) -> Self {
        Self { page_size: page_size(query.limit), page_token: token(query.cursor) }
    }
}

impl TryFrom<v1::ListRulesRequest> for PageQuery {
    type Error = Fault;

    fn try_from(request: v1::ListRulesRequest) -> Result<Self, Fault> {
        Ok(Self { cursor: cursor(request.page_token), limit: limit(request.page_size)? })
    }
}
