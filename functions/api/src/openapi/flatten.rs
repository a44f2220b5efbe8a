//! Rewrites schemas with several forms as one object. It has the fields of all forms, and requires those that all forms require.
//!
//! Programs that generate clients do not support `allOf` over a schema with several forms.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Rewrites each schema whose `allOf` has a part with several forms.
pub(super) fn flatten_combined(schemas: &mut Map<String, Value>) {
    let has_forms = |schemas: &Map<String, Value>, part: &Value| target(schemas, part)["oneOf"].is_array();
    rewrite(schemas, |schemas, schema| parts(schema, "allOf").any(|part| has_forms(schemas, part)));
}

/// Rewrites each schema with a form that has no name.
pub(super) fn flatten_forms(schemas: &mut Map<String, Value>) {
    rewrite(schemas, |_, schema| parts(schema, "oneOf").any(|form| form["$ref"].is_null()));
}

fn rewrite(schemas: &mut Map<String, Value>, is_rewritten: impl Fn(&Map<String, Value>, &Value) -> bool) {
    let names: Vec<String> =
        schemas.iter().filter(|(_, schema)| is_rewritten(schemas, schema)).map(|(name, _)| name.clone()).collect();
    for name in names {
        let object = Object::of(schemas, &schemas[&name]);
        let mut flat = json!({"type": "object", "properties": object.properties});
        if !object.required.is_empty() {
            flat["required"] = json!(object.required);
        }
        if let Some(description) = schemas[&name].get("description") {
            flat["description"] = description.clone();
        }
        schemas[&name] = flat;
    }
}

/// The fields of an object.
#[derive(Default)]
struct Object {
    properties: Map<String, Value>,
    required: BTreeSet<String>,
}

impl Object {
    fn of(schemas: &Map<String, Value>, schema: &Value) -> Self {
        let schema = target(schemas, schema);
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let required = parts(schema, "required").filter_map(Value::as_str).map(str::to_owned).collect();
        let own = Self { properties, required };
        let combined =
            parts(schema, "allOf").map(|part| Self::of(schemas, part)).fold(own, |all, part| all.and(schemas, part));
        match parts(schema, "oneOf").map(|form| Self::of(schemas, form)).reduce(|all, form| all.or(schemas, form)) {
            Some(forms) => combined.and(schemas, forms),
            None => combined,
        }
    }

    /// The fields of both.
    fn and(self, schemas: &Map<String, Value>, other: Self) -> Self {
        let required = self.required.union(&other.required).cloned().collect();
        Self { required, ..self.or(schemas, other) }
    }

    /// The fields of one or of the other.
    fn or(mut self, schemas: &Map<String, Value>, other: Self) -> Self {
        for (name, property) in other.properties {
            match self.properties.get_mut(&name) {
                Some(known) => *known = united(schemas, known, &property),
                None => drop(self.properties.insert(name, property)),
            }
        }
        self.required.retain(|name| other.required.contains(name));
        self
    }
}

/// A property with the values of two.
fn united(schemas: &Map<String, Value>, one: &Value, other: &Value) -> Value {
    if one == other {
        return one.clone();
    }
    let without_description = |property: &Value| {
        let members = property.as_object().cloned().unwrap_or_default();
        Value::Object(members.into_iter().filter(|(name, _)| name != "description").collect())
    };
    let (one, other) = (without_description(one), without_description(other));
    if let (Some(values), Some(more)) = (one["enum"].as_array(), other["enum"].as_array()) {
        let more = more.iter().filter(|value| !values.contains(value));
        let values: Vec<&Value> = values.iter().chain(more).collect();
        return json!({"type": one["type"], "enum": values});
    }
    let (kind, other_kind) = (&target(schemas, &one)["type"], &target(schemas, &other)["type"]);
    match (one == other, kind == other_kind) {
        (true, _) => one,
        (false, true) => json!({ "type": kind }),
        (false, false) => json!({}),
    }
}

/// The schema that a reference names, or `schema` itself.
fn target<'a>(schemas: &'a Map<String, Value>, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.map_or(schema, |name| &schemas[name])
}

fn parts<'a>(schema: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    schema[name].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> Map<String, Value> {
        let schemas = json!({
            "Pet": {"allOf": [{"$ref": "#/components/schemas/Animal"},
                {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}]},
            "Animal": {"description": "An animal.", "oneOf": [
                {"type": "object", "properties": {"kind": {"type": "string", "enum": ["cat"]}, "age": {"type": "integer"}},
                 "required": ["kind", "age"]},
                {"type": "object", "properties": {"kind": {"type": "string", "enum": ["dog"]}}, "required": ["kind"]},
            ]},
            "Either": {"oneOf": [{"$ref": "#/components/schemas/Pet"}, {"$ref": "#/components/schemas/Animal"}]},
        });
        schemas.as_object().unwrap().clone()
    }

    #[test]
    fn a_combination_of_forms_becomes_one_object() {
        let mut flat = schemas();
        flatten_combined(&mut flat);
        assert_eq!(
            flat["Pet"],
            json!({
                "type": "object", "required": ["kind", "name"],
                "properties": {"kind": {"type": "string", "enum": ["cat", "dog"]}, "age": {"type": "integer"}, "name": {"type": "string"}},
            })
        );
        assert_eq!((&flat["Animal"], &flat["Either"]), (&schemas()["Animal"], &schemas()["Either"]));
    }

    #[test]
    fn a_field_with_several_types_accepts_the_values_of_each() {
        let schemas = json!({"Id": {"type": "string", "pattern": "a"}}).as_object().unwrap().clone();
        let (id, name) = (json!({"$ref": "#/components/schemas/Id", "description": "b"}), json!({"type": "string"}));
        for (other, expected) in [
            (json!({"$ref": "#/components/schemas/Id"}), json!({"$ref": "#/components/schemas/Id"})),
            (name.clone(), name),
            (json!({"type": "integer"}), json!({})),
        ] {
            assert_eq!(united(&schemas, &id, &other), expected);
        }
    }

    #[test]
    fn forms_without_a_name_become_one_object() {
        let mut flat = schemas();
        flatten_forms(&mut flat);
        let (animal, required) = (&flat["Animal"], json!(["kind"]));
        assert_eq!((&animal["properties"]["kind"]["enum"], &animal["required"]), (&json!(["cat", "dog"]), &required));
        assert_eq!(flat["Either"], schemas()["Either"]);
    }
}
