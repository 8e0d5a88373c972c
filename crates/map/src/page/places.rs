//! Where a process is drawn: at every step in the same place, so that one sees what moved.

/// A place: column and row, in the units of the picture.
pub(super) type Place = (f64, f64);

/// The places of those that we know. What takes over from another stands where that one stood: `web` is what is left of the monolith.
const PLACES: &[(&str, Place)] = &[
    ("gateway", (1.0, 1.5)),
    ("faulty", (2.0, 0.25)),
    ("monolith", (2.0, 1.5)),
    ("web", (2.0, 1.5)),
    ("insights", (3.0, 0.0)),
    ("backlog", (3.0, 1.0)),
    ("github", (3.0, 2.0)),
    ("notify", (3.0, 3.0)),
    ("feed", (4.0, 1.5)),
    ("simulators", (4.0, 3.0)),
];

/// The row below the others, for those that we do not know.
const BELOW: f64 = 4.0;

/// The place of each of `names`, in their order.
pub(super) fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<Place> {
    let mut unknown = 0.0;
    let place = |name| match PLACES.iter().find(|(known, _)| *known == name) {
        Some((_, place)) => *place,
        None => {
            unknown += 1.0;
            (unknown, BELOW)
        }
    };
    names.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_known_gets_a_place_of_its_own() {
        assert_eq!(of(["x", "feed", "y"]), [(1.0, 4.0), (4.0, 1.5), (2.0, 4.0)]);
    }
}
