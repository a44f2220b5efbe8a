//! Shards with more due deliveries than one run sweeps.

use std::time::Duration;

use aws::queue::testing::Verdict;
use aws::store::DueSelection;
use domain::foundation::id::{DeliveryId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::delivery::{Delivery, SendMessage};
use domain::webhooks::sweep::FIRST_SHARE;
use webhook_retry::{Shard, Task};

use crate::scene::{Scene, now};

const SHARD: u8 = 3;
const MINUTE: Duration = Duration::from_mins(1);

fn task() -> Task {
    Task::Shard(Shard::try_from(SHARD).unwrap())
}

/// Stores a backlog of the scene's project, most overdue first.
async fn backlog(scene: &Scene, count: u32) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for number in 0..count {
        let overdue = Duration::from_secs(3_600 - u64::from(number));
        deliveries.push(scene.overdue(scene.project, SHARD, overdue).await);
    }
    deliveries
}

fn ids(messages: &[SendMessage]) -> Vec<DeliveryId> {
    let mut ids: Vec<DeliveryId> = messages.iter().filter_map(SendMessage::delivery_id).collect();
    ids.sort_unstable();
    ids
}

fn ids_of(deliveries: &[Delivery]) -> Vec<DeliveryId> {
    let mut ids: Vec<DeliveryId> = deliveries.iter().map(|delivery| delivery.id).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_shard_with_more_than_a_page_gets_an_invocation_of_its_own_and_the_others_are_swept_at_once() {
    let scene = Scene::new().await;
    let backlog = backlog(&scene, 130).await;
    let elsewhere = scene.overdue(scene.project, SHARD + 1, MINUTE).await;

    let (summary, sent) = scene.sweep(now()).await;
    assert_eq!((summary.queued, summary.handed_over, sent.len()), (1, 1, 1));
    assert_eq!(sent[0].0.delivery_id(), Some(elsewhere.id));
    assert_eq!(summary.lag_seconds, 60 * 60, "the lag covers the shard that was handed over");
    assert_eq!(scene.started(), [task()]);

    let (summary, sent) = scene.run(task(), now()).await;
    assert_eq!((summary.queued, summary.handed_over), (130, 0));
    assert_eq!(ids(&sent), ids_of(&backlog));
    assert_eq!(scene.started(), []);
}

#[tokio::test]
async fn a_shard_is_swept_in_place_if_no_invocation_can_be_started() {
    let scene = Scene::new().await;
    backlog(&scene, 130).await;
    scene.sweep_without_queue(now()).await.unwrap_err();
    let page = scene.store.sweep.due_in_shard(SHARD, now(), None, DueSelection::ALL).await.unwrap();
    // Those in front are claimed. The rest of the backlog could not be queued and remains due.
    assert_eq!(page.due.len(), 130 - FIRST_SHARE);
}

#[tokio::test]
async fn other_projects_are_served_before_the_rest_of_a_backlog() {
    let scene = Scene::new().await;
    backlog(&scene, 230).await;
    let other = scene.overdue(ProjectId::new(now(), &SystemRandom), SHARD, MINUTE).await;

    let (summary, sent) = scene.run(task(), now()).await;

    let position = sent.iter().position(|message| message.delivery_id() == Some(other.id)).unwrap();
    assert_eq!((summary.queued, position <= FIRST_SHARE), (231, true), "it is at position {position}");
}

#[tokio::test]
async fn a_backlog_is_queued_once_although_its_attempts_are_not_recorded_yet() {
    let scene = Scene::new().await;
    let backlog = backlog(&scene, 230).await;
    let (_, sent) = scene.run(task(), now()).await;
    assert_eq!(ids(&sent), ids_of(&backlog));

    let later = scene.overdue(scene.project, SHARD, Duration::ZERO).await;
    let (summary, sent) = scene.run(task(), now().plus(MINUTE)).await;
    assert_eq!((summary.queued, ids(&sent)), (1, vec![later.id]), "only what became due since");
}

#[tokio::test]
async fn the_rest_of_a_backlog_that_fits_on_a_page_is_not_queued_twice() {
    let scene = Scene::new().await;
    // The first hundred are claimed. The others remain due until their attempts are recorded, as the only page of the shard.
    let backlog = backlog(&scene, 130).await;
    let (_, sent) = scene.run(task(), now()).await;
    assert_eq!(ids(&sent), ids_of(&backlog));

    let later = scene.overdue(scene.project, SHARD, Duration::ZERO).await;
    let (summary, sent) = scene.sweep(now().plus(MINUTE)).await;
    assert_eq!((summary.queued, summary.handed_over), (1, 0));
    assert_eq!(sent[0].0.delivery_id(), Some(later.id), "only what became due since");

    let (_, sent) = scene.run(task(), now().plus(MINUTE * 20)).await;
    let again = ids(&sent);
    assert!(ids_of(&backlog[FIRST_SHARE..]).iter().all(|id| again.contains(id)), "{} are queued again", again.len());
}

#[tokio::test]
async fn what_remains_of_a_backlog_is_queued_again_twenty_minutes_after_its_end() {
    let scene = Scene::new().await;
    let backlog = backlog(&scene, 230).await;
    scene.run(task(), now()).await;
    let repeated = &backlog[FIRST_SHARE..];
    // Without this project, the shard has fewer rows than a page.
    for _ in 0..FIRST_SHARE {
        scene.overdue(ProjectId::new(now(), &SystemRandom), SHARD, MINUTE).await;
    }
    let (_, sent) = scene.run(task(), now().plus(MINUTE * 20)).await;
    let again = ids(&sent);
    assert!(ids_of(repeated).iter().all(|id| again.contains(id)), "{} are queued again", again.len());
}

#[tokio::test]
async fn a_run_that_dies_after_queueing_a_backlog_queues_it_again() {
    let scene = Scene::new().await;
    let backlog = backlog(&scene, 130).await;
    // The write of the position: only rows of passes have a version here.
    scene.queue.catch(r#""version""#).end(Verdict::Refuse);
    scene.try_run(task(), now()).await.unwrap_err();
    let died = scene.queue.take().len();
    let (_, sent) = scene.run(task(), now()).await;
    assert_eq!((died, ids(&sent)), (130, ids_of(&backlog[FIRST_SHARE..])));
}

#[tokio::test]
async fn every_project_gets_its_share_although_the_positions_of_the_backlogs_cannot_be_read() {
    let scene = Scene::new().await;
    let backlog = backlog(&scene, 130).await;
    scene.queue.catch("backlog#").end(Verdict::Refuse);
    scene.try_run(task(), now()).await.unwrap_err();
    assert_eq!(scene.queue.take().len(), FIRST_SHARE);
    let (_, sent) = scene.run(task(), now()).await;
    assert_eq!(ids(&sent), ids_of(&backlog[FIRST_SHARE..]));
}
