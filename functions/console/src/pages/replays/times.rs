//! Times in UTC as inputs of the type `datetime-local` write them, without an offset: `2026-11-22T08:30`.

use domain::foundation::time::Timestamp;

/// The value of an input.
pub(super) fn to_input(at: Timestamp) -> String {
    at.to_string().trim_end_matches('Z').to_owned()
}

/// The time in an input, if it is one.
pub(super) fn of_input(value: &str) -> Option<Timestamp> {
    let utc = value.trim().replace(' ', "T");
    let minute = format!("{utc}:00Z");
    [utc.clone(), format!("{utc}Z"), minute].iter().find_map(|time| time.parse().ok())
}

/// The time in an input, for the api. A value that is not a time stays as it is, so that the api says what is wrong.
pub(super) fn for_api(value: &str) -> String {
    of_input(value).map_or_else(|| value.to_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_in_utc_to_the_minute_or_finer() {
        for (value, expected) in [
            ("2026-11-22T08:30", "2026-11-22T08:30:00.000Z"),
            ("2026-11-22T08:30:05", "2026-11-22T08:30:05.000Z"),
            ("2026-11-22T08:30:05.123", "2026-11-22T08:30:05.123Z"),
            (" 2026-11-22 08:30 ", "2026-11-22T08:30:00.000Z"),
            ("2026-11-22T08:30:05+09:00", "2026-11-21T23:30:05.000Z"),
            ("tomorrow", "tomorrow"),
            ("2026-11-22T25:00", "2026-11-22T25:00"),
            ("", ""),
        ] {
            assert_eq!(for_api(value), expected);
        }
        let at = of_input("2026-11-22T08:30:05.123").unwrap();
        assert_eq!(of_input(&to_input(at)), Some(at));
    }
}
