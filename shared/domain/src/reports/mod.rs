//! The daily report, the users who receive it, and the links in their mails.

pub mod confirmation;
pub mod digest;
pub mod email_address;
pub mod mail_feedback;
pub mod mail_link;
pub mod notification_user;
pub mod report;
pub mod schedule;
pub mod suppression;
