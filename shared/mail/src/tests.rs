//! The guarantees of the mails, checked on rendered mails.

use std::time::Duration;

use super::*;
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::projects::name::Name;
use domain::reports::report::testing::{Day, DeliveryBuilder};
use domain::reports::report::{
    EndpointTotals, Example, ExpiringKey, MAX_EXAMPLES, MAX_PROBLEMS, Problem, ProblemReason, Report, ReportView,
    TroubledEndpoint, UnusedKey,
};
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::{EventType, SubmissionId};
use domain::webhooks::health::{HoldReason, LastFailure, Notice, NoticeKind};

const UNSUBSCRIBE: &str = "https://api.acme.example/unsubscribe/019ab5e0.k1.x-_y";

fn report_of(deliveries: impl IntoIterator<Item = Delivery>) -> ReportView {
    let day = Day::default();
    let mut report = Report::new(day.project_id, day.date);
    deliveries.into_iter().for_each(|delivery| {
        report.count_event();
        report.add(&delivery);
    });
    report.view(day.next_morning(), &day.endpoints(), Vec::new())
}

/// A day with `scale` deliveries in all states: all event types, three endpoints of which one was deleted, failed and
/// retrying deliveries.
fn busy_day(scale: u64) -> ReportView {
    let day = Day::default();
    let delivery = |number: u64| {
        let event_type = EventType::ALL[usize::try_from(number * 7 % 11).unwrap()];
        let endpoint = day.endpoints[if number.is_multiple_of(40) { 2 } else { usize::from(number.is_multiple_of(4)) }];
        let queued = day.delivery_of(event_type, endpoint, number);
        match number {
            number if number % 97 == 0 => queued.refused_after(40, 3).failed().get(),
            number if number % 89 == 0 => queued.cancelled(),
            number if number % 83 == 0 => queued.get().held(HoldReason::Disabled),
            number if number % 79 == 0 => queued.get().held_for_order(day.date.start()),
            number if number % 61 == 0 => {
                let timeout = Err((FailureReason::Timeout, None));
                queued.refused_after(40, 3).attempt(60_000, 15_000, timeout, Some(Duration::from_hours(16))).get()
            }
            number if number % 23 == 0 => queued.refused_after(40, 3).delivered_after(12_000, 180).get(),
            _ => queued.delivered_after(40 + number % 90, 120).get(),
        }
    };
    let mut report = Report::new(day.project_id, day.date);
    (1..=scale).map(delivery).for_each(|delivery| {
        report.count_event();
        report.add(&delivery);
    });
    if scale > 100 {
        for delivery in &earlier_deliveries(&day) {
            report.add(delivery);
        }
    }
    let (endpoints, keys) =
        if scale > 100 { (day.endpoints_in_trouble(), day.expiring_keys()) } else { (day.endpoints(), Vec::new()) };
    let unused = if scale > 100 { day.unused_keys() } else { Vec::new() };
    report.view(day.next_morning(), &endpoints, keys).with_unused_keys(unused)
}

/// Deliveries of the three days before: an endpoint has answered every `aml` with 400, and another was away for a while.
fn earlier_deliveries(day: &Day) -> Vec<Delivery> {
    let (hour, rejected) = (3_600_000, Err((FailureReason::Status, Some(400))));
    let aml = |number: u64, days: u64| {
        let queued = day.earlier_delivery_of(EventType::Aml, day.endpoints[1], 2000 + number, days);
        queued.attempt(1_000, 90, rejected, Some(Duration::from_hours(20)))
    };
    let given_up = (0..9).map(|number| aml(number, 3).attempt((68 + number) * hour, 90, rejected, None).get());
    let waiting =
        (9..14).map(|number| aml(number, 1).attempt(20 * hour, 90, rejected, Some(Duration::from_hours(20))).get());
    let late = (14..60).map(|number| {
        let queued = day.earlier_delivery_of(EventType::Approved, day.endpoints[0], 2000 + number, 1);
        queued.refused_after(40, 3).delivered_after(20 * hour, 140).get()
    });
    let expired = day.earlier_delivery_of(EventType::Token, day.endpoints[2], 2060, 3).expired_after(70 * hour);
    given_up.chain(waiting).chain(late).chain([expired]).collect()
}

fn notice(kind: NoticeKind) -> NoticeJob {
    let day = Day::default();
    let (noon, hours) = (day.date.start().plus(Duration::from_hours(12)), Duration::from_hours);
    let notice = Notice {
        kind,
        at: noon,
        failing_since: noon.minus(hours(24)),
        failures: 1310,
        last_failure: Some(LastFailure { reason: FailureReason::Status, status: Some(502) }),
        disables_at: (kind == NoticeKind::Failing).then(|| noon.plus(hours(96))),
    };
    NoticeJob { project_id: day.project_id, endpoint_id: day.endpoints[0], notice }
}

fn reader(language: Language) -> Reader<'static> {
    Reader { language, unsubscribe_url: UNSUBSCRIBE }
}

fn report_mail(report: &ReportView, language: Language) -> Mail {
    render(report, "Acme Identity", reader(language)).unwrap()
}

fn confirmation_mail(link: &str, language: Language) -> Mail {
    render_confirmation("Acme Identity", link, Day::default().next_morning(), language).unwrap()
}

fn english(report: &ReportView) -> Mail {
    report_mail(report, Language::English)
}

fn notice_mail(kind: NoticeKind, language: Language) -> Mail {
    render_notice(&notice(kind), "hooks.acme.example", "Acme Identity", reader(language)).unwrap()
}

#[test]
fn the_subject_states_the_outcome() {
    let day = Day::default();
    let taken = |number| day.delivery(number).delivered_after(10, 10).get();
    let failed = |number| day.delivery(number).failed().get();
    let waiting = |number| day.delivery(number).refused_after(10, 10).get();
    let cancelled = |number| day.delivery(number).cancelled();
    let days = [
        (report_of([]), ["No webhooks", "웹훅 없음", "Sin webhooks"]),
        (report_of([taken(0)]), ["✓ 1 webhook delivered", "✓ 웹훅 1건 전달됨", "✓ Se entregó 1 webhook"]),
        (
            report_of((0..1204).map(taken)),
            ["✓ All 1,204 webhooks delivered", "✓ 웹훅 1,204건 모두 전달됨", "✓ Se entregaron los 1,204 webhooks"],
        ),
        (
            report_of([taken(0), cancelled(1)]),
            [
                "✓ 1 webhook delivered, 1 cancelled",
                "✓ 웹훅 1건 전달, 1건 취소",
                "✓ Se entregó 1 webhook y se canceló 1",
            ],
        ),
        (
            report_of([taken(0), waiting(1)]),
            [
                "⚠ 1 of 2 webhooks not delivered yet",
                "⚠ 웹훅 2건 중 1건 아직 전달되지 않음",
                "⚠ 1 de 2 webhooks aún sin entregar",
            ],
        ),
        (
            report_of([taken(0), failed(1)]),
            ["✗ 1 of 2 webhooks failed", "✗ 웹훅 2건 중 1건 실패", "✗ Falló 1 de 2 webhooks"],
        ),
        (
            report_of([taken(0), failed(1), waiting(2)]),
            [
                "✗ 1 of 3 webhooks failed, 1 not delivered yet",
                "✗ 웹훅 3건 중 1건 실패, 1건 아직 전달되지 않음",
                "✗ Falló 1 de 3 webhooks; 1 aún sin entregar",
            ],
        ),
    ];
    for (report, headlines) in days {
        for (language, headline) in Language::ALL.into_iter().zip(headlines) {
            assert_eq!(report_mail(&report, language).subject, format!("{headline} · Acme Identity · 2026-11-21"));
        }
    }
}

#[test]
fn both_parts_contain_the_same_facts() {
    let report = busy_day(1500);
    let delivered = words::count(report.totals.delivered);
    let at_once = words::percent(report.first_attempts.per_mille().unwrap());
    let facts = [
        "Acme Identity",
        "2026-11-21",
        "1,561",
        "aml-ongoing",
        "hooks.acme.example",
        "503",
        "sub-97",
        &delivered,
        &at_once,
    ];
    for mail in Language::ALL.map(|language| report_mail(&report, language)) {
        for fact in facts {
            assert!(mail.text.contains(fact), "{fact} is missing from the plain text:\n{}", mail.text);
            assert!(mail.html.contains(fact), "{fact} is missing from the HTML");
        }
    }
}

/// The samples can be opened in a browser. After an intended change, `MAIL_SAMPLES=write` writes them again.
#[test]
fn mails_equal_their_samples() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/samples");
    let writes = std::env::var_os("MAIL_SAMPLES").is_some_and(|value| value == "write");
    let link = "https://api.acme.example/confirm/019ab5e0-0000-7000-8000-000000000000.k1.VGhpcyBpcyBubyB0b2tlbg";
    for language in Language::ALL {
        let mails = [
            ("busy", report_mail(&busy_day(1500), language)),
            ("good", report_mail(&busy_day(40), language)),
            ("quiet", report_mail(&report_of([]), language)),
            ("failing", notice_mail(NoticeKind::Failing, language)),
            ("disabled", notice_mail(NoticeKind::DisabledFailing, language)),
            ("confirmation", confirmation_mail(link, language)),
        ];
        for (kind, mail) in mails {
            for (extension, part) in [("html", mail.html), ("txt", mail.text)] {
                let file = folder.join(format!("{kind}-{language}.{extension}"));
                if writes {
                    std::fs::write(&file, &part).unwrap();
                }
                let sample = std::fs::read_to_string(&file).unwrap_or_default();
                assert!(
                    part == sample,
                    "the mail differs from {}; if this is intended, set MAIL_SAMPLES=write",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn a_notice_says_what_happened_what_follows_and_what_to_do() {
    let mail = |kind| notice_mail(kind, Language::English);
    let (failing, disabled) = (mail(NoticeKind::Failing), mail(NoticeKind::DisabledFailing));
    assert_eq!(failing.subject, "⚠ Webhooks to hooks.acme.example are failing · Acme Identity");
    assert_eq!(disabled.subject, "✗ Webhooks to hooks.acme.example have stopped · Acme Identity");
    for fact in ["2026-11-20 12:00 UTC", "1,310", "502", "2026-11-25 12:00 UTC"] {
        assert!(failing.text.contains(fact) && failing.html.contains(fact), "{fact}: {}", failing.text);
    }
    assert!(!failing.text.contains("/resume") && disabled.text.contains("/resume"), "{}", disabled.text);
    let gone = mail(NoticeKind::DisabledGone).text;
    assert!(gone.contains("410") && !gone.contains("502"), "{gone}");
}

#[test]
fn both_parts_list_the_endpoints_in_trouble() {
    let trouble = "Disabled since 2026-11-21 20:00 UTC";
    let (mail, mail_without_trouble) = (english(&busy_day(1500)), english(&busy_day(40)));
    assert!(mail.text.contains(trouble) && mail.html.contains(trouble), "{}", mail.text);
    assert!(!mail_without_trouble.text.contains("Endpoints with problems"), "{}", mail_without_trouble.text);
}

#[test]
fn a_day_without_webhooks_is_two_lines() {
    let text = english(&report_of([])).text;
    assert!(text.contains("No webhooks\nThere were no webhooks to deliver on this day.\n"), "{text}");
    assert!(!text.contains("By event type"), "{text}");
}

#[test]
fn a_mail_loads_nothing() {
    let html = english(&busy_day(1500)).html;
    for loader in ["<img", "<script", "<link", "@import", "url(", "src="] {
        assert!(!html.contains(loader), "{loader}");
    }
}

#[test]
fn a_project_name_is_escaped() {
    let mail = render(&report_of([]), r#"<b>"A" & 'B'</mj-text>"#, reader(Language::English)).unwrap();
    assert!(!mail.html.contains("<b>") && !mail.html.contains("</mj-text>"));
    assert!(mail.html.contains("&#60;b&#62;&#34;A&#34; &#38; &#39;B&#39;"), "{}", mail.html);
}

/// The largest report that the limits of the product allow: every list is full, and every name is long and needs escaping.
fn largest_report() -> ReportView {
    let day = Day::default();
    let (mut report, long) = (busy_day(1500), "<".repeat(128));
    let host = |number: u64| Some(format!("{}-{number:03}.example", "h".repeat(240)));
    let endpoint_id = |number: u64| EndpointId::new(day.date.start().plus(Duration::from_secs(number)), &SystemRandom);
    let (trouble, key) = (report.endpoints_in_trouble[0].clone(), report.expiring_keys[0].clone());
    let (problem, row) = (report.problems[0].clone(), report.by_endpoint[0].clone());
    report.by_endpoint.clear();
    report.endpoints_in_trouble.clear();
    for number in 0..60 {
        report.by_endpoint.push(EndpointTotals { endpoint_id: endpoint_id(number), host: host(number), ..row.clone() });
    }
    for number in 0..10 {
        let host = host(number).unwrap();
        let (reason, disables_at) = (Some(FailureReason::ConnectionLost), Some(day.next_morning()));
        report.endpoints_in_trouble.push(TroubledEndpoint {
            host,
            reason,
            status: None,
            disables_at,
            ..trouble.clone()
        });
    }
    let name = Name::try_from("<".repeat(100)).unwrap();
    let unused = UnusedKey { name: name.clone(), ..report.unused_keys[0].clone() };
    report.unused_keys = vec![unused; 20];
    report.expiring_keys = vec![ExpiringKey { name, ..key }; 20];
    let submission_id = Some(SubmissionId::try_from(long).unwrap());
    let example = Example { submission_id, ..problem.examples[0].clone() };
    let reason = |reason| ProblemReason { reason, status: None, deliveries: 1_000_000 };
    let problem = |number: u64| Problem {
        endpoint_id: endpoint_id(number),
        host: host(number),
        event_type: EventType::AmlOngoing,
        expired: 1_000_000,
        still_trying: 1_000_000,
        reasons: [FailureReason::ConnectionLost, FailureReason::Tls, FailureReason::TooLarge].map(reason).to_vec(),
        examples: vec![example.clone(); MAX_EXAMPLES],
        ..problem.clone()
    };
    report.problems = (0..MAX_PROBLEMS as u64).map(problem).collect();
    report.more_problems = 60;
    report
}

#[test]
fn the_largest_report_is_cut_before_gmail_clips_its_unsubscribe_link() {
    let report = largest_report();
    let url = format!("{UNSUBSCRIBE}{}", "a".repeat(300));
    for language in Language::ALL {
        let mail = render(&report, &"<".repeat(100), Reader { language, unsubscribe_url: &url }).unwrap();
        // Gmail clips mails at 102 KB.
        let size = mail.html.len() + mail.text.len();
        assert!(size <= MAX_MAIL_BYTES, "{language}: {size} bytes");
        assert!(mail.html.contains(&format!("href=\"{url}\"")) && mail.text.contains(&url), "{language}");
        let listed = mail.html.matches("aml-ongoing:").count();
        assert!((1..MAX_PROBLEMS).contains(&listed), "{language}: {listed} problems");
        let more = words::in_language(language).more((MAX_PROBLEMS - listed + 60) as u64);
        assert!(mail.html.contains(&more) && mail.text.contains(&more), "{language}: {more}");
        assert!(render_page(&report, "Acme", language).unwrap().len() <= MAX_MAIL_BYTES);
    }
}

#[test]
fn the_style_sheets_of_a_mail_are_short_enough_for_gmail() {
    /// Gmail ignores a style sheet with more characters, and all that follow.
    const MAX_STYLE: usize = 8192;
    for language in Language::ALL {
        let confirmation = confirmation_mail("https://api.acme.example/confirm/x", language);
        for mail in [report_mail(&largest_report(), language), notice_mail(NoticeKind::Failing, language), confirmation]
        {
            let styles = mail.html.split("<style").skip(1).map(|rest| rest.split_once("</style>").unwrap().0.len());
            assert!(styles.sum::<usize>() <= MAX_STYLE);
        }
    }
}

#[test]
fn a_report_in_which_every_type_fails_at_every_endpoint_is_not_cut() {
    let day = Day::default();
    let report = report_of((0..500).map(|number| {
        let event_type = EventType::ALL[usize::try_from(number % 11).unwrap()];
        day.delivery_of(event_type, day.endpoints[usize::try_from(number % 3).unwrap()], number).failed().get()
    }));
    assert_eq!(report.problems.len(), 33);
    for mail in Language::ALL.map(|language| report_mail(&report, language)) {
        assert_eq!(mail.text.matches("503\n    ").count(), 33, "{}", mail.text);
        assert!(mail.html.len() + mail.text.len() <= MAX_MAIL_BYTES, "{}", mail.html.len());
    }
}

#[test]
fn trouble_comes_before_the_numbers() {
    let text = english(&busy_day(1500)).text;
    let position = |line: &str| text.find(line).unwrap_or_else(|| panic!("{line} is missing in:\n{text}"));
    let titles = ["Endpoints with problems", "Failing webhooks", "API keys that expire soon", "Webhooks of the day"];
    assert!(titles.map(position).is_sorted(), "{text}");
}

#[test]
fn webhooks_that_fail_for_good_days_later_are_in_both_parts() {
    let day = Day::default();
    let aml = day.earlier_delivery_of(EventType::Aml, day.endpoints[0], 7, 3);
    let answer = |delivery: DeliveryBuilder, hours: u64, wait| {
        delivery.attempt(hours * 3_600_000, 90, Err((FailureReason::Status, Some(400))), wait)
    };
    let given_up = answer(answer(aml, 1, Some(Duration::from_hours(70))), 71, None).get();
    let late =
        day.earlier_delivery_of(EventType::Approved, day.endpoints[0], 8, 1).delivered_after(86_400_000, 9).get();
    let report = report_of([given_up, late]);
    let mail = english(&report);
    assert_eq!(mail.subject, "✗ 1 of 2 webhooks failed · Acme Identity · 2026-11-21");
    for part in [&mail.text, &mail.html] {
        for fact in [
            "aml: 1 failed",
            "The receiver responded with 400",
            "Submissions: sub-7",
            "Webhooks of earlier days: 1 delivered · 1 failed",
            "then replay them",
        ] {
            assert!(part.contains(fact), "{fact}: {part}");
        }
    }
    assert!(!mail.html.contains("width=\"0%\""), "a day without events of its own has no bar");
}

#[test]
fn the_report_of_a_day_in_progress_says_so() {
    let day = Day::default();
    let noon = day.date.start().plus(Duration::from_hours(12));
    let report = Report::new(day.project_id, day.date).view(noon, &day.endpoints(), Vec::new());
    let text = english(&report).text;
    assert!(text.contains("2026-11-21 (UTC), in progress"), "{text}");
    assert!(text.contains("Data as of 2026-11-21 12:00 UTC."), "{text}");
}

#[test]
fn the_subject_of_the_confirmation_mail_contains_nothing_that_a_customer_wrote() {
    for language in Language::ALL {
        let mail = confirmation_mail("https://api.acme.example/confirm/x", language);
        assert!(!mail.subject.contains("Acme"), "{}", mail.subject);
        assert!(mail.html.contains("Acme Identity") && mail.text.contains("Acme Identity"), "{}", mail.text);
    }
}

#[test]
fn the_direction_of_a_project_name_does_not_affect_the_text_around_it() {
    let name = "שלום\u{FDD1}\u{FDD0}";
    let report = render(&report_of([]), name, reader(Language::English)).unwrap();
    let notice = render_notice(&notice(NoticeKind::Failing), "hooks.acme.example", name, reader(Language::English));
    let confirmation = render_confirmation(name, "https://x", Day::default().next_morning(), Language::English);
    for mail in [report, notice.unwrap(), confirmation.unwrap()] {
        let body = &mail.html[mail.html.find("<body").unwrap()..];
        assert!(body.contains("<bdi>שלום</bdi>"), "{body}");
        // The label for screen readers is an attribute, which cannot contain elements.
        let rest = body.replace("<bdi>שלום</bdi>", "").replace(&mail.subject, "");
        assert!(!rest.contains("שלום"), "{rest}");
        assert!(!mail.html[..mail.html.find("<body").unwrap()].contains("<bdi>"), "a title cannot contain elements");
        for part in [&mail.subject, &mail.html, &mail.text] {
            assert!(!part.contains(['\u{FDD0}', '\u{FDD1}']), "{part}");
        }
    }
}

#[test]
fn both_parts_of_the_confirmation_mail_contain_the_link() {
    let link = "https://api.acme.example/confirm/0199-a.k1.b_c";
    for language in Language::ALL {
        let mail = confirmation_mail(link, language);
        assert!(mail.html.contains(&format!("href=\"{link}\"")), "{}", mail.html);
        assert!(mail.text.contains(&format!("\n{link}\n")), "{}", mail.text);
        assert!(mail.text.contains("2026-11-22 00:10 UTC"), "{}", mail.text);
    }
}

#[test]
fn every_mail_to_a_subscriber_has_an_unsubscribe_link() {
    let report = busy_day(1500);
    for language in Language::ALL {
        for mail in [report_mail(&report, language), notice_mail(NoticeKind::DisabledGone, language)] {
            assert!(mail.html.contains(&format!("href=\"{UNSUBSCRIBE}\"")), "{}", mail.html);
            assert!(mail.text.contains(UNSUBSCRIBE) && mail.unsubscribe_url.as_deref() == Some(UNSUBSCRIBE));
        }
        assert!(!render_page(&report, "Acme", language).unwrap().contains("<a "), "the page has no subscriber");
    }
}
