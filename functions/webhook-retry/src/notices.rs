//! Notices about endpoints on their way to the notification users.

use std::time::Duration;

use shared::aws::queue::Message;
use shared::digest::{DigestJob, NoticeJob};
use shared::health::Health;

use crate::{SweepError, Sweeper};

impl Sweeper {
    /// Hands over to daily-digest what the notification users are to be told. It has to be noted as told afterwards; if that
    /// fails it is handed over again, and mailed once all the same.
    pub(crate) async fn hand_over_notices(&self, health: &Health) -> Result<(), SweepError> {
        let (project_id, endpoint_id) = (health.project_id, health.endpoint_id);
        let job = |notice| DigestJob::Notice(NoticeJob { project_id, endpoint_id, notice });
        let messages = health.notices.iter().map(|notice| Message::new(project_id, &job(*notice), Duration::ZERO));
        Ok(self.report_queue.send(messages.collect::<Result<_, _>>()?).await?)
    }
}
