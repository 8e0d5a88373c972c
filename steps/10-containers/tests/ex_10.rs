//! The exercises of step 10, by the text of their files: seconds instead of the minutes that an engine wants. What an engine does
//! with them is in `image_10` and `broken_10`.

#![expect(clippy::panic, reason = "a test: a panic is what the learner reads")]

use std::{fs, path::Path};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// One test for each rule about a file, under the rule's name in a module of the exercise's.
macro_rules! rules {
    ($exercise:ident, $file:ident; $($rule:ident),+ $(,)?) => {
        mod $exercise {
            use manifests::containers::$file::{RULES, parse};

            fn keeps(name: &str) {
                let file = parse(&super::read(&step_10_containers::$file())).unwrap_or_else(|wrong| panic!("{wrong}"));
                let rule = RULES.iter().find(|(known, _)| *known == name);
                let (_, rule) = rule.unwrap_or_else(|| panic!("no rule is called {name}"));
                rule(&file).unwrap_or_else(|wrong| panic!("{wrong}"));
            }

            #[test]
            fn every_rule_is_asked() {
                let asked = [$(stringify!($rule)),+];
                assert_eq!(RULES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), asked);
            }

            $(#[test]
            fn $rule() {
                keeps(stringify!($rule));
            })+
        }
    };
}

rules!(dockerfile, dockerfile;
    it_can_be_built, two_stages, only_the_program, manifests_first, the_same_build_twice, static_program, certificates,
    user_by_number, exec_form, reached_from_outside, health_by_the_program, no_secrets);

rules!(order, compose_file;
    started_is_not_ready, one_migration, database_asked_over_tcp, asked_often_and_for_long, nobody_sleeps, health_by_the_program, every_process_is_there,
    comes_back_by_itself, only_the_front_is_published, as_little_as_possible, secrets_are_files, other_images_can_be_named,
    old_and_new_compose);
