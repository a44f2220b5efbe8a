//! The way of one event.

use e2e::{run, stack};
use shared::event::EventType;
use stack::demo;

#[test]
fn every_event_type_is_delivered_and_verifies() {
    run(async {
        let stack = stack().await;
        let (_, lines) = match demo::deliver_all_types(stack).await {
            Ok(delivered) => delivered,
            Err(error) => panic!("{error}\n{}", stack.log_tail().await),
        };
        let delivered: Vec<_> = lines.iter().map(|line| (line.event_type, line.attempt, line.verified)).collect();
        assert_eq!(delivered, EventType::ALL.map(|event_type| (event_type, 1, true)));
    });
}
