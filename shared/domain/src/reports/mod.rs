//! The daily report, the users who receive it, and the links in their mails.

pub mod digest;
pub mod mail_feedback;
pub mod mail_link;
pub mod notification_user;
pub mod report;
