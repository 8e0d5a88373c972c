//! `/api/team`

use axum::{Json, http::StatusCode};
use chassis::{
    Fault, Problem,
    extract::{Json as JsonBody, Path, Query},
    idempotency::{Answer, IdempotencyKey, Keyed},
};
use domain::{Login, Member, MemberChange, NewMember, Page, PageQuery, Role};
use sqlx::FromRow;
use store::{OnConstraint, Sql, Store, Tx, cursor, idempotency, query};
use uuid::Uuid;

use super::IDEMPOTENCY_KEYS;
use crate::{Error, Result, app::State, sync::MEMBERS, waiting};

const COLUMNS: &str = "login, name, email, phone, role, on_call, active, version";

#[derive(Debug, FromRow)]
struct Row {
    login: String,
    name: String,
    email: String,
    phone: Option<String>,
    role: String,
    on_call: i64,
    active: i64,
    version: i64,
}

impl TryFrom<Row> for Member {
    type Error = Fault;

    /// # Errors
    /// [`Fault::Internal`] for a row that we cannot have written.
    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            login: row.login.parse().map_err(Fault::internal)?,
            name: row.name,
            email: row.email,
            phone: row.phone,
            role: row.role.parse().map_err(Fault::internal)?,
            on_call: row.on_call == 1,
            active: row.active == 1,
            version: row.version,
        })
    }
}

/// The team by login, with those who left.
#[utoipa::path(
    get,
    path = "/api/team",
    params(PageQuery),
    responses((status = 200, body = Page<Member>), (status = 422, body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    state: axum::extract::State<State>,
    Query(params): Query<PageQuery>,
) -> Result<Json<Page<Member>>> {
    Ok(Json(page(&state.store, &params).await?))
}

/// A page of the team.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(store: &Store, params: &PageQuery) -> Result<Page<Member>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM members WHERE 1 = 1");
    if let Some(cursor) = &params.cursor {
        sql.push_bind(" AND login > ", cursor::decode::<String>("team", cursor)?);
    }
    sql.push(" ORDER BY login LIMIT ").bind(super::one_more(params.limit));
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    Ok(super::page(rows, params.limit, |last: &Member| cursor::encode("team", &last.login))?)
}

/// Everybody who is in the team now, by login.
///
/// # Errors
/// The database's.
pub async fn active(store: &Store) -> Result<Vec<Member>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM members WHERE active = 1 ORDER BY login");
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    Ok(rows.into_iter().map(Member::try_from).collect::<Result<_, Fault>>()?)
}

/// Add a member. From now on what they say on an item counts as a maintainer's word.
///
/// # Errors
/// 409 the login is taken, 422 naming the fields that are wrong.
#[utoipa::path(
    post,
    path = "/api/team",
    params(IdempotencyKey),
    request_body = NewMember,
    security(("token" = [])),
    responses(
        (status = 201, body = Member),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    state: axum::extract::State<State>,
    Keyed(key, JsonBody(new)): Keyed<JsonBody<NewMember>>,
) -> Result<Answer> {
    let member = joining(new)?;
    idempotency::once(&state.store, IDEMPOTENCY_KEYS, key, async |tx| {
        join(tx, &member).await?;
        let location = format!("/api/team/{}", member.login);
        Ok(Answer::json(StatusCode::CREATED, &member)?.at(location))
    })
    .await
}

/// Stores a new member.
///
/// # Errors
/// 409 the login is taken, 422 naming the fields that are wrong.
pub async fn add(state: &State, new: NewMember) -> Result<()> {
    let member = joining(new)?;
    let mut tx = state.store.begin_write().await?;
    join(&mut tx, &member).await?;
    Ok(tx.commit().await?)
}

/// The member that somebody new becomes.
///
/// # Errors
/// 422 naming the fields that are wrong.
pub fn joining(new: NewMember) -> Result<Member> {
    let login = new.validate().map_err(Fault::Invalid)?;
    Ok(Member {
        login,
        name: new.name,
        email: new.email,
        phone: new.phone,
        role: new.role.unwrap_or(Role::Maintainer),
        on_call: new.on_call,
        active: true,
        version: 1,
    })
}

/// Writes a new member, who has answered from now on what they ever spoke on.
async fn join(tx: &mut Tx, member: &Member) -> Result<()> {
    insert(tx, member).await?;
    waiting::refresh_speaker(tx, MEMBERS, member.login.as_str()).await?;
    Ok(())
}

/// Writes a new member.
///
/// # Errors
/// 409 the login is taken.
pub async fn insert(tx: &mut Tx, member: &Member) -> Result<()> {
    query(
        "INSERT INTO members (id, login, name, email, phone, role, on_call, active, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 1, $8, $8)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(member.login.as_str())
    .bind(&member.name)
    .bind(&member.email)
    .bind(&member.phone)
    .bind(member.role.as_str())
    .bind(i64::from(member.on_call))
    .bind(store::now())
    .execute(&mut *tx)
    .await
    .on_unique_violation("members.login", || Error::from(Fault::Taken(format!("login {}", member.login))))?;
    Ok(())
}

/// Change a member. Whoever is no longer active stays in the list and keeps their tasks.
///
/// # Errors
/// 404 unknown login, 422 naming the fields that are wrong.
#[utoipa::path(
    patch,
    path = "/api/team/{login}",
    params(("login" = String, Path)),
    request_body = MemberChange,
    security(("token" = [])),
    responses(
        (status = 200, body = Member),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change(
    state: axum::extract::State<State>,
    Path(login): Path<String>,
    JsonBody(change): JsonBody<MemberChange>,
) -> Result<Json<Member>> {
    Ok(Json(replace(&state, &login, change).await?))
}

/// Stores a changed member.
///
/// # Errors
/// 404 unknown login, 422 naming the fields that are wrong.
pub async fn replace(state: &State, login: &str, change: MemberChange) -> Result<Member> {
    let mut tx = state.store.begin_write().await?;
    let (before, after) = update(&state.store, &mut tx, login, change).await?;
    if after.active != before.active {
        waiting::refresh_speaker(&mut tx, MEMBERS, after.login.as_str()).await?;
    }
    tx.commit().await?;
    Ok(after)
}

/// Writes a changed member; as it was, and as it is.
///
/// # Errors
/// 404 unknown login, 422 naming the fields that are wrong.
pub async fn update(
    store: &Store,
    tx: &mut Tx,
    login: &str,
    change: MemberChange,
) -> Result<(Member, Member)> {
    change.validate().map_err(Fault::Invalid)?;
    let missing = || Fault::NotFound(format!("member {login}"));
    let login: Login = login.parse().map_err(|_| missing())?;
    let sql = format!("SELECT {COLUMNS} FROM members WHERE login = $1{}", store.for_update());
    let row: Option<Row> = store::Query::assembled(sql).bind(login.as_str()).fetch_optional(&mut *tx).await?;
    let before = Member::try_from(row.ok_or_else(missing)?)?;
    let mut after = Member {
        login,
        name: change.name.unwrap_or_else(|| before.name.clone()),
        email: change.email.unwrap_or_else(|| before.email.clone()),
        phone: change.phone.unwrap_or_else(|| before.phone.clone()),
        role: change.role.unwrap_or(before.role),
        on_call: change.on_call.unwrap_or(before.on_call),
        active: change.active.unwrap_or(before.active),
        version: before.version,
    };
    if after != before {
        after.version += 1;
        query(
            "UPDATE members SET name = $1, email = $2, phone = $3, role = $4, on_call = $5, active = $6, version = $7, \
                                updated_at = $8 \
             WHERE login = $9",
        )
        .bind(&after.name)
        .bind(&after.email)
        .bind(&after.phone)
        .bind(after.role.as_str())
        .bind(i64::from(after.on_call))
        .bind(i64::from(after.active))
        .bind(after.version)
        .bind(store::now())
        .bind(after.login.as_str())
        .execute(&mut *tx)
        .await?;
    }
    Ok((before, after))
}
