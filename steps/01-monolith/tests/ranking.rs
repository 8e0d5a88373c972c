//! The score in SQL is the score in Rust, to the bit, on both databases.

#![expect(clippy::unwrap_used, reason = "a test")]

use acceptance::Database;
use automator_ranking::{Score, score};
use domain::{Rice, Status};
use store::{DatabaseUrl, Sql, Store};

acceptance::on_both_databases!(sql_and_rust_compute_the_same_score);

async fn sql_and_rust_compute_the_same_score(database: Database) {
    let store = Store::connect(&database.url().parse::<DatabaseUrl>().unwrap()).await.unwrap();
    let today = 20_000;
    let rices = [
        Rice { reach: 35.0, impact: 1.5, confidence: 0.8, effort: 3.0 },
        Rice { reach: 0.1, impact: 0.7, confidence: 0.3, effort: 0.9 },
        Rice { reach: 1_000_000.0, impact: 10.0, confidence: 1.0, effort: 1e-9 },
        Rice { reach: 0.0, impact: 0.0, confidence: 1.0, effort: 100.0 },
    ];
    let days_left =
        [None, Some(-400), Some(-1), Some(0), Some(1), Some(6), Some(7), Some(13), Some(14), Some(400)];
    for rice in rices {
        for &status in Status::ALL {
            for days in days_left {
                let mut sql = Sql::new("SELECT ");
                sql.push_own(&Score::expression(today)).push_bind(" AS score FROM (SELECT CAST(", rice.reach);
                sql.push_bind(" AS DOUBLE PRECISION) AS reach, CAST(", rice.impact);
                sql.push_bind(" AS DOUBLE PRECISION) AS impact, CAST(", rice.confidence);
                sql.push_bind(" AS DOUBLE PRECISION) AS confidence, CAST(", rice.effort);
                sql.push_bind(" AS DOUBLE PRECISION) AS effort, CAST(", status.as_str());
                sql.push_bind(" AS TEXT) AS status, CAST(", days.map(|days| today + days))
                    .push(" AS BIGINT) AS due_day) t");
                let rows: Vec<(f64,)> = sql.fetch_all(&store).await.unwrap();
                assert_eq!(rows, [(score(&rice, status, days),)], "{rice:?} {status} {days:?}");
            }
        }
    }
}
