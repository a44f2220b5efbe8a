//! Access: who uses the console now, and how an admin ends that.

use axum::routing::get;
use domain::foundation::id::ConsoleSessionId;
use domain::foundation::time::Timestamp;
use domain::projects::console::Role;
use serde::Deserialize;

use crate::app::Routes;
use crate::http::api_client::List;
use crate::http::problem::Problem;
use crate::http::visitor::Visitor;
use crate::layout::nav::Area;

mod end;
mod list;
mod words;

/// The area that these pages belong to.
const AREA: Area = Area::Access;

/// The path of the list.
const LIST: &str = AREA.path();

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/access", get(list::show))
        .route("/access/end-all", get(end::ask_all).post(end::end_all))
        .route("/access/{id}/end", get(end::ask).post(end::end))
}

/// A console session, as the api returns it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    id: ConsoleSessionId,
    user: User,
    role: Role,
    created_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct User {
    id: String,
    name: String,
}

impl Session {
    /// The path of the page that asks before the session is ended.
    fn end_path(&self) -> String {
        format!("{LIST}/{}/end", self.id)
    }
}

/// Reads one page of the sessions. `cursor` is empty for the first.
async fn read(visitor: &Visitor, cursor: &str) -> Result<List<Session>, Problem> {
    visitor.api().get("/console-sessions").query("cursor", cursor).await?.json()
}
