//! An event from its publication to its receiver.

use domain::webhooks::event::EventType;
use e2e::{run, stack};
use stack::demo;

trials! {
    events_of_every_type_are_delivered_with_a_valid_signature,
}

fn events_of_every_type_are_delivered_with_a_valid_signature() {
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
