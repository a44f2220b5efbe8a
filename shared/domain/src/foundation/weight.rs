//! The weights of `Accept` and `Accept-Language` (RFC 9110, section 12.4.2), in thousandths.

/// The weight of a value without `q`.
pub const FULL_WEIGHT: u16 = 1000;

/// Parses `q=0.5`: a number from 0 to 1 with at most three decimals. Returns `None` if it is malformed.
pub fn parse(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_weight = name.eq_ignore_ascii_case("q")
        && matches!(whole, "0" | "1")
        && fraction.len() <= 3
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_weight {
        return None;
    }
    let thousandths: u16 = format!("{whole}{fraction:0<3}").parse().ok()?;
    (thousandths <= FULL_WEIGHT).then_some(thousandths)
}
