//! HTML for the API reference page: kinds and limits of values, and the Markdown of doc comments.

use serde_json::Value;

use super::examples::type_of;

/// Returns the kind of value that a schema allows, such as `list of string`.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("<a href=\"#type-{name}\">{name}</a>");
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let or_null = if schema["type"].as_array().is_some_and(|types| types.iter().any(|one| one == "null")) {
        " or null"
    } else {
        ""
    };
    let name = match type_of(schema) {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(&schema["additionalProperties"]))
        }
        "" if schema["type"] == "null" => "null".to_owned(),
        "" => "any value".to_owned(),
        name => schema["format"]
            .as_str()
            .filter(|_| name == "string")
            .map_or(name.to_owned(), |format| format!("{name} ({format})")),
    };
    format!("{name}{or_null}")
}

fn one_of(values: &[Value]) -> String {
    let values: Vec<String> = values.iter().filter_map(Value::as_str).map(code).collect();
    format!("one of {}", values.join(", "))
}

/// Returns the limits of a value, such as `, at most 20 items`.
pub(super) fn limits(schema: &Value) -> String {
    let number = |name: &str| schema[name].as_f64().map(|number| number.to_string());
    let range = |least: &str, most: &str, unit: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) if least != "0" => Some(format!("{least}{unit} or more")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        _ => None,
    };
    let limits = [
        range("minLength", "maxLength", " characters"),
        range("minimum", "maximum", ""),
        range("minItems", "maxItems", " items"),
        range("minProperties", "maxProperties", " members"),
        schema["enum"].as_array().map(|values| one_of(values)),
        schema["pattern"].as_str().filter(|pattern| pattern.len() < 60).map(code),
        schema.get("default").map(|value| format!("default {}", code(&value.to_string()))),
    ];
    limits.into_iter().flatten().flat_map(|limit| [", ".to_owned(), limit]).collect()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// Converts the Markdown of doc comments to HTML: paragraphs, lists, code and bold.
pub(super) fn paragraphs(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    let marked_up = |text: &str| marked(&marked(&escape(text), "`", "code"), "**", "strong");
    let to_html = |paragraph: &str| match paragraph.strip_prefix("- ") {
        None => format!("<p>{}</p>", marked_up(paragraph)),
        Some(items) => {
            let items = items.split("\n- ").flat_map(|item| ["<li>".to_owned(), marked_up(item), "</li>".to_owned()]);
            format!("<ul>{}</ul>", items.collect::<String>())
        }
    };
    paragraphs.map(to_html).collect()
}

/// Puts the text between two `mark`s into the element `element`.
fn marked(text: &str, mark: &str, element: &str) -> String {
    let parts = text.split(mark).enumerate();
    parts
        .map(|(index, part)| if index % 2 == 1 { format!("<{element}>{part}</{element}>") } else { part.to_owned() })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
