//! Whatever is asked of the services of this step, their answers are those that their own documents describe.

use acceptance::{
    App, Database, SERVICE_TOKEN, Step, TOKEN,
    fuzz::{self, Asked},
};

#[test]
fn every_answer_is_one_that_the_services_describe() {
    let step =
        Step { number: "07", binary: env!("CARGO_BIN_EXE_system-07"), folder: env!("CARGO_MANIFEST_DIR") };
    let app = Database::sqlite().and_then(|database| App::start(&step, database, |options| options));
    let app = app.unwrap_or_else(|error| panic!("{error:#}"));
    let asked = [
        ("feed", SERVICE_TOKEN, Asked::ByServices),
        ("github", SERVICE_TOKEN, Asked::ByServices),
        ("insights", SERVICE_TOKEN, Asked::ByClients),
        ("gateway", TOKEN, Asked::ByClients),
    ];
    let kept = asked.map(|(process, token, asked)| fuzz::keeps_its_word(&app, process, token, asked));
    let broken: Vec<_> =
        kept.iter().filter_map(|kept| kept.as_ref().err()).map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}
