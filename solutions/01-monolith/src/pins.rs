//! Exercise 01.1: pin what must not be lost.
//!
//! In June 2018 the original was rewritten. Statuses and due dates never came back: no test had asked for them. Four of
//! these five pins are empty, so they are green whatever happens. Fill them. The first one is done and shows how.
//!
//! ```text
//! let path = automator.any_task().await?;                       some task's path, another in other data
//! let answer = automator.patch(&path, json!({ … })).await?;     change it; answer.status, answer["field"]
//! let task = automator.get(&path).await?;                       ask again: this is what others see
//! let second = automator.next(&first).await?;                   the page after a page; first.items() has its tasks
//! same(&task["status"], "in_progress")                          red unless they are equal
//! in_order(&a["created_at"], &b["created_at"])                  red unless a is as early as b, or earlier
//! ```
//!
//! `assert_eq!` and its like will do as well: a pin that panics is red.
//!
//! A task: `{"item": {"created_at": "…Z", …}, "status": "intake", "due_date": null, "rice": {"effort": 3, …}, "score": 7.5,
//! "rank": 1, …}`

use kit_01_pins::{Client, Result, in_order, json, same};

/// A change of status is what everybody sees afterwards.
pub async fn a_change_of_status_survives(automator: &Client) -> Result<()> {
    let path = automator.any_task().await?;
    automator.patch(&path, json!({ "status": "in_progress" })).await?;
    let task = automator.get(&path).await?;
    same(&task["status"], "in_progress")
}

/// A due date is kept, to the day, and everybody sees it.
pub async fn a_due_date_survives(automator: &Client) -> Result<()> {
    // begin 01.1
    let path = automator.any_task().await?;
    automator.patch(&path, json!({ "due_date": "2030-01-02" })).await?;
    let task = automator.get(&path).await?;
    same(&task["due_date"], "2030-01-02")
    //| Ok(())
    // end 01.1
}

/// The second page of `/api/tasks?limit=5` goes on where the first one ended.
pub async fn the_second_page_goes_on(automator: &Client) -> Result<()> {
    // begin 01.1
    let first = automator.get("/api/tasks?limit=5").await?;
    let second = automator.next(&first).await?;
    let ranks: Vec<_> = second.items().iter().map(|task| &task["rank"]).collect();
    same(ranks, [6, 7, 8, 9, 10])
    //| Ok(())
    // end 01.1
}

/// Of two tasks with the same score, the one with the older item stands first in `/api/tasks?limit=100`.
pub async fn of_equal_scores_the_oldest_comes_first(automator: &Client) -> Result<()> {
    // begin 01.1
    let tasks = automator.get("/api/tasks?limit=100").await?;
    for pair in tasks.items().windows(2).filter(|pair| pair[0]["score"] == pair[1]["score"]) {
        in_order(&pair[0]["item"]["created_at"], &pair[1]["item"]["created_at"])?;
    }
    Ok(())
    //| Ok(())
    // end 01.1
}

/// An effort of 0 is refused with a 422 whose first error names the field: `{"errors": [{"field": "rice.effort", …}]}`.
pub async fn a_wrong_field_is_named(automator: &Client) -> Result<()> {
    // begin 01.1
    let path = automator.any_task().await?;
    let problem = automator.patch(&path, json!({ "rice": { "effort": 0 } })).await?;
    same(problem.status, 422)?;
    same(&problem["errors"][0]["field"], "rice.effort")
    //| Ok(())
    // end 01.1
}
