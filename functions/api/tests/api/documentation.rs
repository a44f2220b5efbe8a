//! The OpenAPI document and the documentation page, and whether they match what the API does.

use std::collections::BTreeSet;

use domain::webhooks::event::EventType;
use serde_json::{Value, json};

use crate::fixture::{Options, TestApi};
use crate::matrix::{Access, ROUTES, path};

/// Routes for people. The OpenAPI document omits them.
const PAGES: [&str; 10] = [
    "/.well-known/api-catalog",
    "/.well-known/security.txt",
    "/confirm/{token}",
    "/docs",
    "/docs.md",
    "/event-types.md",
    "/llms.txt",
    "/openapi.json",
    "/problems/{name}",
    "/unsubscribe/{token}",
];

async fn document(api: &TestApi) -> Value {
    api.get("/openapi.json").await.expect(200)
}

/// The operations of the document: method, path and description.
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
async fn the_document_lists_every_route_with_its_required_scope() {
    let document = document(&TestApi::start().await).await;
    let documented: BTreeSet<(String, &str, &str)> = operations(&document)
        .into_iter()
        .map(|(method, path, operation)| {
            (method, path, operation["security"][0]["x-api-key"][0].as_str().unwrap_or(""))
        })
        .collect();
    let scope = |access: &Access| match access {
        Access::Public => "",
        Access::Operator => "operator",
        Access::Scoped(scope) => scope.as_str(),
    };
    let tested = ROUTES.iter().map(|(method, path, access)| ((*method).to_owned(), *path, scope(access)));
    assert_eq!(documented, tested.collect());
}

#[tokio::test]
async fn every_route_is_documented_with_all_of_its_methods() {
    let (api, project) = TestApi::with_project().await;
    let document = document(&api).await;
    let paths: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let routed: BTreeSet<&str> = api.paths.iter().copied().collect();
    assert_eq!(routed, paths.union(&PAGES.into()).copied().collect());

    for route in paths {
        let refused = api.send("TRACE", &path(route, &project.path), "").await;
        let allowed = refused.header("allow").split(',').filter(|method| *method != "HEAD");
        let documented = document["paths"][route].as_object().unwrap().keys().map(|method| method.to_uppercase());
        assert_eq!(refused.status, 405, "{route}");
        assert_eq!(allowed.map(str::to_owned).collect::<BTreeSet<_>>(), documented.collect(), "{route}");
    }
}

#[test]
fn every_route_without_a_key_has_its_own_throttle() {
    const TEMPLATE: &str = include_str!("../../../../infra/application.yaml");
    let (_, settings) = TEMPLATE.split_once("      RouteSettings:\n").unwrap();
    let settings = settings.lines().map_while(|line| line.strip_prefix("        \"ANY ")?.split_once('"'));
    let throttled: BTreeSet<&str> = settings.map(|(path, _)| path).collect();
    let public = ROUTES.iter().filter(|(_, _, access)| matches!(access, Access::Public)).map(|(_, path, _)| *path);
    assert_eq!(throttled, public.chain(PAGES).collect());
}

#[tokio::test]
async fn an_operation_documents_an_idempotency_key_if_and_only_if_it_reads_one() {
    let (api, project) = TestApi::with_project().await;
    let with_bad_key = api.with_idempotency_key("two words");
    for (method, route, operation) in operations(&document(&api).await) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let is_documented = parameters.into_iter().any(|parameter| parameter["name"] == "Idempotency-Key");
        let response = with_bad_key.send(&method, &path(route, &project.path), "").await;
        assert_eq!(
            response.body["type"] == "/problems/bad-header",
            is_documented,
            "{method} {route}: {}",
            response.text
        );
    }
}

#[tokio::test]
async fn an_unchanged_document_is_not_sent_again() {
    let api = TestApi::start().await;
    for path in [
        "/openapi.json",
        "/openapi.json?version=3.0",
        "/docs",
        "/docs.md",
        "/event-types.md",
        "/llms.txt",
        "/.well-known/api-catalog",
        "/.well-known/security.txt",
        "/v1/event-types",
    ] {
        let first = api.get(path).await;
        assert_eq!((first.status, first.header("cache-control")), (200, "public, max-age=300"));
        let etag = first.header("etag");
        for known in [etag.to_owned(), format!("\"other\", W/{etag}")] {
            let second = api.with_header("if-none-match", &known).get(path).await;
            assert_eq!((second.status, second.text.as_str()), (304, ""), "{path} {known}");
        }
        assert_eq!(api.with_header("if-none-match", "\"other\"").get(path).await.status, 200);
    }
}

#[tokio::test]
async fn the_document_has_two_versions() {
    let api = TestApi::start().await;
    for (query, version) in [("", "3.1.0"), ("?version=3.1", "3.1.0"), ("?version=3.0", "3.0.3")] {
        assert_eq!(api.get(&format!("/openapi.json{query}")).await.body["openapi"], version);
    }
    assert_eq!(api.get("/openapi.json?version=2.0").await.problem(), (404, "not-found"));
}

#[tokio::test]
async fn the_event_types_are_listed_without_a_key() {
    let listed = TestApi::start().await.without_key().get("/v1/event-types").await.expect(200);
    let types: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(types, EventType::ALL.map(EventType::as_str));
    let approved = &listed["items"][0];
    assert_eq!((&approved["final"], &approved["sample"]["nationality"]), (&json!(true), &json!("KOR")));
    assert_eq!(approved["meaning"], "The submission was approved, automatically or after review.");
    assert_eq!(approved["formats"]["argos"]["sample"]["webhook_trigger"], "approved");
    assert_eq!(approved["formats"]["standard"]["schema"]["properties"]["sequence"]["minimum"], 1);
}

#[tokio::test]
async fn every_document_that_a_page_for_programs_names_exists() {
    const BASE: &str = "https://api.signpost.example.com";
    let api = TestApi::start().await;
    let (llms, catalog) = (api.get("/llms.txt").await, api.get("/.well-known/api-catalog").await);
    assert!(llms.text.starts_with("# Signpost\n\n> "), "{}", llms.text);
    assert!(catalog.header("content-type").starts_with("application/linkset+json"));
    assert_eq!(catalog.header("link"), "</.well-known/api-catalog>; rel=\"api-catalog\"");
    let head = api.send("HEAD", "/.well-known/api-catalog", "").await;
    assert_eq!((head.status, head.header("link")), (200, catalog.header("link")));
    let texts = [llms.text, catalog.text];
    let links = texts.iter().flat_map(|text| text.split(BASE).skip(1));
    let paths: BTreeSet<&str> = links.filter_map(|rest| rest.split(['"', ')']).next()).collect();
    assert!(paths.len() >= 9, "{paths:?}");
    // `/v1` is the API itself.
    for path in paths.into_iter().filter(|path| *path != "/v1") {
        assert_eq!(api.without_key().get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn security_txt_names_the_contacts_of_the_deployment() {
    let contacts =
        Options { security_contacts: "mailto:security@example.com, https://example.com/report", ..Options::default() };
    let page = TestApi::start_with(&contacts).await.get("/.well-known/security.txt").await;
    assert_eq!(page.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        page.text,
        "Contact: mailto:security@example.com\nContact: https://example.com/report\nExpires: 2027-05-21T00:00:00.000Z\n\
         Canonical: https://api.signpost.example.com/.well-known/security.txt\n"
    );
    let api = TestApi::start_with(&Options { security_contacts: "", ..Options::default() }).await;
    assert_eq!(api.get("/.well-known/security.txt").await.problem(), (404, "not-found"));
}

#[tokio::test]
async fn the_page_runs_no_script_and_loads_no_other_file() {
    let page = TestApi::start().await.get("/docs").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    for forbidden in ["<script", " src=", "stylesheet", "@import", "url(", " style=", " onclick="] {
        assert!(!page.text.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn the_content_security_policy_allows_the_style_sheet_of_the_page() {
    use base64::Engine;
    use sha2::Digest;

    let page = TestApi::start().await.get("/docs").await;
    let (_, style) = page.text.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let hash = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(style));
    let policy = page.header("content-security-policy");
    assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
}

#[tokio::test]
async fn every_problem_type_redirects_to_its_section_of_the_page() {
    let api = TestApi::start().await;
    let page = api.get("/docs").await.text;
    let document = document(&api).await;
    for problem in document["x-problem-types"].as_array().unwrap() {
        let problem_type = problem["type"].as_str().unwrap();
        let redirect = api.get(problem_type).await;
        let anchor = redirect.header("location").strip_prefix("/docs#").unwrap();
        assert_eq!(redirect.status, 303);
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{problem_type}");
    }
    api.get("/problems/none").await.expect(404);
}

#[tokio::test]
async fn every_link_within_the_page_has_a_target() {
    let page = TestApi::start().await.get("/docs").await.text;
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), distinct.len(), "an id occurs twice");
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(distinct.contains(link), "{link}");
    }
}
