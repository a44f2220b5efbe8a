//! The console without a browser.

use e2e::visitor::Visitor;
use e2e::{Customer, run, stack};
use serde_json::json;

trials! {
    an_endpoint_is_deleted_in_the_console,
}

fn an_endpoint_is_deleted_in_the_console() {
    run(async {
        let customer = Customer::new(stack().await, "/console/delete").await;
        let visitor = Visitor::of(&customer).await;
        let path = format!("/endpoints/{}", customer.endpoint());
        assert!(visitor.read(&path).await.contains("/console/delete"));
        assert_eq!(visitor.submit(&format!("{path}/delete")).await, "/endpoints?done=deleted");
        assert_eq!(customer.get("/endpoints").await["items"], json!([]));
    });
}
