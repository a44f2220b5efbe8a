//! Deliveries per second of processor time, against a client that only posts the same signed bodies.

use crate::bare_client::BareClient;
use crate::error::BenchError;
use crate::lambda::Lambda;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::{Rounds, Table};
use crate::world::{Project, World, send};

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let mut api = world.function("api").await?;
    for (mode, name, goal) in [
        (ResponseMode::Fresh, "fresh TLS connections", "≥ 0.6"),
        (ResponseMode::Kept, "kept-alive TLS connections", "≥ 0.25"),
    ] {
        let project = world.project(&mut api, mode, 10).await?;
        let (mut sender, mut bare) = (world.function("trusting-sender").await?, BareClient::start(world)?);
        let url = world.receiver.url(mode);
        let mut rounds = Rounds::default();
        for round in 0..=size.rounds {
            let ours = deliveries_per_cpu_second(&mut sender, &project, size.batches).await?;
            let count = size.batches * 10;
            let posts = count as f64 / bare.post(count, &url).await?.as_secs_f64();
            // The first round is a warm-up.
            if round > 0 {
                rounds.add(ours, posts);
            }
        }
        let what = format!("sender: deliveries per CPU-second over {name}, against a bare client's posts");
        table.compare(what, "/s", &rounds, goal);
        let logged = sender.logged()? as f64 / ((size.rounds + 1) * size.batches * 10) as f64;
        table.count(format!("sender: logged per delivery over {name}, against a body"), "B", logged, 1024.0, "");
    }
    Ok(())
}

async fn deliveries_per_cpu_second(sender: &mut Lambda, project: &Project, batches: usize) -> Result<f64, BenchError> {
    for _ in 0..batches {
        send(sender, &project.batch(10)).await?;
    }
    Ok((batches * 10) as f64 / sender.cpu().await?.as_secs_f64())
}
