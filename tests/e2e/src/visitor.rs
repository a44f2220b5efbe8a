//! A person who uses the console without a browser, for tests of the function. Tests of the pages use a real one.

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::json;

use crate::{Customer, member};

/// A person with a session of the console.
pub struct Visitor {
    client: Client,
    console_url: String,
    cookie: String,
}

impl Visitor {
    /// Opens a link to the console of the customer's project, with the role `admin`.
    ///
    /// # Panics
    ///
    /// If the link does not start a session.
    pub async fn of(customer: &Customer) -> Self {
        let stack = customer.stack;
        let path = format!("/v1/projects/{}/console-links", customer.project());
        let link = json!({ "user": { "id": "ada", "name": "Ada" }, "role": "admin" });
        let link = stack.api().post(&path, &link).await.unwrap_or_else(|error| panic!("{error}"));
        let client = Client::builder().redirect(Policy::none()).build().expect("the client has no special settings");
        let opening = client.get(member(&link, "url")).header("sec-fetch-mode", "navigate");
        let opened = opening.header("sec-fetch-dest", "document").send().await.expect("the console responds");
        let cookie = opened.headers().get(SET_COOKIE).expect("the link starts a session").to_str().expect("is ASCII");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Self { client, console_url: stack.console_url.clone(), cookie }
    }

    /// Reads a page.
    ///
    /// # Panics
    ///
    /// If the status is not 200.
    pub async fn read(&self, path: &str) -> String {
        let page = self.send(self.client.get(format!("{}{path}", self.console_url))).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        page.text().await.expect("a page is text")
    }

    /// Sends a form without fields. Returns the path that the response leads to.
    ///
    /// # Panics
    ///
    /// If the response leads to no other page.
    pub async fn submit(&self, path: &str) -> String {
        let form = self.client.post(format!("{}{path}", self.console_url));
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        let response = self.send(form.header("sec-fetch-site", "same-origin").header(ORIGIN, &self.console_url)).await;
        let location = response.headers().get(LOCATION).map(|value| value.to_str().expect("is ASCII").to_owned());
        location.unwrap_or_else(|| panic!("{path} answered {}", response.status()))
    }

    async fn send(&self, request: RequestBuilder) -> Response {
        request.header(COOKIE, &self.cookie).send().await.expect("the console responds")
    }
}
