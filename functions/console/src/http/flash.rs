//! What a page says after a change: `?done=added`. The name comes from the URL, so it only chooses from a closed list of texts.

use std::str::FromStr;

use crate::http::pairs::Pairs;

/// The name of the query parameter.
pub(crate) const PARAMETER: &str = "done";

/// Reads which notice the page shows, from the names of `T`. An unknown name shows none.
pub(crate) fn notice<T: FromStr>(query: &Pairs) -> Option<T> {
    query.get(PARAMETER)?.parse().ok()
}
