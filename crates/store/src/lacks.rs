//! What a database still lacks before a process can serve from it: an answer, or tables.

use std::time::Duration;

use chassis::process::Lack;
use sqlx::{AssertSqlSafe, Connection, PgConnection, migrate::Migrator};
use tokio::time::timeout;

use crate::{Backend, DatabaseUrl, OpenError};

/// How long the server may take to answer.
const WITHIN: Duration = Duration::from_secs(3);

/// Those by which PostgreSQL says that it will be there, or have room, soon: it starts, it stops, it has too many connections.
const SOON: [&str; 4] = ["57P01", "57P02", "57P03", "53300"];
/// There is no such table.
const UNDEFINED_TABLE: &str = "42P01";

/// What the database at `url` lacks of what `modules`, each by its name, want. A file is there at once, and whoever is at this
/// machine learns sooner from an error that nobody has migrated it: nothing is lacking there.
///
/// # Errors
/// What time does not mend: a wrong password, a database that does not exist.
pub async fn lacks(url: &DatabaseUrl, modules: &[(&str, Migrator)]) -> Result<Option<Lack>, OpenError> {
    if url.backend == Backend::Sqlite {
        return Ok(None);
    }
    // Around all of it: a server that took the connection may fall silent too.
    match timeout(WITHIN, ask(url, modules)).await {
        Ok(Ok(lack)) => Ok(lack),
        Ok(Err(error)) if passes(&error) => Ok(Some(no_answer(url, &error.to_string()))),
        Ok(Err(source)) => Err(OpenError::Connect { place: url.place(), source }),
        Err(_) => Ok(Some(no_answer(url, &format!("nothing within {WITHIN:?}")))),
    }
}

fn no_answer(url: &DatabaseUrl, why: &str) -> Lack {
    Lack::Database(format!("{} ({why})", url.place()))
}

async fn ask(url: &DatabaseUrl, modules: &[(&str, Migrator)]) -> Result<Option<Lack>, sqlx::Error> {
    let mut connection = PgConnection::connect(&url.url).await?;
    for (module, migrator) in modules {
        let wanted = migrator.iter().map(|migration| migration.version).max();
        let sql = format!("SELECT max(version) FROM _{module}_migrations WHERE success");
        let applied =
            sqlx::query_scalar::<_, Option<i64>>(AssertSqlSafe(sql)).fetch_one(&mut connection).await;
        let applied = match applied {
            Err(error) if code(&error).as_deref() == Some(UNDEFINED_TABLE) => None,
            applied => applied?,
        };
        if applied < wanted {
            return Ok(Some(Lack::Migration(format!("{module}'s; has `migrate` been run?"))));
        }
    }
    // The question is answered; whether the goodbye arrives is no matter.
    let _ = connection.close().await;
    Ok(None)
}

/// Whether time may mend it.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        other => code(other).is_some_and(|code| SOON.contains(&code.as_str())),
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
