//! Who maintains the repositories, as rows of `members`.

use chassis::Fault;
use domain::{Login, Member, MemberChange, NewMember, Page, PageQuery, Role};
use sqlx::FromRow;
use store::{OnConstraint, Query, Sql, Store, Tx, cursor, query};
use uuid::Uuid;

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

/// A page of the team.
///
/// # Errors
/// 422 for a cursor of another list.
pub async fn page(store: &Store, params: &PageQuery) -> Result<Page<Member>, Fault> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM members WHERE 1 = 1");
    if let Some(cursor) = &params.cursor {
        sql.push_bind(" AND login > ", cursor::decode::<String>("team", cursor)?);
    }
    sql.push(" ORDER BY login LIMIT ").bind(cursor::one_more(params.limit));
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    cursor::page(rows, params.limit, |last: &Member| cursor::encode("team", &last.login))
}

/// Everybody who is in the team now, by login.
///
/// # Errors
/// The database's.
pub async fn active(store: &Store) -> Result<Vec<Member>, Fault> {
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM members WHERE active = 1 ORDER BY login");
    let rows: Vec<Row> = sql.fetch_all(store).await?;
    rows.into_iter().map(Member::try_from).collect()
}

/// Everybody, by login, and whether they are in the team now: locked until the transaction ends, so that nobody joins or leaves meanwhile.
///
/// # Errors
/// The database's.
pub async fn all(store: &Store, tx: &mut Tx) -> Result<Vec<(Login, bool)>, Fault> {
    let sql = format!("SELECT login, active FROM members ORDER BY login{}", store.for_update());
    let rows: Vec<(String, i64)> = Query::assembled(sql).fetch_all(&mut *tx).await?;
    rows.into_iter()
        .map(|(login, active)| Ok((login.parse().map_err(Fault::internal)?, active == 1)))
        .collect()
}

/// The member that somebody new becomes.
///
/// # Errors
/// 422 naming the fields that are wrong.
pub fn joining(new: NewMember) -> Result<Member, Fault> {
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

/// Writes a new member.
///
/// # Errors
/// 409 the login is taken.
pub async fn insert(tx: &mut Tx, member: &Member) -> Result<(), Fault> {
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
    .on_unique_violation("members.login", || Fault::Taken(format!("login {}", member.login)))?;
    Ok(())
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
) -> Result<(Member, Member), Fault> {
    change.validate().map_err(Fault::Invalid)?;
    let missing = || Fault::NotFound(format!("member {login}"));
    let login: Login = login.parse().map_err(|_| missing())?;
    let sql = format!("SELECT {COLUMNS} FROM members WHERE login = $1{}", store.for_update());
    let row: Option<Row> = Query::assembled(sql).bind(login.as_str()).fetch_optional(&mut *tx).await?;
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
