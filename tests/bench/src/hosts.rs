//! The sockets that one sender has open when its webhooks go to thousands of hosts. As on Lambda, it may open 1,024 files.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use tokio::time::sleep;

use crate::error::BenchError;
use crate::process::open_sockets;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::Table;
use crate::tables::SETTINGS;
use crate::world::{Project, World, send};

/// Number of files that a Lambda function may have open.
const MAX_FILES: u32 = 1024;

/// Time between two counts of the open sockets.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(5);

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    // Names below `localhost` resolve to this machine without a name server.
    let hosts: Vec<String> = (0..size.hosts).map(|number| format!("h{number}.hosts.localhost")).collect();
    let mut sender = world.sender_to(&hosts).await?;
    sender.limit_files(MAX_FILES).await?;
    let project = project(world, &hosts).await?;
    let peak = Arc::<AtomicUsize>::default();
    let sampling = tokio::spawn(sample(sender.pid(), Arc::clone(&peak)));
    let received_before = world.receiver.webhooks();
    for endpoints in project.endpoints.chunks(10) {
        let part = Project { id: project.id.clone(), endpoints: endpoints.to_vec() };
        send(&mut sender, &part.batch(endpoints.len())).await?;
    }
    sampling.abort();
    // A request that could not be made, for example because too many files were open, would be missing.
    let received = world.receiver.webhooks() - received_before;
    if received != size.hosts as u64 {
        return Err(BenchError::Unexpected(format!("{received} webhooks for {} hosts", size.hosts)));
    }
    let what =
        format!("sender: peak sockets after webhooks to {} hosts, against the files that Lambda allows", size.hosts);
    table.count(what, "", peak.load(Ordering::SeqCst) as f64, f64::from(MAX_FILES), "≤ 0.35");
    Ok(())
}

async fn sample(pid: u32, peak: Arc<AtomicUsize>) {
    while let Ok(sockets) = open_sockets(pid) {
        peak.fetch_max(sockets, Ordering::SeqCst);
        sleep(SAMPLE_INTERVAL).await;
    }
}

/// Creates a project with an endpoint at each host: one through the API, and copies of its row.
async fn project(world: &World, hosts: &[String]) -> Result<Project, BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Kept, 1).await?;
    let first = project.endpoints.first().ok_or(BenchError::Missing("endpoint"))?;
    let row = world.aws.database().row(SETTINGS, "endpoint#", |row| row.to_string().contains(first.as_str())).await?;
    let row = row.to_string();
    let ids: Vec<String> =
        hosts.iter().map(|_| EndpointId::new(SystemClock.now(), &SystemRandom).to_string()).collect();
    let copies = hosts
        .iter()
        .zip(&ids)
        .map(|(host, id)| row.replace(first.as_str(), id).replace("//localhost:", &format!("//{host}:")));
    world.aws.database().put_all(SETTINGS, copies).await?;
    Ok(Project { id: project.id, endpoints: ids })
}
