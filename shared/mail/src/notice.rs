//! The content of the notice about an endpoint.

use super::bars::Shade;
use super::name::without_marks;
use super::page::Footer;
use super::words::Words;
use domain::reports::digest::NoticeJob;
use domain::webhooks::health::NoticeKind;

/// The content of a notice, in reading order.
pub(super) struct NoticePage {
    pub(super) words: &'static dyn Words,
    pub(super) subject: String,
    pub(super) project: String,
    pub(super) headline: String,
    pub(super) shade: Shade,
    pub(super) story: String,
    pub(super) outlook: String,
    pub(super) remedy: &'static str,
    /// The API call that resumes the endpoint, if it is disabled.
    pub(super) call: Option<String>,
    pub(super) footer: Footer,
}

impl NoticePage {
    pub(super) fn new(
        job: &NoticeJob,
        host: &str,
        project: &str,
        words: &'static dyn Words,
        unsubscribe_url: &str,
    ) -> Self {
        let NoticeJob { project_id, endpoint_id, notice } = job;
        let is_disabled = notice.kind != NoticeKind::Failing;
        Self {
            words,
            subject: without_marks(&words.notice_subject(notice.kind, host, project)),
            project: project.to_owned(),
            headline: words.notice_headline(notice.kind, host),
            shade: if is_disabled { Shade::Failed } else { Shade::StillTrying },
            story: words.notice_story(notice),
            outlook: words.notice_outlook(notice),
            remedy: words.notice_remedy(notice.kind),
            call: is_disabled.then(|| format!("POST /v1/projects/{project_id}/endpoints/{endpoint_id}/resume")),
            footer: Footer { reason: words.notice_footer(project), unsubscribe_url: unsubscribe_url.to_owned() },
        }
    }
}
