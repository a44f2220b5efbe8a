//! Cases for events in and out of order.

use super::Case;

/// The greatest whole number that a JSON parser with 64-bit floating point reads exactly.
const MAX_SAFE: &str = "9007199254740991";

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, expected: &str, last, sequence| {
        Case::new("apply", name, Some(expected.to_owned()), &[last, sequence])
    };
    vec![
        case("the first event of a submission", "new", "", "1"),
        case("the first that arrives is not the first that was sent", "new", "", "3"),
        case("the next", "new", "1", "2"),
        case("some are still under way", "new", "1", "7"),
        case("the same again", "seen", "2", "2"),
        case("the one before", "older", "2", "1"),
        case("long before", "older", "1000", "1"),
        case("compared as numbers, newer", "new", "9", "10"),
        case("compared as numbers, older", "older", "10", "9"),
        case("great numbers, newer", "new", "9007199254740990", MAX_SAFE),
        case("great numbers, older", "older", MAX_SAFE, "9007199254740990"),
        case("great numbers, the same", "seen", MAX_SAFE, MAX_SAFE),
        case("without a sequence, the first", "new", "", ""),
        case("without a sequence, after others", "new", "4", ""),
    ]
}
