//! What the API says of itself, and that it is so.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;

use crate::matrix::{ROUTES, Who, path};
use crate::scene::Scene;

/// Pages for people, which the document does not describe.
const PAGES: [&str; 5] = ["/confirm/{token}", "/docs", "/openapi.json", "/problems/{name}", "/unsubscribe/{token}"];

async fn document(scene: &Scene) -> Value {
    scene.call("GET", "/openapi.json", "", "").await.body
}

/// Each operation of the document: its method, its path, and what it says of it.
fn operations(document: &Value) -> Vec<(String, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
        })
        .collect()
}

#[tokio::test]
async fn the_document_tells_of_every_route_who_may_call_it() {
    let scene = Scene::new().await;
    let document = document(&scene).await;
    let documented: BTreeSet<(String, &str, &str)> = operations(&document)
        .into_iter()
        .map(|(method, path, operation)| {
            (method, path, operation["security"][0]["x-api-key"][0].as_str().unwrap_or(""))
        })
        .collect();
    let scope = |who: &Who| match who {
        Who::Anybody => "",
        Who::Operator => "operator",
        Who::Has(scope) => scope.as_str(),
    };
    let known = ROUTES.iter().map(|(method, path, who)| ((*method).to_owned(), *path, scope(who)));
    assert_eq!(documented, known.collect());
}

#[tokio::test]
async fn every_route_is_documented_with_all_of_its_methods() {
    let scene = Scene::new().await;
    let document = document(&scene).await;
    let paths: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let routed = include_str!("../../src/lib.rs").split("route(").skip(1).filter_map(|call| call.split('"').nth(1));
    assert_eq!(routed.collect::<BTreeSet<_>>(), paths.union(&PAGES.into()).copied().collect());

    let project = scene.project().await;
    for route in paths {
        let refused = scene.call("TRACE", &path(route, &project), "", "").await;
        let allowed = refused.headers["allow"].to_str().unwrap().split(',').filter(|method| *method != "HEAD");
        let documented = document["paths"][route].as_object().unwrap().keys().map(|method| method.to_uppercase());
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{route}");
        assert_eq!(allowed.map(str::to_owned).collect::<BTreeSet<_>>(), documented.collect(), "{route}");
    }
}

#[tokio::test]
async fn just_those_operations_take_an_idempotency_key_that_say_so() {
    let scene = Scene::new().await;
    let (document, project) = (document(&scene).await, scene.project().await);
    for (method, route, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let is_documented = parameters.into_iter().any(|parameter| parameter["name"] == "Idempotency-Key");
        let bad_key = [("idempotency-key", "two words")];
        let answer = scene.operator_with(&method, &path(route, &project), &bad_key, &Value::Null).await;
        assert_eq!(answer.body["type"] == "/problems/bad-header", is_documented, "{method} {route}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let scene = Scene::new().await;
    for path in ["/openapi.json", "/docs"] {
        let first = scene.call("GET", path, "", "").await;
        let tag = first.headers["etag"].to_str().unwrap();
        assert_eq!(
            (first.status, &first.headers["cache-control"]),
            (StatusCode::OK, &"public, max-age=300".parse().unwrap())
        );
        for known in [tag.to_owned(), format!("\"other\", W/{tag}")] {
            let again = scene.call_with("GET", path, "", &[("if-none-match", &known)], &Value::Null).await;
            assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path} {known}");
        }
        let other = scene.call_with("GET", path, "", &[("if-none-match", "\"other\"")], &Value::Null).await;
        assert_eq!(other.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_page_runs_and_loads_nothing() {
    let page = Scene::new().await.call("GET", "/docs", "", "").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    for other in ["<script", " src=", "stylesheet", "@import", "url(", " style=", " onclick="] {
        assert!(!page.text.contains(other), "{other}");
    }
}

#[tokio::test]
async fn the_style_sheet_of_the_page_is_the_one_that_its_policy_allows() {
    use base64::Engine;
    use sha2::Digest;

    let page = Scene::new().await.call("GET", "/docs", "", "").await;
    let (_, style) = page.text.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let hash = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(style));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_what_is_said_of_it() {
    let scene = Scene::new().await;
    let page = scene.call("GET", "/docs", "", "").await.text;
    let problems = document(&scene).await["x-problem-types"].clone();
    for problem in problems.as_array().unwrap() {
        let kind = problem["type"].as_str().unwrap();
        let answer = scene.call("GET", kind, "", "").await;
        let location = answer.headers["location"].to_str().unwrap();
        let anchor = location.strip_prefix("/docs#").unwrap();
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{kind}");
    }
    assert_eq!(scene.call("GET", "/problems/none", "", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_link_within_the_page_leads_somewhere() {
    let page = Scene::new().await.call("GET", "/docs", "", "").await.text;
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), distinct.len(), "an id comes twice");
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(distinct.contains(link), "{link}");
    }
}
