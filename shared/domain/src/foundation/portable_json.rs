//! Finds JSON that common parsers reject or change, although it follows the grammar: repeated members, NUL, lone surrogates, deep
//! nesting, and numbers that are too large.
//!
//! A receiver that cannot read a webhook rejects every attempt, so one such event can disable an endpoint. See
//! `docs/decisions/portable-event-data.md` for the parser behind each rule.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use super::bad_field::BadField;

/// Maximum number of problems that are reported for one value.
const MAX_PROBLEMS: usize = 20;

/// Maximum length of a pointer in bytes. Below it, a problem is reported at the closest enclosing value whose pointer is shorter.
const MAX_POINTER_BYTES: usize = 1024;

/// Maximum number of digits after the decimal point of a `numeric` of `PostgreSQL`.
const MAX_FRACTION_DIGITS: i64 = 16_383;

/// Parsers differ on which of the members counts.
pub(super) const REPEATED: &str = "repeats another member";
const NUL: &str = "must not contain the character NUL (\\u0000), which databases cannot store";
const NUL_NAME: &str = "must not have a member whose name contains NUL (\\u0000)";
const SURROGATE: &str = "must not contain half of a surrogate pair (\\ud800 to \\udfff); it is not a character";
const SURROGATE_NAME: &str = "must not have a member whose name contains half of a surrogate pair (\\ud800 to \\udfff)";
const NUMBER: &str = "is larger than a 64-bit floating-point number can be; send it as a string";
const FRACTION: &str = "has more than 16,383 digits after the decimal point; send it as a string";

/// Returns the problems of `json`, at most 20. `pointer` is the JSON pointer to `json`. Its objects and lists may be nested in
/// `max_depth` levels.
pub(crate) fn problems(json: &RawValue, pointer: &str, max_depth: usize) -> Vec<BadField> {
    let json = json.get();
    let mut scan = Scan { json, at: 0, max_depth, depth: 0, pointer: pointer.to_owned(), problems: Vec::new() };
    scan.value();
    scan.problems
}

/// Reads JSON that follows the grammar from its start to its end.
struct Scan<'a> {
    json: &'a str,
    /// Position of the next byte.
    at: usize,
    max_depth: usize,
    /// Number of objects and lists that are open.
    depth: usize,
    /// Pointer to the current value.
    pointer: String,
    problems: Vec<BadField>,
}

impl<'a> Scan<'a> {
    fn value(&mut self) {
        match self.peek() {
            b'{' | b'[' if self.depth == self.max_depth => {
                self.report(&format!("is nested too deeply: at most {} levels are allowed", self.max_depth));
                self.skip_nested();
            }
            b'{' => self.object(),
            b'[' => self.list(),
            b'"' => match unescape(self.string()) {
                Some(text) if text.contains('\0') => self.report(NUL),
                Some(_) => {}
                None => self.report(SURROGATE),
            },
            _ => {
                let literal = self.literal();
                if let Some(problem) = number_problem(literal) {
                    self.report(problem);
                }
            }
        }
    }

    fn object(&mut self) {
        let mut names = HashSet::new();
        self.each(b'}', |scan, _| {
            let name = unescape(scan.string());
            match &name {
                Some(name) if name.contains('\0') => scan.report(NUL_NAME),
                Some(_) => {}
                None => scan.report(SURROGATE_NAME),
            }
            scan.expect(b':');
            let length = scan.enter(name.as_deref().unwrap_or("\u{fffd}"));
            if let Some(name) = name
                && !names.insert(name)
            {
                scan.report(REPEATED);
            }
            scan.value();
            scan.pointer.truncate(length);
        });
    }

    fn list(&mut self) {
        self.each(b']', |scan, index| {
            let length = scan.enter(&index.to_string());
            scan.value();
            scan.pointer.truncate(length);
        });
    }

    /// Calls `read` at each member or item of an object or list that ends with `end`.
    fn each(&mut self, end: u8, mut read: impl FnMut(&mut Self, usize)) {
        self.depth += 1;
        self.at += 1;
        let mut index = 0;
        while self.peek() != end {
            read(self, index);
            index += 1;
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        self.depth -= 1;
    }

    /// Appends a step to the pointer. Returns its previous length.
    fn enter(&mut self, step: &str) -> usize {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        length
    }

    fn report(&mut self, detail: &str) {
        let is_new =
            self.problems.last().is_none_or(|last| last.pointer != self.short_pointer() || last.detail != detail);
        if is_new && self.problems.len() < MAX_PROBLEMS {
            self.problems.push(BadField { pointer: self.short_pointer().to_owned(), detail: detail.to_owned() });
        }
    }

    /// The pointer to the closest enclosing value whose pointer is short enough.
    fn short_pointer(&self) -> &str {
        let mut ends = self.pointer.match_indices('/').map(|(end, _)| end).chain([self.pointer.len()]);
        &self.pointer[..ends.rfind(|end| *end <= MAX_POINTER_BYTES).unwrap_or_default()]
    }

    /// The next byte that is not white space. JSON that follows the grammar has one wherever this is called.
    fn peek(&mut self) -> u8 {
        let bytes = self.json.as_bytes();
        while bytes[self.at].is_ascii_whitespace() {
            self.at += 1;
        }
        bytes[self.at]
    }

    fn expect(&mut self, byte: u8) {
        let next = self.peek();
        debug_assert_eq!(next, byte, "the JSON follows the grammar");
        self.at += 1;
    }

    /// Reads a string. Returns what is between its quotes.
    fn string(&mut self) -> &'a str {
        self.expect(b'"');
        let (json, start) = (self.json, self.at);
        let bytes = json.as_bytes();
        while bytes[self.at] != b'"' {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        &json[start..self.at - 1]
    }

    /// Reads a number, `true`, `false` or `null`.
    fn literal(&mut self) -> &'a str {
        let rest = &self.json[self.at..];
        let length = rest.bytes().position(|byte| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace());
        let literal = &rest[..length.unwrap_or(rest.len())];
        self.at += literal.len();
        literal
    }

    /// Skips an object or list without recursion, so that no depth exhausts the stack.
    fn skip_nested(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
    }
}

/// Decodes what is between the quotes of a string. Returns `None` if it contains half of a surrogate pair, which is the only error
/// that the grammar leaves.
fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('\\') {
        return Some(Cow::Borrowed(raw));
    }
    serde_json::from_str::<String>(&format!("\"{raw}\"")).ok().map(Cow::Owned)
}

/// Why parsers cannot hold a number, if they cannot.
fn number_problem(literal: &str) -> Option<&'static str> {
    if !literal.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
    if literal.parse::<f64>().is_ok_and(f64::is_infinite) {
        return Some(NUMBER);
    }
    let digits = mantissa.split_once('.').map_or(0, |(_, fraction)| i64::try_from(fraction.len()).unwrap_or(i64::MAX));
    // An exponent that does not fit into an i64 is negative here: a positive one gives infinity, except for zero.
    let exponent = exponent.parse().unwrap_or(i64::MIN);
    let is_too_fine = digits.saturating_sub(exponent) > MAX_FRACTION_DIGITS;
    is_too_fine.then_some(FRACTION)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn found(json: &str, max_depth: usize) -> Vec<(String, String)> {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        problems(&json, "/data", max_depth).into_iter().map(|bad| (bad.pointer, bad.detail)).collect()
    }

    #[track_caller]
    fn assert_found(cases: &[(&str, &[(&str, &str)])]) {
        for (json, expected) in cases {
            let expected: Vec<(String, String)> =
                expected.iter().map(|(pointer, detail)| ((*pointer).to_owned(), (*detail).to_owned())).collect();
            assert_eq!(found(json, 63), expected, "{json}");
        }
    }

    #[test]
    fn a_repeated_member_is_found_at_every_level_and_in_every_spelling() {
        assert_found(&[
            (r#"{"a":1,"a":2}"#, &[("/data/a", REPEATED)]),
            (r#"{"a":1,"\u0061":1}"#, &[("/data/a", REPEATED)]),
            (r#"{"x":[{},{"a/b":{"~":1,"b":2,"~":3}}]}"#, &[("/data/x/1/a~1b/~0", REPEATED)]),
            (r#"{"a":1,"a":2,"b":{"c":1,"c":1}}"#, &[("/data/a", REPEATED), ("/data/b/c", REPEATED)]),
            (r#"{"":1,"":2}"#, &[("/data/", REPEATED)]),
            (r#"{"a":{"a":1},"A":[{"a":1},{"a":1}]}"#, &[]),
        ]);
    }

    #[test]
    fn nul_and_lone_surrogates_are_found_in_values_and_names() {
        assert_found(&[
            (r#"{"a":"\u0000"}"#, &[("/data/a", NUL)]),
            (r#"{"a":["x","b\u0000c"]}"#, &[("/data/a/1", NUL)]),
            (r#"{"a\u0000":1}"#, &[("/data", NUL_NAME)]),
            (r#"{"a":"\ud800"}"#, &[("/data/a", SURROGATE)]),
            (r#"{"a":"\uDC00\uD800"}"#, &[("/data/a", SURROGATE)]),
            (r#"{"a":"\ud83d\u0041"}"#, &[("/data/a", SURROGATE)]),
            (r#"{"a":"\ud83d x"}"#, &[("/data/a", SURROGATE)]),
            (r#"{"b":{"\udead":1}}"#, &[("/data/b", SURROGATE_NAME)]),
            (r#"{"a":"\ud83d\ude00","b":"\\u0000","c":"\\ud800","d":"\"\u0001\u007f\uffff"}"#, &[]),
        ]);
    }

    #[test]
    fn numbers_that_go_and_postgresql_cannot_hold_are_found() {
        let long = format!(r#"{{"a":{}}}"#, "9".repeat(400));
        let fine = format!(r#"{{"a":0.{}1}}"#, "0".repeat(16_383));
        let longest = format!(r#"{{"a":0.{}1,"b":{}}}"#, "0".repeat(16_382), "9".repeat(308));
        assert_found(&[
            (r#"{"a":1e309}"#, &[("/data/a", NUMBER)]),
            (r#"{"a":[-1E+400]}"#, &[("/data/a/0", NUMBER)]),
            (r#"{"a":1e99999999999999999999}"#, &[("/data/a", NUMBER)]),
            (&long, &[("/data/a", NUMBER)]),
            (r#"{"a":1e-16384}"#, &[("/data/a", FRACTION)]),
            (r#"{"a":1e-99999999999999999999}"#, &[("/data/a", FRACTION)]),
            (&fine, &[("/data/a", FRACTION)]),
            (&longest, &[]),
            (r#"{"a":[1.7976931348623157e308,-0,0.0,1e-400,12345678901234567890123,true,false,null]}"#, &[]),
        ]);
    }

    #[test]
    fn nesting_beyond_the_limit_is_found_once_and_never_exhausts_the_stack() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert_eq!(found(&nested(63), 63), []);
        let problems = found(&nested(64), 63);
        let expected = format!("/data/a{}", "/0".repeat(62));
        assert_eq!(problems, [(expected, "is nested too deeply: at most 63 levels are allowed".to_owned())]);
        assert_eq!(found(&nested(120_000), 63).len(), 1);
        let inside = format!(r#"{{"a":{},"b":"\u0000"}}"#, r#"[{"]":"}"},"#.repeat(3000) + "1" + &"]".repeat(3000));
        // The two items of the deepest list, and NUL.
        assert_eq!(found(&inside, 63).len(), 3);
    }

    #[test]
    fn the_size_of_the_result_is_limited() {
        let many = format!("[{}1]", r#""\u0000","#.repeat(1000));
        assert_eq!(found(&many, 63).len(), MAX_PROBLEMS);
        let long = format!(r#"{{"a":1,"{}":{{"a":"\u0000"}}}}"#, "x".repeat(10_000));
        assert_eq!(found(&long, 63), [("/data".to_owned(), NUL.to_owned())]);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[^\0]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("[^\0]{0,6}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_of_a_serializer_has_no_problem_in_any_layout(value in json()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                prop_assert_eq!(found(&text, 63), [], "{}", text);
            }
        }

        #[test]
        fn no_valid_json_makes_the_scan_panic(text in "[\\[\\]{}:, \"\\\\u0d8ae1.+-]{0,40}") {
            if let Ok(json) = RawValue::from_string(text) {
                problems(&json, "", 3);
            }
        }
    }
}
