//! 01.1: five pins, on the real system and on seven faulty ones.

mod faults;

use std::time::Duration;

use acceptance::{App, TOKEN, harness::Proxy, tokio::time::timeout};
use kit_01_pins::{Client, Error, Result};
use step_01_monolith::pieces::pins as pieces;

use crate::{panics, system::with_system};
use faults::planted;

/// Two worlds: other people, other items, other numbers.
const SEEDS: [u64; 2] = [2019, 7];

/// How long one pin may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Their names, in the order of the file.
const NAMES: [&str; 5] = [
    "a_change_of_status_survives",
    "a_due_date_survives",
    "the_second_page_goes_on",
    "of_equal_scores_the_oldest_comes_first",
    "a_wrong_field_is_named",
];

/// Runs the pin with that index; red when it says so, when an assertion in it fails, or when it takes too long.
async fn run(index: usize, automator: &Client) -> Result<()> {
    let pin = panics::caught(async {
        match index {
            0 => pieces::a_change_of_status_survives(automator).await,
            1 => pieces::a_due_date_survives(automator).await,
            2 => pieces::the_second_page_goes_on(automator).await,
            3 => pieces::of_equal_scores_the_oldest_comes_first(automator).await,
            _ => pieces::a_wrong_field_is_named(automator).await,
        }
    });
    match timeout(PATIENCE, pin).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(panic)) => Err(Error::NoAnswer(panic)),
        Err(_) => panic!("{} is not done after {PATIENCE:?}.", NAMES[index]),
    }
}

fn client(base: &str) -> Client {
    Client::new(base, TOKEN).expect("the system has a URL")
}

/// Runs every pin, in this order.
async fn all_hold(app: &App, order: impl Iterator<Item = usize>, otherwise: &str) {
    let automator = client(app.system().front());
    for index in order {
        if let Err(error) = run(index, &automator).await {
            panic!("{} cries wolf: nothing was lost, and it says {error}. {otherwise}", NAMES[index]);
        }
    }
}

#[test]
fn every_pin_holds_twice_in_any_order_on_two_data_sets() {
    with_system(SEEDS[0], async |app| {
        all_hold(app, 0..NAMES.len(), "Run it against cargo workshop run 1 and look at the answers.").await;
        let reason = "It held the first time and in the other order: it counts on what another pin, or it itself, changed.";
        all_hold(app, (0..NAMES.len()).rev(), reason).await;
    });
    with_system(SEEDS[1], async |app| {
        let reason = "It holds on other data: it pins an id, a time or a title, which nobody was promised.";
        all_hold(app, 0..NAMES.len(), reason).await;
    });
}

#[test]
fn every_planted_fault_turns_a_pin_red() {
    with_system(SEEDS[0], async |app| {
        let proxy = Proxy::start(app.system().front()).await.expect("a free port");
        let automator = client(proxy.url());
        let mut survivors = Vec::new();
        for (number, planted) in (1..).zip(planted()) {
            proxy.add(planted.fault);
            let mut is_caught = false;
            for index in 0..NAMES.len() {
                is_caught = is_caught || run(index, &automator).await.is_err();
            }
            proxy.clear();
            if !is_caught {
                survivors.push(format!("Fault {number}, {}: {}", planted.area, planted.story));
            }
        }
        assert!(
            survivors.is_empty(),
            "{} of {} faults went unnoticed, and users will tell us.\n{}",
            survivors.len(),
            planted().len(),
            survivors.join("\n")
        );
    });
}
