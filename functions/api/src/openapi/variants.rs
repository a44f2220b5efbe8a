//! What the values of an enumeration mean: the doc comments of its variants, which utoipa does not keep, read from the source.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Adds the meanings of its values to each enumeration among `schemas` whose variants all have one.
pub(super) fn describe(schemas: &mut Value) {
    let sources = sources();
    let enumerations = schemas.as_object_mut().expect("schemas have names").iter_mut();
    for (name, schema) in enumerations {
        let values: Vec<String> = schema["enum"].as_array().into_iter().flatten().map(Value::to_string).collect();
        let found = sources.iter().find_map(|source| meanings(source, name, values.len()));
        let Some(meanings) = found.filter(|_| !values.is_empty()) else { continue };
        let lines =
            values.iter().zip(meanings).map(|(value, meaning)| format!("\n- `{}`: {meaning}", value.trim_matches('"')));
        let description = schema["description"].as_str().unwrap_or_default();
        schema["description"] = format!("{description}\n{}", lines.collect::<String>()).into();
    }
}

/// The doc comments of the enumeration `name`, if it stands in `source` and has `count` variants without contents.
fn meanings(source: &str, name: &str, count: usize) -> Option<Vec<String>> {
    let (_, body) = source.split_once(&format!("enum {name} {{\n"))?;
    let (body, _) = body.split_once("\n}")?;
    let (mut meanings, mut meaning) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            meaning.push(text);
        } else if line.ends_with(',') && line.starts_with(char::is_uppercase) {
            meanings.push(meaning.join(" "));
            meaning.clear();
        }
    }
    (meanings.len() == count && meanings.iter().all(|meaning| !meaning.is_empty())).then_some(meanings)
}

/// The source files of the API and of the rules.
fn sources() -> Vec<String> {
    let api = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![api.join("../../shared/src"), api.join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .expect("the source is there")
            .map(|entry| entry.expect("it can be listed").path())
            .collect();
        paths.sort();
        let is_source = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
        sources.extend(
            paths.iter().filter(|path| is_source(path)).map(|path| fs::read_to_string(path).expect("it is text")),
        );
        folders.extend(paths.into_iter().filter(|path| path.is_dir()));
    }
    sources
}
