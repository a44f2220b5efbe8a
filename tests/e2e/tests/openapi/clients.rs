//! Clients that other programs generate from the OpenAPI document. Each publishes an event and reads its delivery.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use e2e::{Customer, run, stack};
use stack::Stack;
use stack::node::Node;
use stack::tools;
use tempfile::TempDir;

use crate::rust_client;

/// The API and one of its projects, for a client.
struct Target {
    customer: Customer,
    stack: &'static Stack,
}

impl Target {
    async fn new(path: &str) -> Self {
        let stack = stack().await;
        Self { customer: Customer::new(stack, path).await, stack }
    }

    /// Runs a client and checks that it read the delivery.
    fn run(&self, client: &mut Command) {
        client.env("API_URL", &self.stack.api_url).env("API_KEY", self.customer.key());
        let read = succeed(client.env("PROJECT", self.customer.project()));
        assert_eq!(String::from_utf8(read.stdout).unwrap().trim(), "delivered");
        assert_eq!(self.customer.received().len(), 1);
    }
}

#[test]
fn the_client_of_openapi_python_client_works() {
    run(async {
        let (target, dir) = (Target::new("/clients/python").await, TempDir::new().unwrap());
        let python = python().await;
        let mut generate = Command::new(&python);
        generate.args(["-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none", "--path"]);
        generate.arg(document("openapi.json")).arg("--output-path").arg(dir.path().join("signpost_client"));
        // The generator formats its output with a program of its environment.
        succeed(generate.env("PATH", python.parent().unwrap()));
        target.run(Command::new(&python).arg(home("python/client.py")).env("PYTHONPATH", dir.path()));
    });
}

#[test]
fn the_clients_of_openapi_typescript_and_openapi_generator_work() {
    run(async {
        let node = Node::find().await.unwrap_or_else(|error| panic!("{error}"));
        let packages = node.packages("clients", &home("typescript")).await.unwrap_or_else(|error| panic!("{error}"));
        let dir = TempDir::new().unwrap();
        let modules = packages.join("node_modules");
        std::os::unix::fs::symlink(&modules, dir.path().join("node_modules")).unwrap();
        for file in ["openapi-fetch.ts", "package.json", "tsconfig.json", "typescript-fetch.ts"] {
            fs::copy(home("typescript").join(file), dir.path().join(file)).unwrap();
        }
        let module = |path: &str| {
            let mut command = node.command();
            command.arg(modules.join(path)).current_dir(dir.path());
            command
        };
        succeed(module("openapi-typescript/bin/cli.js").arg(document("openapi.json")).args(["-o", "schema.d.ts"]));
        let mut generate = Command::new(python().await.with_file_name("openapi-generator-cli"));
        generate.args([
            "generate",
            "-g",
            "typescript-fetch",
            "--additional-properties",
            "importFileExtension=.js",
            "-i",
        ]);
        let generated = succeed(generate.arg(document("openapi-3.0.json")).arg("-o").arg(dir.path().join("generated")));
        let output = [generated.stdout, generated.stderr].concat();
        let output = String::from_utf8_lossy(&output);
        assert!(!output.contains(" WARN "), "{output}");
        succeed(module("typescript/bin/tsc").arg("--pretty"));

        for client in ["openapi-fetch", "typescript-fetch"] {
            let target = Target::new(&format!("/clients/{client}")).await;
            target.run(node.command().arg(dir.path().join(format!("out/{client}.js"))));
        }
    });
}

#[test]
fn the_client_of_progenitor_works() {
    run(async {
        let Target { customer, stack } = Target::new("/clients/rust").await;
        let read = rust_client::publish_and_read(&stack.api_url, customer.key(), customer.project()).await;
        assert_eq!((read.to_string(), customer.received().len()), ("delivered".to_owned(), 1));
    });
}

/// The Python of the programs that generate clients.
async fn python() -> PathBuf {
    let python = tools::python_with("clients-python", &home("python/requirements.txt")).await;
    python.unwrap_or_else(|error| panic!("{error}"))
}

/// A file in the folder of the clients.
fn home(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(path)
}

/// A committed document.
fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/api").join(name)
}

/// Runs a program that must succeed.
fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = || String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
    assert!(output.status.success(), "{command:?}\n{}", text());
    output
}
