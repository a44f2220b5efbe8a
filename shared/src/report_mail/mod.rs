//! The mails that notification users get: the daily report, notices about endpoints, and the question whether they want
//! them.
//!
//! A mail is laid out in three steps: [`words`] says things in the user's language, [`page`] turns a report into the
//! lines and bars to show, and the templates only place them. HTML comes from an MJML template, so that it works in
//! mail programs; its plain-text twin has the same facts. The only personal data in a mail are submission ids.

use askama::Template;
use mrml::prelude::render::RenderOptions;
use thiserror::Error;

use crate::digest::NoticeJob;
use crate::notification_user::Language;
use crate::report::ReportView;
use crate::time::Timestamp;

mod notice;
mod page;
mod words;

use notice::NoticePage;
use page::ReportPage;
use words::Words;

/// A mail without its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its subject: one line.
    pub subject: String,
    /// Its body for people, complete: no images, scripts or links to other hosts.
    pub html: String,
    /// The same facts as plain text.
    pub text: String,
    /// Where its reader can unsubscribe with one click (RFC 8058), if they get it for having subscribed.
    pub unsubscribe_url: Option<String>,
}

/// A template that cannot be laid out. It is a fault of the template: values are escaped and cannot bring it about.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The values cannot be placed.
    #[error("mail template cannot be filled")]
    Template(#[from] askama::Error),
    /// The filled template is no MJML.
    #[error("mail template is not MJML")]
    Parse(#[from] mrml::prelude::parser::Error),
    /// The MJML cannot be laid out.
    #[error("mail cannot be laid out")]
    Layout(#[from] mrml::prelude::render::Error),
}

/// Who reads a mail.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// In which language.
    pub language: Language,
    /// Where they can unsubscribe.
    pub unsubscribe_url: &'a str,
}

/// The mail that brings the report of a project called `project` to `reader`.
pub fn render(report: &ReportView, project: &str, reader: Reader<'_>) -> Result<Mail, RenderError> {
    let page = ReportPage::new(report, project, Words(reader.language), Some(reader.unsubscribe_url));
    Ok(Mail {
        subject: page.subject.clone(),
        html: lay_out(&ReportMjml { page: &page }.render()?)?,
        text: ReportText { page: &page }.render()?,
        unsubscribe_url: Some(reader.unsubscribe_url.to_owned()),
    })
}

/// The report of a project called `project` as a page, for whoever asks for it: laid out like the mail.
pub fn render_page(report: &ReportView, project: &str, language: Language) -> Result<String, RenderError> {
    let page = ReportPage::new(report, project, Words(language), None);
    lay_out(&ReportMjml { page: &page }.render()?)
}

/// The mail that tells `reader` what happened to an endpoint at `host`.
pub fn render_notice(job: &NoticeJob, host: &str, project: &str, reader: Reader<'_>) -> Result<Mail, RenderError> {
    let page = NoticePage::new(job, host, project, Words(reader.language), reader.unsubscribe_url);
    Ok(Mail {
        subject: page.subject.clone(),
        html: lay_out(&NoticeMjml { page: &page }.render()?)?,
        text: NoticeText { page: &page }.render()?,
        unsubscribe_url: Some(reader.unsubscribe_url.to_owned()),
    })
}

/// The mail that asks whether its reader wants the reports of `project`; `link` says yes, and works until `expires_at`.
pub fn render_confirmation(
    project: &str,
    link: &str,
    expires_at: Timestamp,
    language: Language,
) -> Result<Mail, RenderError> {
    let words = Words(language);
    let (question, until) = (words.confirmation_question(project), words.link_works_until(expires_at));
    let (question, until) = (question.as_str(), until.as_str());
    Ok(Mail {
        subject: words.confirmation_subject(project),
        html: lay_out(&ConfirmationMjml { words, question, until, link }.render()?)?,
        text: ConfirmationText { words, question, until, link }.render()?,
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
    words: Words,
    question: &'a str,
    until: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "confirmation.txt")]
struct ConfirmationText<'a> {
    words: Words,
    question: &'a str,
    until: &'a str,
    link: &'a str,
}

fn lay_out(mjml: &str) -> Result<String, RenderError> {
    // Without comments and web fonts: nothing is loaded from elsewhere.
    let options = RenderOptions { disable_comments: true, social_icon_origin: None, fonts: [].into() };
    Ok(mrml::parse(mjml)?.element.render(&options)?)
}

#[cfg(test)]
mod tests;
