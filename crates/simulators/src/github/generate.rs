//! Generated data: the same for the same seed, on every platform, at every hour.
//!
//! Each repository is a stream of its own, drawn from the seed and its name, so it has the same items in
//! the full catalogue and in one of two repositories. A repository has some 60 items over 18 months, of
//! which nearly half are open, and exactly one long thread: more comments than fit on a page of 100 and,
//! where it is a pull request, more reviews too.

use std::sync::Arc;

use domain::{Catalogue, Kind, RepositoryName, State};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    model::{Actor, Item, Verdict, World, after, node_id, whole_seconds},
    words,
};
use crate::random::Random;

/// How far back the data goes: 18 months.
const SPAN: i64 = 548 * DAY;
const DAY: i64 = 24 * HOUR;
const HOUR: i64 = 60 * MINUTE;
const MINUTE: i64 = 60;

/// A world for `catalogue` as it stands at `now`; nothing in it is later than `now`.
pub(crate) fn world(catalogue: &Catalogue, seed: u64, now: Timestamp) -> World {
    let people = People::new(seed);
    let now = whole_seconds(now);
    let mut world = World::new(now);
    for repository in &catalogue.repositories {
        world.add_repository(&repository.name, repository.language.as_str());
        let mut random = Random::of(seed, repository.name.as_str());
        let language = repository.language.as_str();
        let mut generator = Generator {
            world: &mut world,
            people: &people,
            name: &repository.name,
            language,
            now,
            random: &mut random,
        };
        generator.fill();
    }
    world
}

/// Who takes part, the same in all repositories.
struct People {
    maintainers: Vec<Arc<Actor>>,
    community: Vec<Arc<Actor>>,
    dependabot: Arc<Actor>,
    codecov: Arc<Actor>,
    stale: Arc<Actor>,
}

impl People {
    fn new(seed: u64) -> Self {
        let mut random = Random::of(seed, "people");
        Self {
            maintainers: words::MAINTAINERS.into_iter().map(Actor::user).collect(),
            community: (0..240).map(|_| Actor::user(format!("dev-{:08x}", random.next() >> 32))).collect(),
            dependabot: Actor::bot(words::DEPENDABOT),
            codecov: Actor::bot(words::CODECOV),
            stale: Actor::bot(words::STALE),
        }
    }

    fn maintainer(&self, random: &mut Random) -> Option<Arc<Actor>> {
        Some(random.pick(&self.maintainers).clone())
    }

    /// Somebody from outside; a few write much, and a few have deleted their account since.
    fn outsider(&self, random: &mut Random) -> Option<Arc<Actor>> {
        if random.chance(2) {
            return None;
        }
        let among = if random.chance(35) { &self.community[..24] } else { &self.community[..] };
        Some(random.pick(among).clone())
    }
}

/// Fills one repository.
struct Generator<'a> {
    world: &'a mut World,
    people: &'a People,
    name: &'a RepositoryName,
    language: &'a str,
    now: Timestamp,
    random: &'a mut Random,
}

impl Generator<'_> {
    fn fill(&mut self) {
        let count = self.random.between(46, 78);
        let mut created: Vec<i64> = (0..count).map(|_| self.random.between(2 * HOUR, SPAN)).collect();
        created.sort_unstable_by(|a, b| b.cmp(a));
        let long_thread = self.random.between(count / 4, count / 2);
        let mut number = self.random.between(1, 400);
        for (index, ago) in (0..).zip(created) {
            let created_at = after(self.now, -ago);
            self.item(number, created_at, index == long_thread);
            // Discussions and deleted items leave gaps.
            number += if self.random.chance(6) { self.random.between(2, 4) } else { 1 };
        }
    }

    fn item(&mut self, number: i64, created_at: Timestamp, long_thread: bool) {
        let mut item = self.opened(number, created_at);
        let mut clock = created_at;
        if long_thread {
            self.long_thread(&mut item, &mut clock);
        } else {
            self.conversation(&mut item, &mut clock);
            self.ending(&mut item, &mut clock);
        }
        item.labels = self.labels(&item);
        self.world.put(item);
    }

    /// The item as its author opened it.
    fn opened(&mut self, number: i64, created_at: Timestamp) -> Item {
        let kind = if self.random.chance(45) { Kind::PullRequest } else { Kind::Issue };
        let by_bot = kind == Kind::PullRequest && self.random.chance(12);
        let author = if by_bot {
            Some(self.people.dependabot.clone())
        } else if self.random.chance(9) {
            self.people.maintainer(self.random)
        } else {
            self.people.outsider(self.random)
        };
        let title = if by_bot { self.bump() } else { self.title(kind) };
        let (repository_id, database_id) = (self.repository_id(), self.world.next_id());
        let prefix = if kind == Kind::Issue { "I_" } else { "PR_" };
        Item {
            repository: self.name.clone(),
            repository_id,
            database_id,
            node_id: node_id(prefix, &[0, repository_id, database_id]),
            kind,
            number,
            body: format!("{title}\n\n{}", self.random.pick(words::REMARKS)),
            title,
            author,
            state: State::Open,
            labels: Vec::new(),
            comments: Vec::new(),
            reviews: Vec::new(),
            events: Vec::new(),
            reactions: *self.random.weighted(&[(70, 0), (15, 1), (8, 2), (5, 4), (2, 17)]),
            commits: if kind == Kind::PullRequest {
                i32::try_from(self.random.between(1, 6)).unwrap_or(1)
            } else {
                0
            },
            created_at,
            updated_at: created_at,
            closed_at: None,
            merged_at: None,
            merged_by: None,
        }
    }

    fn repository_id(&self) -> u32 {
        self.world.repository(self.name.as_str()).map_or(0, |repository| repository.database_id)
    }

    fn bump(&mut self) -> String {
        let (major, minor) = (self.random.between(0, 5), self.random.between(0, 17));
        let name = self.random.pick(words::DEPENDENCIES);
        format!("Bump {name} from {major}.{minor}.0 to {major}.{}.{}", minor + 1, self.random.between(0, 9))
    }

    fn title(&mut self, kind: Kind) -> String {
        let from = if kind == Kind::Issue { words::ISSUES } else { words::PULL_REQUESTS };
        let version = format!(
            "v{}.{}.{}",
            self.random.between(1, 7),
            self.random.between(0, 12),
            self.random.between(0, 4)
        );
        let thing = *self.random.pick(words::THINGS);
        let file = *self.random.pick(words::FILES);
        let number = self.random.between(2, 99).to_string();
        self.random
            .pick(from)
            .replace("{lang}", self.language)
            .replace("{version}", &version)
            .replace("{thing}", thing)
            .replace("{file}", file)
            .replace("{n}", &number)
    }

    /// Turns of the community and the maintainers until they have nothing to say, or today.
    fn conversation(&mut self, item: &mut Item, clock: &mut Timestamp) {
        let turns =
            *self.random.weighted(&[(20, 0), (22, 1), (20, 2), (14, 3), (10, 4), (7, 6), (5, 9), (2, 14)]);
        let mut maintainer_next = true;
        for turn in 0..turns {
            if !self.pass(clock) {
                return;
            }
            if turn == 0 && item.kind == Kind::PullRequest && self.random.chance(15) {
                let codecov = Some(self.people.codecov.clone());
                self.comment(item, *clock, codecov, "Coverage: 81% (+0.4%)");
            } else if maintainer_next && self.random.chance(80) {
                self.maintainer_speaks(item, *clock);
                maintainer_next = false;
            } else {
                self.outsider_speaks(item, *clock);
                maintainer_next = true;
            }
        }
    }

    /// Some minutes to some weeks go by; false when that would lead into the future.
    fn pass(&mut self, clock: &mut Timestamp) -> bool {
        let doublings = self.random.between(0, 13);
        let seconds = ((self.random.between(3, 6) * MINUTE) << doublings) + self.random.between(0, 59);
        let next = after(*clock, seconds);
        let passes = next < self.now;
        if passes {
            *clock = next;
        }
        passes
    }

    fn maintainer_speaks(&mut self, item: &mut Item, at: Timestamp) {
        let maintainer = self.people.maintainer(self.random);
        if item.kind == Kind::PullRequest && self.random.chance(55) {
            let verdict = *self.random.weighted(&[
                (40, Verdict::ChangesRequested),
                (35, Verdict::Commented),
                (20, Verdict::Approved),
                (5, Verdict::Dismissed),
            ]);
            self.review(item, at, maintainer, verdict);
        } else {
            let text = *self.random.pick(words::ANSWERS);
            self.comment(item, at, maintainer, text);
        }
    }

    /// Mostly the author; on pull requests now and then somebody else who reviews.
    fn outsider_speaks(&mut self, item: &mut Item, at: Timestamp) {
        let is_bot = item.author.as_ref() == Some(&self.people.dependabot);
        let author = if is_bot || self.random.chance(30) {
            self.people.outsider(self.random)
        } else {
            item.author.clone()
        };
        if item.kind == Kind::PullRequest && author != item.author && self.random.chance(30) {
            self.review(item, at, author, Verdict::Commented);
        } else {
            let text = *self.random.pick(words::REMARKS);
            self.comment(item, at, author, text);
        }
    }

    /// Closes or merges about half of the items; reopens a few of these.
    fn ending(&mut self, item: &mut Item, clock: &mut Timestamp) {
        if !self.random.chance(57) || !self.pass(clock) {
            return;
        }
        let maintainer = self.people.maintainer(self.random);
        if item.kind == Kind::PullRequest && self.random.chance(76) {
            if self.random.chance(60) {
                let reviewer = self.people.maintainer(self.random);
                self.review(item, after(*clock, -MINUTE).max(item.updated_at), reviewer, Verdict::Approved);
            }
            self.merge(item, *clock, maintainer);
        } else {
            let by = match self.random.between(0, 9) {
                0 => Some(self.people.stale.clone()),
                1 | 2 => item.author.clone(),
                _ => maintainer,
            };
            self.close(item, *clock, by);
            if self.random.chance(9) && self.pass(clock) {
                self.reopen(item, *clock);
                if self.random.chance(40) && self.pass(clock) {
                    let maintainer = self.people.maintainer(self.random);
                    self.close(item, *clock, maintainer);
                }
            }
        }
        if self.random.chance(8) && self.pass(clock) {
            self.outsider_speaks(item, *clock);
        }
    }

    /// The one thread of a repository that does not end, hour by hour.
    fn long_thread(&mut self, item: &mut Item, clock: &mut Timestamp) {
        for turn in 0..self.random.between(101, 130) {
            *clock = after(*clock, HOUR + turn);
            let speaker = if turn % 3 == 1 {
                self.people.maintainer(self.random)
            } else {
                self.people.outsider(self.random)
            };
            let text = *self.random.pick(words::REMARKS);
            self.comment(item, *clock, speaker, text);
            if item.kind == Kind::PullRequest {
                *clock = after(*clock, MINUTE);
                let reviewer = self.people.maintainer(self.random);
                self.review(item, *clock, reviewer, Verdict::Commented);
            }
        }
    }

    fn comment(&mut self, item: &mut Item, at: Timestamp, author: Option<Arc<Actor>>, body: &str) {
        item.add_comment(self.world.next_id(), at, author, body.to_owned());
    }

    fn review(&mut self, item: &mut Item, at: Timestamp, author: Option<Arc<Actor>>, verdict: Verdict) {
        let body = (*self.random.pick(words::REVIEWS)).to_owned();
        item.add_review(self.world.next_id(), at, author, verdict, body);
    }

    fn close(&mut self, item: &mut Item, at: Timestamp, by: Option<Arc<Actor>>) {
        item.close(self.world.next_id(), at, by);
    }

    fn reopen(&mut self, item: &mut Item, at: Timestamp) {
        let by = item.author.clone();
        item.reopen(self.world.next_id(), at, by);
    }

    fn merge(&mut self, item: &mut Item, at: Timestamp, by: Option<Arc<Actor>>) {
        let ids = (self.world.next_id(), self.world.next_id());
        item.merge(ids, at, by);
    }

    fn labels(&mut self, item: &Item) -> Vec<String> {
        let status = if item.is_open() { words::OPEN_STATUSES } else { words::CLOSED_STATUSES };
        let mut labels = vec![
            *self.random.weighted(words::TYPES),
            *self.random.weighted(words::DIFFICULTIES),
            *self.random.weighted(status),
        ];
        if item.created_at.to_zoned(TimeZone::UTC).month() == 10 && self.random.chance(70) {
            labels.push("hacktoberfest");
        }
        if item.kind == Kind::Issue && self.random.chance(7) {
            labels.push(*self.random.pick(words::INVITATIONS));
        }
        labels.into_iter().filter(|label| !label.is_empty()).map(str::to_owned).collect()
    }
}
