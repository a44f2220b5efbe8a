//! A browser: it keeps cookies, follows redirects, and fills in and sends forms.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use tower::ServiceExt;
use url::form_urlencoded::Serializer;

use crate::client::SOURCE_IP;
use crate::html::{self, Form};

/// A browser with one tab.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    /// The cookie's name and value.
    pub(crate) cookie: Option<String>,
    pub(crate) language: &'static str,
}

/// A page in the browser.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
    /// Path and query, after redirects.
    pub(crate) url: String,
}

impl Browser {
    pub(crate) fn new(router: Router) -> Self {
        Self { router, cookie: None, language: "en" }
    }

    /// Opens a page as a person does who follows a link of another site.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        self.send(Method::GET, url, "", &NAVIGATION).await
    }

    /// Opens a page that must exist.
    pub(crate) async fn get(&mut self, url: &str) -> Page {
        let page = self.open(url).await;
        assert_eq!(page.status, 200, "{url}: {}", page.text());
        page
    }

    /// Fills in the form that leads to `action` (empty: to the page itself) and presses its button. A value replaces all values with
    /// its name, also those of checkboxes.
    pub(crate) async fn submit(&mut self, page: &Page, action: &str, changes: &[(&str, &str)]) -> Page {
        let form = page.form(action);
        let mut values = form.values;
        values.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        values.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let body = Serializer::new(String::new()).extend_pairs(values).finish();
        let url = if action.is_empty() { &page.url } else { action };
        self.post(url, &body).await
    }

    /// Sends a form from a page of the console.
    pub(crate) async fn post(&mut self, url: &str, body: &str) -> Page {
        self.send(Method::POST, url, body, &FORM).await
    }

    /// Sends a request with these headers and follows redirects within the console.
    pub(crate) async fn send(&mut self, method: Method, url: &str, body: &str, headers: &[(&str, &str)]) -> Page {
        let mut page = self.send_once(method, url, body, headers).await;
        for _ in 0..5 {
            let Some(location) = page.headers.get(LOCATION).filter(|_| page.status == 303) else { break };
            let location = location.to_str().unwrap().to_owned();
            assert!(location.starts_with('/'), "{location}");
            page = self.send_once(Method::GET, &location, "", &NAVIGATION).await;
        }
        page
    }

    /// Sends one request.
    pub(crate) async fn send_once(&mut self, method: Method, url: &str, body: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = Request::builder().method(method).uri(url).header(ACCEPT_LANGUAGE, self.language);
        let cookie = self.cookie.iter().map(|cookie| (COOKIE.as_str(), cookie.as_str()));
        for (name, value) in cookie.chain(headers.iter().copied()) {
            request = request.header(name, value);
        }
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some(SOURCE_IP.to_owned());
        let request = request.extension(RequestContext::ApiGatewayV2(context)).body(Body::from(body.to_owned()));
        let (parts, body) = self.router.clone().oneshot(request.unwrap()).await.unwrap().into_parts();
        let html = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        if let Some(cookie) = parts.headers.get(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        Page { status: parts.status.as_u16(), headers: parts.headers, html, url: url.to_owned() }
    }
}

/// The headers of a browser that follows a link of another site.
pub(crate) const NAVIGATION: [(&str, &str); 3] =
    [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];

/// The headers of a browser that sends a form of the console.
pub(crate) const FORM: [(&str, &str); 2] =
    [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];

impl Page {
    /// The text without tags.
    pub(crate) fn text(&self) -> String {
        html::text(&self.html)
    }

    /// Whether the page says something.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// The form that leads to `action`.
    #[track_caller]
    pub(crate) fn form(&self, action: &str) -> Form {
        let forms = html::post_forms(&self.html);
        forms
            .iter()
            .find(|form| form.action == action)
            .cloned()
            .unwrap_or_else(|| panic!("no form {action:?}: {forms:?}"))
    }

    /// The targets of all links.
    pub(crate) fn links(&self) -> Vec<String> {
        html::elements(&self.html, "a").into_iter().filter_map(|(tag, _)| html::attribute(tag, "href")).collect()
    }

    /// The first link that begins with `prefix`.
    #[track_caller]
    pub(crate) fn link(&self, prefix: &str) -> String {
        self.links().into_iter().find(|link| link.starts_with(prefix)).unwrap_or_else(|| panic!("no link {prefix}"))
    }

    /// The error beside a field; empty if there is none.
    pub(crate) fn error(&self, field: &str) -> String {
        let errors = html::elements(&self.html, "p").into_iter();
        let id = format!("f-{field}-error");
        let mut texts = errors.filter(|(tag, _)| html::attribute(tag, "id").as_deref() == Some(&id));
        texts.next().map(|(_, content)| html::text(content)).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}
