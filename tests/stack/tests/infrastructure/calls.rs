//! What a function's code calls of AWS, read from the sources.
//!
//! Calls are followed by name: from the function's sources to the methods in `shared/src/aws`, and from there to the operations of the
//! SDK. What a call is made on is told by the name of the variable, so each service has names of its own: see [`SERVICES`].

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::root;
use crate::statements::Rights;

/// Types that call AWS, the names their values go by, and the template's resource behind them.
const SERVICES: [(&str, &[&str], &str); 9] = [
    ("Settings", &["settings"], "SettingsTable"),
    ("Activity", &["activity"], "ActivityTable"),
    ("UsedLinks", &["used_links"], "ActivityTable"),
    ("Queue", &["queue", "send_queue"], "SendQueue"),
    ("Queue", &["report_queue"], "ReportQueue"),
    // daily-digest's two, behind a port.
    ("Queue", &["send"], "SendQueue"),
    ("Queue", &["report"], "ReportQueue"),
    ("Mailer", &["mailer"], "*"),
    ("KeyRingSecret", &["key_ring"], "KeyRing"),
];

/// What of the SDK needs which action. A part of a transaction needs the action of its kind, and a transaction
/// none; so with statements of `PartiQL`.
const OPERATIONS: [(&str, &str); 12] = [
    (".batch_get_item(", "dynamodb:BatchGetItem"),
    (".delete_item(", "dynamodb:DeleteItem"),
    (".get_item(", "dynamodb:GetItem"),
    (".put_item(", "dynamodb:PutItem"),
    (".update_item(", "dynamodb:UpdateItem"),
    ("Put::builder(", "dynamodb:PutItem"),
    ("Update::builder(", "dynamodb:UpdateItem"),
    ("Delete::builder(", "dynamodb:DeleteItem"),
    ("INSERT INTO", "dynamodb:PartiQLInsert"),
    (".send_message_batch(", "sqs:SendMessage"),
    (".send_email(", "ses:SendEmail"),
    (".get_secret_value(", "secretsmanager:GetSecretValue"),
];

/// A function or method below `shared/src/aws`.
struct Method {
    /// The file it is in.
    file: String,
    /// The type it belongs to; empty, if to none.
    owner: String,
    name: String,
    /// Its text, squeezed.
    body: String,
}

/// A call as it is written.
struct Call<'a> {
    /// The name before the dot or colons; empty, if there is none.
    on: &'a str,
    name: &'a str,
    is_path: bool,
}

/// What the function in `functions/{name}` calls.
pub(crate) fn calls_of(name: &str) -> Rights {
    let methods = methods();
    let sources = sources(&root().join("functions").join(name).join("src"));
    let mut walk = Walk { methods: &methods, seen: BTreeSet::new(), rights: Rights::new() };
    for (_, source) in sources {
        for call in calls(&squeezed(&source)) {
            for (owner, resource) in services(call.on) {
                walk.enter(|method| method.owner == owner && method.name == call.name, resource);
            }
            // A free function that is given what it works on: it names it itself.
            if call.on.is_empty() {
                walk.enter(|method| method.owner.is_empty() && method.name == call.name && is_public(method), "");
            }
        }
    }
    walk.rights
}

fn is_public(method: &Method) -> bool {
    method.body.starts_with("pub async fn ") || method.body.starts_with("pub fn ")
}

fn services(variable: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let known = SERVICES.into_iter().filter(move |(_, names, _)| names.contains(&variable));
    known.map(|(owner, _, resource)| (owner, resource))
}

/// A way through the methods; each is entered once for each resource.
struct Walk<'a> {
    methods: &'a [Method],
    seen: BTreeSet<(usize, &'static str)>,
    rights: Rights,
}

impl Walk<'_> {
    fn enter(&mut self, is_meant: impl Fn(&Method) -> bool, resource: &'static str) {
        let methods = self.methods;
        for (index, method) in methods.iter().enumerate().filter(|(_, method)| is_meant(method)) {
            if self.seen.insert((index, resource)) {
                self.note_operations(method, resource);
                for call in calls(&method.body) {
                    self.follow(method, &call, resource);
                }
            }
        }
    }

    fn follow(&mut self, from: &Method, call: &Call<'_>, resource: &'static str) {
        let name = call.name;
        match call.on {
            "self" | "Self" => self.enter(|method| method.owner == from.owner && method.name == name, resource),
            "table" if !call.is_path => self.enter(|method| method.owner == "Table" && method.name == name, resource),
            "" => self
                .enter(|method| method.owner.is_empty() && method.name == name && method.file == from.file, resource),
            on if call.is_path => self.enter(|method| method.owner == on && method.name == name, resource),
            on => {
                for (owner, other) in services(on) {
                    self.enter(|method| method.owner == owner && method.name == name, other);
                }
                // On something that is no service: a part of a transaction, such as a row to write.
                let is_helper = |method: &Method| {
                    let is_service = SERVICES.iter().any(|(owner, ..)| *owner == method.owner);
                    method.file == from.file && !is_service && method.name == name && !method.owner.is_empty()
                };
                self.enter(is_helper, resource);
            }
        }
    }

    fn note_operations(&mut self, method: &Method, resource: &str) {
        for (operation, action) in OPERATIONS {
            if method.body.contains(operation) {
                self.rights.insert(format!("{resource} {action}"));
            }
        }
        for query in method.body.split(".query()").skip(1) {
            let index = query.split_once(".index_name(\"").and_then(|(_, rest)| rest.split('"').next());
            let index = index.map_or_else(String::new, |index| format!("/index/{index}"));
            self.rights.insert(format!("{resource}{index} dynamodb:Query"));
        }
    }
}

/// All functions and methods below `shared/src/aws`, but those for tests.
fn methods() -> Vec<Method> {
    let mut methods = Vec::new();
    for (file, source) in sources(&root().join("shared/src/aws")) {
        let (mut owner, mut is_open) = (String::new(), false);
        for line in source.lines() {
            if line.starts_with("impl") {
                owner = owner_of(line);
                is_open = false;
            } else if line.starts_with('}') {
                owner.clear();
                is_open = false;
            }
            let depth = line.len() - line.trim_start().len();
            if let Some(name) = function_name(line).filter(|_| depth == if owner.is_empty() { 0 } else { 4 }) {
                methods.push(Method { file: file.clone(), owner: owner.clone(), name, body: String::new() });
                is_open = true;
            }
            if let Some(method) = methods.last_mut().filter(|_| is_open) {
                method.body.extend([line, "\n"]);
            }
        }
    }
    for method in &mut methods {
        method.body = squeezed(&method.body);
    }
    methods
}

/// `Activity` of `impl Activity {`, and of `impl Something<T> for Activity {`.
fn owner_of(line: &str) -> String {
    let line = line.split_once(" for ").map_or_else(|| line.trim_start_matches("impl "), |(_, rest)| rest);
    line.split(|character: char| !character.is_alphanumeric()).find(|word| !word.is_empty()).unwrap().to_owned()
}

fn function_name(line: &str) -> Option<String> {
    let (before, after) = line.split_once("fn ")?;
    let is_declaration =
        before.split_whitespace().all(|word| word.starts_with("pub") || ["async", "const"].contains(&word));
    let name = after.split(['(', '<']).next()?;
    is_declaration.then(|| name.to_owned())
}

/// The Rust files below a folder and their text, without their tests.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.extension() == Some(OsStr::new("rs")) && !["tests.rs", "testing.rs"].contains(&name.as_str()) {
            let text = fs::read_to_string(&entry).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            found.push((name, text));
        }
    }
    found
}

/// Without comments, and without white space but between words, so that calls that are spread over lines are like others.
fn squeezed(source: &str) -> String {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut text = String::new();
    for word in lines.flat_map(str::split_whitespace) {
        if text.ends_with(is_word_part) && word.starts_with(is_word_part) {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

fn calls(text: &str) -> Vec<Call<'_>> {
    text.match_indices('(').filter_map(|(end, _)| call(&text[..end])).collect()
}

/// The call whose opening bracket follows `text`.
fn call(text: &str) -> Option<Call<'_>> {
    let text = if text.ends_with('>') { text.rsplit_once("::<")?.0 } else { text };
    let (rest, name) = last_word(text);
    if name.is_empty() {
        return None;
    }
    let (on, is_path) = match (rest.strip_suffix('.'), rest.strip_suffix("::")) {
        // On what another call gave, which has no name.
        (Some(rest), _) => (Some(last_word(rest).1).filter(|on| !on.is_empty()).unwrap_or("?"), false),
        (None, Some(rest)) => (last_word(rest).1, true),
        (None, None) => ("", false),
    };
    Some(Call { on, name, is_path })
}

/// What stands before the last word, and the word.
fn last_word(text: &str) -> (&str, &str) {
    text.split_at(text.trim_end_matches(is_word_part).len())
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
