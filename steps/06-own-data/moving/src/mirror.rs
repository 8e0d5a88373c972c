//! The mirror: triggers on the tables that move, on both sides.
//!
//! They do two things to each insert, update and delete, in its transaction. Where the side is closed and the writer is no mover, they
//! refuse it: a straggler that knows nothing of the move fails loudly, and no write is lost in silence. And they note which row it was
//! in `MODULE_moved_rows`, for the follower. Services need no change for either.
//!
//! A trigger of PostgreSQL reads the fence `FOR SHARE`, so that the writes of a straggler hold up a flip as well; it does so with the
//! rights of the mover, since a service has none on these tables. SQLite has the one write lock.

use store::{Backend, Error, Query, Store, query};

use crate::{Plan, fence::one_at_a_time, layout::Layout};

/// Makes the triggers on the tables of `layouts`, and where they note rows. What is there stays.
///
/// # Errors
/// The database's.
pub async fn prepare(store: &Store, plan: &Plan) -> Result<(), Error> {
    let moved = plan.moved_rows();
    let seq = match store.backend() {
        Backend::Sqlite => "INTEGER PRIMARY KEY AUTOINCREMENT",
        Backend::Postgres => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    };
    let mut tx = store.begin_write().await?;
    one_at_a_time(store, &mut tx).await?;
    let table = format!(
        "CREATE TABLE IF NOT EXISTS {moved} (seq {seq}, table_name TEXT NOT NULL, row_id TEXT NOT NULL)"
    );
    Query::assembled(table).execute(&mut tx).await?;
    if store.backend() == Backend::Postgres {
        Query::assembled(function(plan)).execute(&mut tx).await?;
    }
    tx.commit().await
}

/// Has writes of one table noted and fenced from now on.
///
/// # Errors
/// The database's: on PostgreSQL a writer may hold the table for too long.
pub async fn install(store: &Store, plan: &Plan, layout: &Layout) -> Result<(), Error> {
    let (module, table) = (plan.module, layout.table.name);
    if store.backend() == Backend::Postgres {
        // Asked first: to make one waits for all who are writing, and all others wait behind it.
        let sql = "SELECT count(*) FROM pg_trigger WHERE tgname = $1 AND tgrelid = to_regclass($2)";
        let (there,): (i64,) = query(sql).bind(trigger(module, "any")).bind(table).fetch_one(store).await?;
        if there == 0 {
            let sql = format!(
                "CREATE TRIGGER {} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {module}_mirror()",
                trigger(module, "any")
            );
            Query::assembled(sql).execute(store).await?;
        }
        return Ok(());
    }
    for (event, row) in [("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")] {
        let sql = format!(
            "CREATE TRIGGER IF NOT EXISTS {} AFTER {event} ON {table} BEGIN \
             SELECT RAISE(ABORT, '{}') FROM move_fence WHERE module = '{module}' AND writes + mover = 0; \
             INSERT INTO {} (table_name, row_id) SELECT '{table}', {row}.id FROM move_fence \
             WHERE module = '{module}' AND mover = 0; END",
            trigger(table, event),
            refusal(module),
            plan.moved_rows(),
        );
        Query::assembled(sql).execute(store).await?;
    }
    Ok(())
}

/// Takes all of it away, where it is.
///
/// # Errors
/// The database's.
pub async fn remove(store: &Store, plan: &Plan) -> Result<(), Error> {
    for table in plan.tables {
        if Layout::read(store, *table).await?.is_none() {
            continue;
        }
        let triggers: Vec<_> = match store.backend() {
            Backend::Postgres => {
                vec![format!("DROP TRIGGER IF EXISTS {} ON {}", trigger(plan.module, "any"), table.name)]
            }
            Backend::Sqlite => ["INSERT", "UPDATE", "DELETE"]
                .map(|event| format!("DROP TRIGGER IF EXISTS {}", trigger(table.name, event)))
                .into(),
        };
        for sql in triggers {
            Query::assembled(sql).execute(store).await?;
        }
    }
    if store.backend() == Backend::Postgres {
        Query::assembled(format!("DROP FUNCTION IF EXISTS {}_mirror()", plan.module)).execute(store).await?;
    }
    Query::assembled(format!("DROP TABLE IF EXISTS {}", plan.moved_rows())).execute(store).await?;
    Ok(())
}

/// The function of PostgreSQL's triggers. Its refusal has the code of a transaction that may only read: to a client of a straggler
/// it is a service that is not available now.
fn function(plan: &Plan) -> String {
    let (module, moved) = (plan.module, plan.moved_rows());
    format!(
        "CREATE OR REPLACE FUNCTION {module}_mirror() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER \
         SET search_path FROM CURRENT AS $$ \
         DECLARE fence move_fence%ROWTYPE; changed TEXT; \
         BEGIN \
           SELECT * INTO fence FROM move_fence WHERE module = '{module}' FOR SHARE; \
           IF fence.writes + fence.mover = 0 THEN \
             RAISE EXCEPTION '{}' USING ERRCODE = '25006'; \
           END IF; \
           IF fence.mover = 0 THEN \
             IF TG_OP = 'DELETE' THEN changed := OLD.id; ELSE changed := NEW.id; END IF; \
             INSERT INTO {moved} (table_name, row_id) VALUES (TG_TABLE_NAME, changed); \
           END IF; \
           RETURN NULL; \
         END $$",
        refusal(module)
    )
}

fn refusal(module: &str) -> String {
    format!("the rows of {module} move or have moved: no writes here")
}

fn trigger(of: &str, event: &str) -> String {
    format!("{of}_mirror_{}", event.to_ascii_lowercase())
}
