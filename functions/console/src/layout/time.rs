//! Times as text. All are in UTC, in one form for all languages. A script adds the local time.

use domain::foundation::time::Timestamp;

/// `2026-11-22 08:30`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
pub(crate) fn minute(at: &Timestamp) -> String {
    at.to_string()[..16].replace('T', " ")
}

/// `2026-11-22 08:30:05`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
pub(crate) fn second(at: &Timestamp) -> String {
    at.to_string()[..19].replace('T', " ")
}

/// `12,345`. Numbers are grouped in the same way in all languages, as in the mails.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `140 ms`, `2.5 s`, `3 min`, `26 h`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

/// A share in thousandths as `97.2 %`.
pub(crate) fn share(per_mille: u64) -> String {
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_to_the_minute_or_second() {
        let at: Timestamp = "2026-11-22T17:30:05.123+09:00".parse().unwrap();
        assert_eq!((minute(&at), second(&at)), ("2026-11-22 08:30".to_owned(), "2026-11-22 08:30:05".to_owned()));
    }

    #[test]
    fn durations_have_the_unit_that_people_read() {
        let written: Vec<String> = [0, 999, 1_000, 2_540, 60_000, 3_600_000].into_iter().map(duration).collect();
        assert_eq!(written, ["0 ms", "999 ms", "1.0 s", "2.5 s", "1 min", "1 h"]);
        assert_eq!([share(1_000), share(972)], ["100.0 %", "97.2 %"]);
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let written: Vec<String> = [0, 999, 1000, 15_000, 1_234_567].into_iter().map(grouped).collect();
        assert_eq!(written, ["0", "999", "1,000", "15,000", "1,234,567"]);
    }
}
