//! The list of all projects, which only operator keys may read.

use e2e::{Customer, run, stack};
use serde_json::Value;

trials! {
    an_operator_finds_a_project_in_the_list,
}

fn an_operator_finds_a_project_in_the_list() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/projects/listed").await;
        let (mut names, mut path) = (Vec::new(), "/v1/projects?limit=20".to_owned());
        loop {
            let page = stack.api().get(&path).await.unwrap();
            let items = page["items"].as_array().unwrap().iter();
            names.extend(
                items.filter(|project| project["id"] == customer.project()).map(|project| project["name"].clone()),
            );
            let Some(cursor) = page["cursor"].as_str() else { break };
            path = format!("/v1/projects?limit=20&cursor={cursor}");
        }
        assert_eq!(names, [Value::from("/projects/listed")]);
    });
}
