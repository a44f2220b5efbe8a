//! Renders the API reference and the event types as Markdown, for programs and for people who read it as text.

use std::fmt::Write;

use domain::webhooks::sample;
use serde_json::Value;

use super::event_types::{self, EventTypeInfo};
use super::examples::{properties, resolve, type_of};

/// The API reference of `document`.
pub(super) fn reference(document: &Value) -> String {
    let mut page =
        format!("# {}\n\n{}\n", text(&document["info"]["title"]), text(&document["info"]["description"]).trim());
    for tag in array(&document["tags"]) {
        write!(page, "\n## {}\n\n{}\n", text(&tag["name"]), text(&tag["description"])).expect(INFALLIBLE);
        for (path, method, operation) in operations(document).filter(|(_, _, one)| one["tags"][0] == tag["name"]) {
            page += &self::operation(document, path, method, operation);
        }
    }
    page += "\n## Problems\n\n| type | status | meaning |\n| --- | --- | --- |\n";
    for problem in array(&document["x-problem-types"]) {
        let (name, status) = (text(&problem["type"]), &problem["status"]);
        writeln!(page, "| `{name}` | {status} | {} |", cell(&problem["description"])).expect(INFALLIBLE);
    }
    page += "\n## Types\n";
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        write!(page, "\n### {name}\n\n{}", described(schema)).expect(INFALLIBLE);
        page += &body(document, schema);
    }
    page
}

const INFALLIBLE: &str = "writing to a string does not fail";

fn operations(document: &Value) -> impl Iterator<Item = (&String, &'static str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = ["get", "post", "put", "patch", "delete"].into_iter();
        methods.filter_map(move |method| Some((path, method, item.get(method)?)))
    })
}

fn operation(document: &Value, path: &str, method: &str, operation: &Value) -> String {
    let access = match operation["security"][0]["x-api-key"][0].as_str() {
        None => "Needs no API key.".to_owned(),
        Some("operator") => "Requires an operator key.".to_owned(),
        Some(scope) => format!("Requires the scope `{scope}`."),
    };
    let mut section = format!(
        "\n### {}\n\n`{} {path}`. {access}\n\n{}\n",
        text(&operation["summary"]),
        method.to_uppercase(),
        text(&operation["description"]).trim(),
    );
    let parameters = array(&operation["parameters"]);
    if !parameters.is_empty() {
        section += "\n| parameter | in | type | description |\n| --- | --- | --- | --- |\n";
    }
    for parameter in parameters {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let required = if parameter["required"] == true { ", required" } else { "" };
        let description =
            parameter.get("description").unwrap_or(&resolve(document, &parameter["schema"])["description"]);
        let kind = kind(&parameter["schema"]);
        writeln!(section, "| `{name}` | {place} | {kind}{required} | {} |", cell(description)).expect(INFALLIBLE);
    }
    if let Some(schema) = operation["requestBody"]["content"]["application/json"].get("schema") {
        write!(section, "\nBody: {}.\n", kind(schema)).expect(INFALLIBLE);
    }
    section += "\n| response | body | description |\n| --- | --- | --- |\n";
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        if response["$ref"].is_null() {
            let schema = response["content"].as_object().and_then(|content| content.values().next());
            let kind = schema.map_or_else(|| "none".to_owned(), |content| kind(&content["schema"]));
            writeln!(section, "| {status} | {kind} | {} |", cell(&response["description"])).expect(INFALLIBLE);
        }
    }
    let problems: Vec<String> =
        array(&operation["x-problems"]).iter().map(|name| format!("`{}`", text(name))).collect();
    write!(section, "\nProblems: {}.\n", problems.join(", ")).expect(INFALLIBLE);
    section
}

/// The description of a type.
fn described(schema: &Value) -> String {
    let description = text(&schema["description"]);
    if description.is_empty() { String::new() } else { format!("{}\n", description.trim()) }
}

/// The members of an object as a table, or the type of other values.
fn body(document: &Value, schema: &Value) -> String {
    if schema["properties"].is_object() {
        return format!("\n{}", members(document, schema));
    }
    let parts: Vec<&Value> = array(&schema["allOf"]).iter().chain(array(&schema["oneOf"])).collect();
    if !parts.iter().any(|part| part["properties"].is_object()) {
        return format!("\nType: {}.\n", kind(schema));
    }
    parts.into_iter().flat_map(|part| [described(part), body(document, part)]).collect()
}

/// The members of an object, required ones first.
fn members(document: &Value, schema: &Value) -> String {
    let required = array(&schema["required"]);
    let mut members: Vec<(&String, &Value)> = properties(schema).collect();
    members.sort_by_key(|(name, _)| !required.iter().any(|one| one == *name));
    let mut table = "| member | type | description |\n| --- | --- | --- |\n".to_owned();
    for (name, member) in members {
        let is_required = required.iter().any(|one| one == name);
        let description = member.get("description").unwrap_or(&resolve(document, member)["description"]);
        let required = if is_required { ", required" } else { "" };
        writeln!(table, "| `{name}` | {}{required} | {} |", kind(member), cell(description)).expect(INFALLIBLE);
    }
    table
}

/// The type of a value, such as `array of string`.
fn kind(schema: &Value) -> String {
    let of_all = |name: &str| {
        let parts = array(&schema[name]).iter().filter(|part| part["type"] != "null").map(kind);
        parts.collect::<Vec<_>>().join(" or ")
    };
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(value) = schema.get("const") {
        return code(value);
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(code).collect::<Vec<_>>().join(" or ");
    }
    if schema["oneOf"].is_array() {
        return of_all("oneOf");
    }
    if schema["allOf"].is_array() {
        return of_all("allOf");
    }
    match type_of(schema) {
        "array" => format!("array of {}", kind(&schema["items"])),
        "" => "any value".to_owned(),
        name => schema["format"].as_str().map_or_else(|| name.to_owned(), |format| format!("{name} ({format})")),
    }
}

/// A value as code.
fn code(value: &Value) -> String {
    format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// A description in one line of a table.
fn cell(description: &Value) -> String {
    let words: Vec<&str> = description.as_str().unwrap_or_default().split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

const EVENT_TYPES: &str = "# Event types

Each event has one of these types. The data below is what the ARGOS product is known to send; the operator of your deployment may send other
members. The same as JSON, with a JSON Schema of each body: `GET /v1/event-types`. Test sends use the samples.

An event is *final* if the verification has ended with it: it has a result, or its submission is gone. A person can still change the result
later, which is another event.

";

/// The page that describes the event types.
pub(super) fn event_types() -> String {
    let types = event_types::list().items;
    let mut page =
        format!("{EVENT_TYPES}| type | in the format `argos` | final | meaning |\n| --- | --- | --- | --- |\n");
    for EventTypeInfo { event_type, meaning, is_final, .. } in &types {
        let triggers: Vec<String> = event_types::triggers(*event_type).iter().map(code).collect();
        let is_final = if *is_final { "yes" } else { "no" };
        writeln!(page, "| [`{event_type}`](#{event_type}) | {} | {is_final} | {meaning} |", triggers.join(", "))
            .expect(INFALLIBLE);
    }
    for EventTypeInfo { event_type, schema, .. } in &types {
        let sample = sample::request(*event_type);
        write!(page, "\n## {event_type}\n\nThe sample event, as it is published:\n\n```json\n{}\n```\n", sample.trim())
            .expect(INFALLIBLE);
        write!(page, "\n{}", data_members(schema)).expect(INFALLIBLE);
    }
    page
}

/// The members of an event's data. Members of inner objects follow, as `outer.inner`.
fn data_members(schema: &Value) -> String {
    let mut table = "| member of `data` | type | description |\n| --- | --- | --- |\n".to_owned();
    add_members(&mut table, schema, "");
    table
}

fn add_members(table: &mut String, schema: &Value, outer: &str) {
    let required = array(&schema["required"]);
    for (name, member) in properties(schema) {
        let is_required = if required.iter().any(|one| one == name) { ", required" } else { "" };
        let name = format!("{outer}{name}");
        writeln!(table, "| `{name}` | {}{is_required} | {} |", kind(member), cell(&member["description"]))
            .expect(INFALLIBLE);
        add_members(table, member, &format!("{name}."));
        add_members(table, &member["items"], &format!("{name}[]."));
    }
}
