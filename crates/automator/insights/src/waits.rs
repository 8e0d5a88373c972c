//! How long an item's people waited: pure functions over its timeline.

/// Who says or does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// An active member of the team.
    Maintainer,
    /// Everybody else who is a person.
    Community,
    /// An app.
    Bot,
}

/// One line of a timeline; times are epoch ms.
#[derive(Debug, Clone, Copy)]
pub struct Line<'l> {
    /// `opened`, `comment`, `review`, `closed`, `reopened` or `merged`.
    pub kind: &'l str,
    /// Who.
    pub speaker: Speaker,
    /// When.
    pub at: i64,
}

/// From when until when somebody waited, epoch ms.
pub type Span = (i64, i64);

/// What was waited for on one item, as far as the wait has ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ItemWaits {
    /// Creation to a maintainer's first comment, review or close.
    pub contact: Option<Span>,
    /// Each comment of the community to a maintainer's next comment or review.
    pub responses: Vec<Span>,
    /// Creation to the first close or merge, by whomever.
    pub close: Option<Span>,
}

/// The waits on an item, from its lines in the order of time. Contact and close count where the community opened it.
#[must_use]
pub fn waits(lines: &[Line<'_>]) -> ItemWaits {
    let answers =
        |line: &&Line<'_>| line.speaker == Speaker::Maintainer && matches!(line.kind, "comment" | "review");
    let mut waits = ItemWaits::default();
    if let Some(opened) =
        lines.iter().find(|line| line.kind == "opened" && line.speaker == Speaker::Community)
    {
        let after = || lines.iter().filter(|line| line.kind != "opened" && line.at >= opened.at);
        let contacts = |line: &&Line<'_>| {
            line.speaker == Speaker::Maintainer
                && matches!(line.kind, "comment" | "review" | "closed" | "merged")
        };
        waits.contact = after().find(contacts).map(|line| (opened.at, line.at));
        waits.close =
            after().find(|line| matches!(line.kind, "closed" | "merged")).map(|line| (opened.at, line.at));
    }
    for (index, line) in lines.iter().enumerate() {
        if line.kind == "comment" && line.speaker == Speaker::Community {
            let answer = lines[index + 1..].iter().find(answers);
            waits.responses.extend(answer.map(|answer| (line.at, answer.at)));
        }
    }
    waits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line<'_>> {
        // `3 m comment`: at 3, a maintainer comments.
        let read = |line| {
            let mut words = str::split(line, ' ');
            let at = words.next().unwrap().parse().unwrap();
            let speaker = match words.next().unwrap() {
                "m" => Speaker::Maintainer,
                "b" => Speaker::Bot,
                _ => Speaker::Community,
            };
            Line { at, speaker, kind: words.next().unwrap() }
        };
        text.split(", ").map(read).collect()
    }

    #[test]
    fn contact_is_the_first_maintainer_not_the_first_anybody() {
        let waits =
            waits(&lines("1 c opened, 2 b comment, 3 c comment, 4 m review, 5 m comment, 6 m closed"));
        assert_eq!(waits.contact, Some((1, 4)));
        assert_eq!(waits.close, Some((1, 6)));
    }

    #[test]
    fn a_close_by_a_maintainer_is_a_contact_one_by_the_author_is_none() {
        assert_eq!(waits(&lines("1 c opened, 2 m closed")).contact, Some((1, 2)));
        let own = waits(&lines("1 c opened, 2 c closed"));
        assert_eq!((own.contact, own.close), (None, Some((1, 2))));
    }

    #[test]
    fn every_comment_of_the_community_is_answered_by_the_next_word_of_a_maintainer() {
        let waits = waits(&lines(
            "1 c opened, 2 c comment, 3 c comment, 4 b comment, 5 m comment, 6 m comment, 7 c review, 8 c comment, \
             9 m closed, 10 m review, 11 c comment",
        ));
        assert_eq!(
            waits.responses,
            [(2, 5), (3, 5), (8, 10)],
            "a close is no answer, a review of the community no question"
        );
    }

    #[test]
    fn a_reopened_item_was_closed_when_it_was_closed_first() {
        let waits = waits(&lines("1 c opened, 5 m closed, 6 c reopened, 9 m merged, 9 m closed"));
        assert_eq!(waits.close, Some((1, 5)));
    }

    #[test]
    fn what_a_maintainer_or_a_bot_opened_has_no_contact_but_questions_on_it_count() {
        for who in ["m", "b"] {
            let text = format!("1 {who} opened, 2 c comment, 4 m comment, 5 m closed");
            let waits = waits(&lines(&text));
            assert_eq!((waits.contact, waits.close), (None, None));
            assert_eq!(waits.responses, [(2, 4)]);
        }
    }

    #[test]
    fn an_item_without_comments_waits_for_nothing_that_has_ended() {
        assert_eq!(waits(&lines("1 c opened")), ItemWaits::default());
    }
}
