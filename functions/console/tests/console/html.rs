//! Reads the forms and the text of a page. Understands the HTML that the templates write, and no other.

/// A form of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it leads; empty if that is the page itself.
    pub(crate) action: String,
    /// The values that a browser sends if the person changes nothing.
    pub(crate) values: Vec<(String, String)>,
}

/// All forms that send a `POST`, without the one that signs out.
pub(crate) fn post_forms(html: &str) -> Vec<Form> {
    let forms = html.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap());
    let post = forms.filter(|form| attribute(tag(form), "method") == Some("post".to_owned()));
    let read =
        post.map(|form| Form { action: attribute(tag(form), "action").unwrap_or_default(), values: values(form) });
    read.filter(|form| form.action != "/sign-out").collect()
}

/// The text of a page without its tags. White space is one space.
pub(crate) fn text(html: &str) -> String {
    let mut text = String::new();
    for part in without(&without(html, "style"), "script").split('<') {
        let (_, after) = part.split_once('>').unwrap_or(("", part));
        text.push_str(after);
        text.push(' ');
    }
    unescape(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The elements with this name: the start tag after the name, and the content.
pub(crate) fn elements<'a>(html: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let parts = html.split(open.as_str()).skip(1).filter(|part| part.starts_with([' ', '>']));
    parts.map(|part| part.split(close.as_str()).next().unwrap().split_once('>').unwrap()).collect()
}

/// The value of an attribute in the inside of a start tag.
pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescape(rest.split('"').next().unwrap()))
}

fn values(form: &str) -> Vec<(String, String)> {
    let mut values = Vec::new();
    for field in form.split("<input").skip(1).map(tag) {
        let is_choice = ["checkbox", "radio"].contains(&attribute(field, "type").unwrap_or_default().as_str());
        if !is_choice || field.contains(" checked") {
            values.push((attribute(field, "name").unwrap(), attribute(field, "value").unwrap_or_default()));
        }
    }
    for (field, options) in elements(form, "select") {
        let options: Vec<&str> = options.split("<option").skip(1).map(tag).collect();
        let chosen = options.iter().find(|option| option.contains(" selected")).or(options.first());
        values.extend(chosen.map(|option| (attribute(field, "name").unwrap(), attribute(option, "value").unwrap())));
    }
    for (field, content) in elements(form, "textarea") {
        // A browser ignores one line break at the start.
        values.push((attribute(field, "name").unwrap(), unescape(content.strip_prefix('\n').unwrap_or(content))));
    }
    values
}

/// The start tag that `part` begins with, without the brackets.
fn tag(part: &str) -> &str {
    part.split('>').next().unwrap()
}

fn without(html: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let mut parts = html.split(&open);
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once(&close).unwrap().1)
}

fn unescape(text: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(text.to_owned(), |text, (escaped, character)| text.replace(escaped, character))
}
