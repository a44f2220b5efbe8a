//! Choices of checkboxes and radio buttons.

/// A checkbox or radio button: the value, the label, and the name for programmers. The name may be empty.
pub(crate) type Choice = (&'static str, &'static str, &'static str);
