//! The order that the model was content with, in the mover of step 06: two databases, the processes of the step, and people who
//! write and read meanwhile.

#[expect(dead_code, reason = "shared with the tests of the move, which use the rest")]
#[path = "../../support/moving.rs"]
mod moving;

use std::time::Duration;

use acceptance::{
    Database,
    tokio::{runtime, time::sleep},
};

use moving::{Movers, People, shared, sides_are_alike, started};

/// How long people work between two moves.
const BETWEEN: Duration = Duration::from_millis(300);

/// Moves there and back and there again while people work, and then they keep it.
///
/// # Panics
/// A change that was answered is gone, or was not seen at the next read; or the move does not come to its end.
pub(super) fn moves_there_and_back_and_there_again() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let database = Database::sqlite().expect("a folder");
        shared(&database).await;
        let app = started(&database).await;
        let movers = Movers::on(&database);
        let people = People::of(&app);
        people
            .work(async {
                let mut mover = movers.start(&["--at-once"], None);
                movers.are("moved", &mut mover).await;
                sleep(BETWEEN).await;
                movers.run(&["back"]).await;
                mover.succeeds().await;
                sleep(BETWEEN).await;
                let mut mover = movers.start(&["--at-once"], None);
                movers.are("moved", &mut mover).await;
                sleep(BETWEEN).await;
            })
            .await;
        let mut mover = movers.start(&[], None);
        movers.are("moved", &mut mover).await;
        sides_are_alike(&database, &movers).await;
        movers.run(&["keep"]).await;
        mover.succeeds().await;
        People::of(&app).work(sleep(BETWEEN)).await;
    });
}
