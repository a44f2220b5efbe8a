//! The project's name inside sentences. Customers choose it, so its direction must not affect the text around it.
//!
//! A name is put between marks before it is inserted into a sentence. In HTML the marks become `<bdi>`; elsewhere they are removed.
//! The marks are Unicode noncharacters, which ordinary text does not contain.

const MARKS: [char; 2] = ['\u{FDD0}', '\u{FDD1}'];

/// Returns the name between marks.
pub(super) fn marked(name: &str) -> String {
    let [start, end] = MARKS;
    format!("{start}{}{end}", without_marks(name))
}

/// Returns the text without marks, for plain text such as a subject.
pub(super) fn without_marks(text: &str) -> String {
    text.replace(MARKS, "")
}

/// Returns the HTML with `<bdi>` elements in place of the marks.
pub(super) fn isolated(html: &str) -> String {
    let [start, end] = MARKS;
    html.replace(start, "<bdi>").replace(end, "</bdi>")
}
