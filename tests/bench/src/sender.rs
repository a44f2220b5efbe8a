//! How many deliveries a second of processor time makes, against posting the same signed bodies and nothing else.

use crate::bare_client::BareClient;
use crate::error::BenchError;
use crate::lambda::Lambda;
use crate::receiver::Manner;
use crate::size::Size;
use crate::table::{Rounds, Table};
use crate::world::{Project, World, send};

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let mut api = world.function("api").await?;
    for (manner, name, goal) in
        [(Manner::Fresh, "fresh TLS connections", "≥ 0.6"), (Manner::Kept, "kept-alive TLS connections", "≥ 0.25")]
    {
        let project = world.project(&mut api, manner, 10).await?;
        let (mut sender, mut bare) = (world.function("trusting-sender").await?, BareClient::start(world)?);
        let url = world.receiver.url(manner);
        let mut rounds = Rounds::default();
        for round in 0..=size.rounds {
            let ours = deliveries_a_second(&mut sender, &project, size.batches).await?;
            let count = size.batches * 10;
            let posts = count as f64 / bare.post(count, &url).await?.as_secs_f64();
            // The first round warms both up.
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

async fn deliveries_a_second(sender: &mut Lambda, project: &Project, batches: usize) -> Result<f64, BenchError> {
    for _ in 0..batches {
        send(sender, &project.batch(10)).await?;
    }
    Ok((batches * 10) as f64 / sender.cpu().await?.as_secs_f64())
}
