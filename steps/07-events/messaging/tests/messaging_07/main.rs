//! Outbox, relay, feed, inbox and parked messages, on SQLite and on PostgreSQL: what is committed arrives, in order for each
//! subject, and takes effect once, whoever is killed when.

#![expect(clippy::unwrap_used, reason = "a test")]

mod another_feed;
mod feed;
mod inbox;
mod outbox;
mod parked;
mod relay;
mod world;

acceptance::on_both_databases!(
    outbox::a_change_that_is_rolled_back_tells_nobody,
    outbox::a_change_and_its_messages_commit_together_or_not_at_all,
    outbox::an_older_transaction_that_commits_second_is_not_skipped,
    outbox::messages_about_one_subject_come_in_the_order_of_their_commits,
    outbox::two_changes_of_the_same_two_subjects_do_not_wait_for_each_other,
    relay::killed_at_any_point_everything_arrives_in_order,
    relay::two_relays_keep_the_order_and_publish_hardly_anything_twice,
    relay::a_subject_that_is_refused_holds_up_nobody_else,
    relay::a_subject_that_has_been_refused_for_long_holds_up_nobody_else,
    relay::while_the_feed_is_away_everything_waits_and_then_arrives_in_order,
    relay::a_large_outbox_is_published_in_small_parts,
    inbox::killed_at_any_point_each_message_takes_effect_once,
    inbox::a_thousand_duplicates_have_no_effect,
    inbox::at_two_instances_each_message_takes_effect_once_and_in_order,
    inbox::two_consumers_each_get_everything,
    inbox::a_consumer_that_was_away_for_ten_thousand_messages_catches_up_in_small_parts,
    inbox::a_message_of_a_consumer_commits_with_its_effect,
    inbox::a_consumer_that_begins_again_gets_everything_from_the_beginning,
    inbox::old_rows_of_the_inbox_are_forgotten,
    parked::a_message_that_always_fails_is_parked_and_only_its_subject_waits,
    parked::those_behind_a_parked_one_follow_in_order_when_it_works,
    parked::given_up_it_never_takes_effect_and_the_others_do,
    parked::commands_go_on_behind_a_parked_one,
    parked::what_is_away_is_waited_for_and_nothing_is_parked,
    parked::a_consumer_that_panics_parks_the_message_and_goes_on,
    parked::an_effect_that_takes_too_long_is_a_failure_of_the_message,
    parked::what_is_parked_is_known_also_when_the_inbox_has_forgotten_it,
    parked::what_comes_of_another_feed_waits_behind_what_is_parked_of_the_last_one,
    another_feed::made_anew_it_is_read_from_its_beginning_and_nothing_is_skipped_or_done_twice,
    another_feed::an_instance_that_still_has_messages_of_the_last_one_does_not_go_back_to_it,
    another_feed::an_older_copy_stands_still_until_it_is_another_feed,
    feed::a_message_comes_back_as_it_was_appended_also_what_we_do_not_know_of_it,
    feed::the_same_id_is_the_same_message,
    feed::a_reader_that_waits_is_told_at_once,
    feed::bad_requests_are_answered_and_nothing_is_appended,
    feed::recorded_messages_of_version_1_go_through_outbox_and_feed
);
