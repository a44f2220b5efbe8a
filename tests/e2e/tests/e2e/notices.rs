//! Mails to notification users: notices about endpoints, and bounces.

use aws::Aws;
use aws::store::UserStore;
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::NotificationUserId;
use domain::foundation::random::SystemRandom;
use domain::reports::notification_user::NewNotificationUser;
use e2e::{Customer, run, stack};
use serde_json::{Value, json};
use stack::demo;

trials! {
    a_notice_about_a_disabled_endpoint_is_mailed_once,
    a_user_whose_mails_bounce_is_suppressed,
    a_user_of_a_version_without_link_keys_gets_reports_and_unsubscribes,
}

fn a_notice_about_a_disabled_endpoint_is_mailed_once() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/notices/gone").await;
        let reader = "grace@notices.example";
        customer.add_reader(reader).await;
        customer.receiver().answer(customer.path(), [410]);
        let event = customer.publish(&json!({"type": "approved", "data": {}})).await;
        customer.wait_for_state(&event, "held").await;

        // The second sweep sends no second notice.
        for _ in 0..2 {
            customer.sweep().await;
            let notice = demo::wait_for_mail(stack, reader, 1, "notice").await.unwrap();
            assert_eq!(notice.subject, "✗ Webhooks to localhost have stopped · /notices/gone");
            let resume = format!("POST /v1/projects/{}/endpoints/{}/resume", customer.project(), customer.endpoint());
            assert!(notice.text.contains(&resume) && notice.html.contains(&resume), "{}", notice.text);
        }
        assert_eq!(demo::mails_to(stack, reader).await.unwrap().len(), 2, "the confirmation request and one notice");

        let day = &customer.deliveries().await.unwrap()[0]["attempts"][0]["at"].as_str().unwrap()[..10].to_owned();
        let report = customer.get(&format!("/reports/{day}")).await;
        let trouble = &report["endpointsInTrouble"][0];
        assert_eq!((&trouble["state"], &trouble["status"]), (&json!("disabled"), &json!(410)));
        assert_eq!(report["totals"]["held"], 1);

        let notice = demo::wait_for_mail(stack, reader, 1, "notice").await.unwrap();
        demo::press_button(stack, &notice, "unsubscribe").await.unwrap();
        assert_eq!(state_of_reader(&customer).await, "unsubscribed");
    });
}

fn a_user_whose_mails_bounce_is_suppressed() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/notices/bounce").await;
        customer.add_reader("bounce@notices.example").await;
        let user = customer.get("/notification-users").await["items"][0]["id"].clone();
        let (tags, at) = (json!({"project": [customer.project()], "user": [user]}), SystemClock.now());
        let bounce = json!({"bounceType": "Permanent", "timestamp": at});
        let report = json!({"eventType": "Bounce", "bounce": bounce, "mail": {"tags": tags}}).to_string();
        let records = json!({"Records": [{"messageId": "1", "body": report}]});

        let response = stack.invoke("mail-feedback", records).await.unwrap();
        assert_eq!(response, json!({"batchItemFailures": []}));
        assert_eq!(state_of_reader(&customer).await, "suppressed");
        let audit = customer.get("/audit?limit=1").await;
        assert_eq!(audit["items"][0]["actor"], json!({"type": "system"}));
    });
}

fn a_user_of_a_version_without_link_keys_gets_reports_and_unsubscribes() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/notices/earlier").await;
        let reader = "ada@earlier.example";
        // The project has not sent a mail yet, so it has no link key.
        let draft = Draft::parse(json!({"name": "Ada", "email": reader}).to_string().as_bytes()).unwrap();
        let new = NewNotificationUser::try_from(draft).unwrap();
        let id = NotificationUserId::new(SystemClock.now(), &SystemRandom);
        let mut user = new.create(id, customer.project().parse().unwrap());
        user.confirm(SystemClock.now());
        let aws = Aws::local(stack.emulator_url.clone());
        UserStore::new(&aws, &stack.outputs["SettingsTableName"]).put(&user).await.unwrap();

        // Only this project's report is sent, because other tests wait for other mails.
        let job = json!({"report": {"projectId": customer.project(), "day": SystemClock.now().day().previous()}});
        let records = json!({"Records": [{"messageId": "1", "body": job.to_string()}]});
        let response = stack.invoke("daily-digest", records).await.unwrap();
        assert_eq!(response, json!({"batchItemFailures": []}));
        let report = demo::wait_for_mail(stack, reader, 0, "report").await.unwrap();
        demo::press_button(stack, &report, "unsubscribe").await.unwrap();
        assert_eq!(state_of_reader(&customer).await, "unsubscribed");
    });
}

async fn state_of_reader(customer: &Customer) -> Value {
    customer.get("/notification-users").await["items"][0]["state"].clone()
}
