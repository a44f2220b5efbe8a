//! Renders the page `/docs`: the API reference as one file without scripts, which loads nothing.

use askama::Template;
use serde_json::Value;

use super::completion::problem_types;
use super::examples::{example, properties, resolve};
use super::html::{code, kind, limits, paragraphs, text};

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    title: String,
    version: String,
    introduction: String,
    groups: Vec<Group>,
    problems: Vec<Problem>,
    types: Vec<Type>,
}

struct Group {
    name: String,
    anchor: String,
    description: String,
    operations: Vec<Operation>,
}

struct Operation {
    anchor: String,
    summary: String,
    method: String,
    path: String,
    description: String,
    access: String,
    parameters: Vec<Field>,
    body: Option<Body>,
    call: String,
    responses: Vec<Response>,
    problems: Vec<Problem>,
}

struct Field {
    name: String,
    kind: String,
    is_required: bool,
    description: String,
}

struct Body {
    description: String,
    shapes: Vec<Vec<Field>>,
}

struct Response {
    status: String,
    kind: String,
    description: String,
    example: Option<String>,
}

#[derive(Clone)]
struct Problem {
    anchor: String,
    name: String,
    status: u64,
    meaning: String,
}

struct Type {
    anchor: String,
    name: String,
    kind: String,
    description: String,
    shapes: Vec<Vec<Field>>,
    /// Label of a field that is always present.
    always: &'static str,
}

/// Renders the page of `document`.
pub(super) fn render(document: &Value) -> String {
    let problems: Vec<Problem> = problem_types().as_array().into_iter().flatten().map(problem).collect();
    let groups = document["tags"].as_array().into_iter().flatten().map(|tag| group(document, tag, &problems));
    let types = document["components"]["schemas"].as_object().into_iter().flatten();
    let page = Page {
        title: text(&document["info"]["title"]),
        version: text(&document["info"]["version"]),
        introduction: paragraphs(&document["info"]["description"]),
        groups: groups.collect(),
        types: types.map(|(name, schema)| known_type(document, name, schema)).collect(),
        problems,
    };
    let html = page.render().expect("rendering into a string does not fail");
    let lines = html.lines().filter(|line| !line.trim().is_empty()).flat_map(|line| [line, "\n"]);
    restore_style(&lines.collect::<String>())
}

/// Restores the style sheet's blank lines, because the content security policy contains the hash of its file.
fn restore_style(html: &str) -> String {
    let style = include_str!("../../templates/docs.css");
    let (head, rest) = html.split_once("<style>").expect("the page has a style sheet");
    let (_, tail) = rest.split_once("</style>").expect("the style sheet ends");
    format!("{head}<style>{style}</style>{tail}")
}

fn group(document: &Value, tag: &Value, problems: &[Problem]) -> Group {
    let name = text(&tag["name"]);
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        let in_order = ["get", "post", "put", "patch", "delete"].into_iter();
        in_order.filter_map(move |method| Some((path, method, item.get(method)?)))
    });
    let own = all.filter(|(_, _, operation)| operation["tags"][0] == tag["name"]);
    Group {
        anchor: format!("resource-{}", name.to_lowercase().replace(' ', "-")),
        description: paragraphs(&tag["description"]),
        operations: own.map(|(path, method, spec)| operation(document, path, method, spec, problems)).collect(),
        name,
    }
}

fn operation(document: &Value, path: &str, method: &str, spec: &Value, problems: &[Problem]) -> Operation {
    let parameters: Vec<&Value> = spec["parameters"].as_array().into_iter().flatten().collect();
    let names: Vec<&str> = spec["x-problems"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let body = body_schema(spec);
    Operation {
        anchor: format!("operation-{}", text(&spec["operationId"])),
        summary: text(&spec["summary"]),
        method: method.to_owned(),
        path: path.to_owned(),
        description: paragraphs(&spec["description"]),
        access: access(&spec["security"]),
        call: call(document, path, method, spec),
        parameters: parameters.into_iter().map(|spec| parameter(document, spec)).collect(),
        body: body.map(|schema| body_of(document, schema, spec["requestBody"]["required"] == true)),
        responses: responses(document, &spec["responses"]),
        problems: problems.iter().filter(|problem| names.contains(&&*problem.name)).cloned().collect(),
    }
}

fn access(security: &Value) -> String {
    match security[0]["x-api-key"][0].as_str() {
        None => "This call needs no API key.".to_owned(),
        Some("operator") => "Requires an operator key.".to_owned(),
        Some(scope) => format!("Requires an API key with the scope {}.", code(scope)),
    }
}

fn parameter(document: &Value, parameter: &Value) -> Field {
    let (place, schema) = (text(&parameter["in"]), &parameter["schema"]);
    Field {
        name: text(&parameter["name"]),
        kind: format!("{}, in the {place}{}", kind(schema), limits(value_schema(document, schema))),
        is_required: parameter["required"] == true,
        description: paragraphs(parameter.get("description").unwrap_or(&value_schema(document, schema)["description"])),
    }
}

fn body_of(document: &Value, schema: &Value, is_required: bool) -> Body {
    let schema = resolve(document, schema);
    let mut description = paragraphs(&schema["description"]);
    if !is_required {
        description += "<p>The body is optional.</p>";
    }
    Body { description, shapes: shapes(document, schema) }
}

/// Returns the `curl` command of an operation, for a shell with `API` and `KEY` set.
fn call(document: &Value, path: &str, method: &str, spec: &Value) -> String {
    let mut path = path.to_owned();
    let parameters = spec["parameters"].as_array().into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter["in"] == "path") {
        let value = example(document, &parameter["schema"]);
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        path = path.replace(&format!("{{{}}}", text(&parameter["name"])), &value);
    }
    let mut lines = vec![format!("curl -X {} \"$API{path}\"", method.to_uppercase())];
    if spec["security"].is_array() {
        lines.push("-H \"x-api-key: $KEY\"".to_owned());
    }
    if let Some(schema) = body_schema(spec) {
        lines.push("-H 'content-type: application/json'".to_owned());
        lines.push(format!("-d '{:#}'", example(document, schema)));
    }
    lines.join(" \\\n  ")
}

/// The schema of an operation's body, if it has one.
fn body_schema(spec: &Value) -> Option<&Value> {
    spec["requestBody"]["content"]["application/json"].get("schema")
}

/// The responses that are not problems.
fn responses(document: &Value, all: &Value) -> Vec<Response> {
    let successful = all.as_object().into_iter().flatten().filter(|(_, response)| response["$ref"].is_null());
    let response = |(status, response): (&String, &Value)| {
        let content = response["content"].as_object().into_iter().flatten().next();
        let schema = content.map(|(_, content)| &content["schema"]);
        Response {
            status: status.clone(),
            kind: schema.map_or_else(|| "<span class=\"kind\">no body</span>".to_owned(), kind),
            description: paragraphs(&response["description"]),
            example: schema.map(|schema| format!("{:#}", example(document, schema))),
        }
    };
    successful.map(response).collect()
}

fn problem(problem: &Value) -> Problem {
    let name = text(&problem["type"]).replace("/problems/", "");
    Problem {
        anchor: format!("problem-{name}"),
        name,
        status: problem["status"].as_u64().unwrap_or_default(),
        meaning: paragraphs(&problem["description"]),
    }
}

fn known_type(document: &Value, name: &str, schema: &Value) -> Type {
    let is_request = schema["additionalProperties"] == false;
    let shapes = shapes(document, schema);
    Type {
        anchor: format!("type-{name}"),
        name: name.to_owned(),
        kind: if shapes.is_empty() { format!("{}{}", kind(schema), limits(schema)) } else { String::new() },
        description: paragraphs(&schema["description"]),
        shapes,
        always: if is_request { "required" } else { "always" },
    }
}

/// Returns the shapes that an object can have, each as a list of fields. The list is empty if the schema is not an object.
fn shapes(document: &Value, schema: &Value) -> Vec<Vec<Field>> {
    let schema = resolve(document, schema);
    if schema["properties"].is_object() {
        return vec![fields(document, schema)];
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().fold(vec![Vec::new()], |all, part| {
            let of_part = shapes(document, part);
            let with = |fields: &Vec<Field>| {
                of_part.iter().map(|more| fields.iter().chain(more).map(Field::copy).collect()).collect()
            };
            all.iter().flat_map(|fields| -> Vec<Vec<Field>> { with(fields) }).collect()
        });
    }
    schema["oneOf"].as_array().into_iter().flatten().flat_map(|choice| shapes(document, choice)).collect()
}

impl Field {
    fn copy(&self) -> Self {
        let Self { name, kind, is_required, description } = self;
        Self { name: name.clone(), kind: kind.clone(), is_required: *is_required, description: description.clone() }
    }
}

/// Returns the schema of a field's value: follows a reference and ignores `null`.
fn value_schema<'a>(document: &'a Value, property: &'a Value) -> &'a Value {
    let choices = property["oneOf"].as_array().into_iter().flatten();
    let mut values = choices.filter(|choice| choice["type"] != "null");
    match (values.next(), values.next()) {
        (Some(only), None) => resolve(document, only),
        _ => resolve(document, property),
    }
}

/// The fields of an object, required ones first.
fn fields(document: &Value, schema: &Value) -> Vec<Field> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut fields: Vec<Field> = properties(schema)
        .map(|(name, property)| Field {
            name: name.clone(),
            kind: format!("{}{}", kind(property), limits(value_schema(document, property))),
            is_required: required.iter().any(|one| one == name),
            description: paragraphs(
                property.get("description").unwrap_or(&value_schema(document, property)["description"]),
            ),
        })
        .collect();
    fields.sort_by_key(|field| !field.is_required);
    fields
}
