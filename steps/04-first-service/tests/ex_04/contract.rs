//! Exercise 04.2: the contract that the consumer writes, run against the adapter and against the service.

mod changes;
mod consumer;
mod file;
mod provider;
mod shape;

use std::path::Path;

use acceptance::tokio;
use file::Contract;
use provider::with_provider;
use shape::Filling;

/// The learner's, or ours where theirs is not asked for.
fn contract() -> Contract {
    let whose = if cfg!(feature = "mine-04-2") { "exercises" } else { "solutions" };
    let place = format!("{whose}/04-first-service/contract.toml");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&place);
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{place} cannot be read: {error}"));
    Contract::parse(&text).unwrap_or_else(|error| panic!("{place}: {error}"))
}

#[tokio::test]
async fn the_adapter_can_live_on_what_is_promised() {
    for interaction in contract().interactions {
        for nulls in [false, true] {
            let filling = Filling { nulls, ..Filling::new() };
            let answer = filling.fill(&interaction.answers);
            if let Err(what) = consumer::reads(&interaction, &filling, &answer).await {
                panic!(
                    "{:?}: a service that keeps the contract to the letter breaks us. The adapter {what}.",
                    interaction.name
                );
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_promised_that_nobody_reads() {
    for interaction in contract().interactions {
        let filling = Filling::new();
        let whole = filling.fill(&interaction.answers);
        let read = consumer::reads(&interaction, &filling, &whole).await;
        for (place, _) in shape::fields(&interaction.answers) {
            let mut less = whole.clone();
            shape::remove(&mut less, &place);
            assert!(
                read.is_err() || consumer::reads(&interaction, &filling, &less).await != read,
                "{:?}: nobody reads {place}. The adapter does the same without it; those who make notify may never change it, \
                 and do not know why.",
                interaction.name
            );
        }
    }
}

#[test]
fn no_promise_is_about_one_message_alone() {
    for interaction in contract().interactions {
        let path = interaction.path().rsplit('/').next();
        let values = [&interaction.sends, &interaction.answers].into_iter().flat_map(shape::fields);
        let texts = values.filter_map(|(_, value)| value.as_str());
        if let Some(once) = path.into_iter().chain(texts).find(|text| shape::is_once_only(text)) {
            panic!(
                "{:?}: {once} is of one message, on the machine of whoever wrote it. On every other the contract is red, and \
                 nobody has broken anything. Say what type it has.",
                interaction.name
            );
        }
    }
}

#[test]
fn the_service_keeps_it() {
    let contract = contract();
    with_provider(async |provider| {
        let breaches = provider.breaches(&contract).await;
        assert!(
            breaches.is_empty(),
            "notify, as it is today, does not do what the contract says:\n  {}",
            breaches.join("\n  ")
        );
    });
}

#[test]
fn what_would_break_us_turns_it_red() {
    let contract = contract();
    with_provider(async |provider| {
        let before = provider.breaches(&contract).await;
        let changes = changes::breaking();
        let count = changes.len();
        let mut unnoticed = Vec::new();
        for change in changes {
            if provider.broken_by(change.fault, &contract, &before).await.is_empty() {
                unnoticed.push(change.what);
            }
        }
        assert!(
            unnoticed.is_empty(),
            "The others ship {count} versions of notify that break us. {} pass the contract, and our users find out:\n  {}",
            unnoticed.len(),
            unnoticed.join("\n  ")
        );
    });
}

#[test]
fn what_breaks_nobody_leaves_it_green() {
    let contract = contract();
    with_provider(async |provider| {
        let before = provider.breaches(&contract).await;
        for change in changes::harmless() {
            let new = provider.broken_by(change.fault, &contract, &before).await;
            assert!(
                new.is_empty(),
                "{}, which breaks nobody, and the contract is red: {}. Those who make notify cannot ship on Friday, and will \
                 not ask the contract again.",
                change.what,
                new.join("; ")
            );
        }
    });
}
