//! Notices about endpoints for the notification users. daily-digest mails them.

use std::time::Duration;

use aws::ServiceError;
use aws::queue::Message;
use domain::reports::digest::{DigestJob, NoticeJob};
use domain::webhooks::health::Health;

use crate::sweeper::Sweeper;

impl Sweeper {
    /// Queues an endpoint's notices for daily-digest. The caller then removes them from the endpoint's health. If that write
    /// fails, the notices are queued again, and daily-digest still mails each of them once.
    pub(crate) async fn queue_notices(&self, health: &Health) -> Result<(), ServiceError> {
        let (project_id, endpoint_id) = (health.project_id, health.endpoint_id);
        let job = |notice| DigestJob::Notice(NoticeJob { project_id, endpoint_id, notice });
        let messages = health.notices.iter().map(|notice| Message::new(project_id, &job(*notice), Duration::ZERO));
        Ok(self.report_queue.send(messages.collect::<Result<_, _>>()?).await?)
    }
}
