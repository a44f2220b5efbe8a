//! The mails to notification users: the daily report, notices about endpoints, and the request to confirm the address.
//!
//! A mail is built in three steps: [`words`] has the sentences in the user's language, [`page`] turns a report into lines,
//! [`problems`] and [`bars`], and the templates place them. HTML is laid out from MJML, so that it works in mail programs; the
//! plain-text part has the same facts. The only personal data in a mail are submission ids.

use askama::Template;
use mrml::prelude::render::RenderOptions;
use thiserror::Error;

use domain::foundation::language::Language;
use domain::foundation::time::Timestamp;
use domain::reports::digest::NoticeJob;
use domain::reports::report::ReportView;

mod bars;
mod name;
mod notice;
mod page;
mod problems;
mod words;

use name::{marked, without_marks};
use notice::NoticePage;
use page::ReportPage;
use words::Words;

/// A mail without sender and recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The subject, one line.
    pub subject: String,
    /// The HTML part. It loads nothing: no images, scripts or fonts.
    pub html: String,
    /// The plain-text part, with the same facts.
    pub text: String,
    /// The URL that unsubscribes the reader with one click (RFC 8058); `None` if the reader has not subscribed yet.
    pub unsubscribe_url: Option<String>,
}

/// A template could not be rendered. The template is at fault: values are escaped and cannot cause this.
#[derive(Debug, Error)]
pub enum RenderError {
    /// Askama could not insert the values.
    #[error("mail template could not be filled")]
    Template(#[from] askama::Error),
    /// The filled template is not MJML.
    #[error("mail template is not MJML")]
    Parse(#[from] mrml::prelude::parser::Error),
    /// The MJML could not be converted to HTML.
    #[error("mail could not be laid out")]
    Layout(#[from] mrml::prelude::render::Error),
}

/// Maximum length of both parts of a report together, in bytes. Gmail clips mails at 102 KB.
pub const MAX_MAIL_BYTES: usize = 100_000;

/// Maximum number of rows in each list of a report.
const MAX_ROWS: usize = 64;

/// The reader of a mail.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The language of the mail.
    pub language: Language,
    /// The URL that unsubscribes this reader.
    pub unsubscribe_url: &'a str,
}

/// Renders the daily report of the project named `project` as a mail.
pub fn render(report: &ReportView, project: &str, reader: Reader<'_>) -> Result<Mail, RenderError> {
    fitting(report, project, reader.language, Some(reader.unsubscribe_url))
}

/// Renders the report of the project named `project` as a web page that looks like the mail, without an unsubscribe link.
pub fn render_page(report: &ReportView, project: &str, language: Language) -> Result<String, RenderError> {
    Ok(fitting(report, project, language, None)?.html)
}

/// Lays out a report with as many rows in its lists as fit into [`MAX_MAIL_BYTES`].
///
/// Mail programs cut long mails at their end, where the unsubscribe link is. Lists are therefore cut here, and say so.
fn fitting(
    report: &ReportView,
    project: &str,
    language: Language,
    unsubscribe_url: Option<&str>,
) -> Result<Mail, RenderError> {
    let (words, project) = (words::in_language(language), marked(project));
    let mut max_rows = MAX_ROWS;
    loop {
        let page = ReportPage::new(report, &project, words, unsubscribe_url, max_rows);
        let html = lay_out(&ReportMjml { page: &page }.render()?)?;
        let text = without_marks(&ReportText { page: &page }.render()?);
        // Without rows, the limits of the product alone keep a report short enough.
        if html.len() + text.len() <= MAX_MAIL_BYTES || max_rows == 0 {
            return Ok(Mail { subject: page.subject, html, text, unsubscribe_url: unsubscribe_url.map(str::to_owned) });
        }
        max_rows /= 2;
    }
}

/// Renders the notice that the endpoint at `host` is failing or was disabled.
pub fn render_notice(job: &NoticeJob, host: &str, project: &str, reader: Reader<'_>) -> Result<Mail, RenderError> {
    let words = words::in_language(reader.language);
    let page = NoticePage::new(job, host, &marked(project), words, reader.unsubscribe_url);
    Ok(Mail {
        subject: page.subject.clone(),
        html: lay_out(&NoticeMjml { page: &page }.render()?)?,
        text: without_marks(&NoticeText { page: &page }.render()?),
        unsubscribe_url: Some(reader.unsubscribe_url.to_owned()),
    })
}

/// Renders the mail that asks the reader to confirm their address for the reports of `project`. `link` leads to the
/// confirmation page and is valid until `expires_at`.
///
/// The subject contains nothing that a customer wrote, because the mail may go to anyone.
pub fn render_confirmation(
    project: &str,
    link: &str,
    expires_at: Timestamp,
    language: Language,
) -> Result<Mail, RenderError> {
    let words = words::in_language(language);
    let (question, until) = (words.confirmation_question(&marked(project)), words.link_valid_until(expires_at));
    let (question, until) = (question.as_str(), until.as_str());
    Ok(Mail {
        subject: words.confirmation_subject().to_owned(),
        html: lay_out(&ConfirmationMjml { words, question, until, link }.render()?)?,
        text: without_marks(&ConfirmationText { words, question, until, link }.render()?),
        unsubscribe_url: None,
    })
}

#[derive(Template)]
#[template(path = "report.mjml", escape = "html")]
struct ReportMjml<'a> {
    page: &'a ReportPage,
}

#[derive(Template)]
#[template(path = "report.txt")]
struct ReportText<'a> {
    page: &'a ReportPage,
}

#[derive(Template)]
#[template(path = "notice.mjml", escape = "html")]
struct NoticeMjml<'a> {
    page: &'a NoticePage,
}

#[derive(Template)]
#[template(path = "notice.txt")]
struct NoticeText<'a> {
    page: &'a NoticePage,
}

#[derive(Template)]
#[template(path = "confirmation.mjml", escape = "html")]
struct ConfirmationMjml<'a> {
    words: &'static dyn Words,
    question: &'a str,
    until: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "confirmation.txt")]
struct ConfirmationText<'a> {
    words: &'static dyn Words,
    question: &'a str,
    until: &'a str,
    link: &'a str,
}

fn lay_out(mjml: &str) -> Result<String, RenderError> {
    // Web fonts would be loaded from another host, which tells it who reads the mail.
    let options = RenderOptions { disable_comments: true, social_icon_origin: None, fonts: [].into() };
    Ok(name::isolated(&mrml::parse(mjml)?.element.render(&options)?))
}

#[cfg(test)]
mod tests;
