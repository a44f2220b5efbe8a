//! What the mails promise, read from the mails themselves.

use std::time::Duration;

use super::*;
use crate::delivery::{Delivery, FailureReason, HoldReason};
use crate::event::EventType;
use crate::health::{LastFailure, Notice, NoticeKind};
use crate::report::testing::Day;
use crate::report::{MOST_FAILURES, Report, ReportView};

const UNSUBSCRIBE: &str = "https://api.acme.example/unsubscribe/019ab5e0.k1.x-_y";

fn report_of(deliveries: impl IntoIterator<Item = Delivery>) -> ReportView {
    let day = Day::default();
    let mut report = Report::new(day.project_id, day.date);
    deliveries.into_iter().for_each(|delivery| report.add(&delivery));
    report.view(day.next_morning(), &day.endpoints(), Vec::new())
}

/// A day with something of everything: all types, three endpoints of which one was deleted, failures of both kinds.
fn busy_day(scale: u64) -> ReportView {
    let day = Day::default();
    let delivery = |number: u64| {
        let event_type = EventType::ALL[usize::try_from(number * 7 % 11).unwrap()];
        let endpoint = day.endpoints[if number.is_multiple_of(40) { 2 } else { usize::from(number.is_multiple_of(4)) }];
        let queued = day.delivery_of(event_type, endpoint, number);
        match number {
            number if number % 97 == 0 => queued.refused_after(40, 3).failed().get(),
            number if number % 89 == 0 => queued.get().cancelled(),
            number if number % 83 == 0 => queued.get().held(HoldReason::Disabled),
            number if number % 61 == 0 => {
                let timeout = Err((FailureReason::Timeout, None));
                queued.refused_after(40, 3).attempt(60_000, 15_000, timeout, Some(Duration::from_hours(16))).get()
            }
            number if number % 23 == 0 => queued.refused_after(40, 3).taken_after(12_000, 180).get(),
            _ => queued.taken_after(40 + number % 90, 120).get(),
        }
    };
    let mut report = Report::new(day.project_id, day.date);
    (1..=scale).map(delivery).for_each(|delivery| report.add(&delivery));
    let (endpoints, keys) =
        if scale > 100 { (day.endpoints_in_trouble(), day.expiring_keys()) } else { (day.endpoints(), Vec::new()) };
    report.view(day.next_morning(), &endpoints, keys)
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

fn english(report: &ReportView) -> Mail {
    render(report, "Acme Identity", reader(Language::En)).unwrap()
}

fn notice_mail(kind: NoticeKind, language: Language) -> Result<Mail, RenderError> {
    render_notice(&notice(kind), "hooks.acme.example", "Acme Identity", reader(language))
}

fn korean(report: &ReportView) -> Mail {
    render(report, "Acme Identity", reader(Language::Ko)).unwrap()
}

#[test]
fn the_subject_tells_the_state_at_a_glance() {
    let day = Day::default();
    let taken = |number| day.delivery(number).taken_after(10, 10).get();
    let failed = |number| day.delivery(number).failed().get();
    let waiting = |number| day.delivery(number).refused_after(10, 10).get();
    let cancelled = |number| day.delivery(number).get().cancelled();
    let days = [
        (report_of([]), "No webhooks", "웹훅 없음"),
        (report_of([taken(0)]), "✓ 1 webhook delivered", "✓ 웹훅 1건 전달됨"),
        (report_of((0..1204).map(taken)), "✓ All 1,204 webhooks delivered", "✓ 웹훅 1,204건 모두 전달됨"),
        (report_of([taken(0), cancelled(1)]), "✓ 1 webhook delivered, 1 cancelled", "✓ 웹훅 1건 전달, 1건 취소"),
        (
            report_of([taken(0), waiting(1)]),
            "⚠ 1 of 2 webhooks not delivered yet",
            "⚠ 웹훅 2건 중 1건 아직 전달되지 않음",
        ),
        (report_of([taken(0), failed(1)]), "✗ 1 of 2 webhooks failed", "✗ 웹훅 2건 중 1건 실패"),
        (
            report_of([taken(0), failed(1), waiting(2)]),
            "✗ 1 of 3 webhooks failed, 1 still trying",
            "✗ 웹훅 3건 중 1건 실패, 1건 시도 중",
        ),
    ];
    for (report, in_english, in_korean) in days {
        assert_eq!(english(&report).subject, format!("{in_english} · Acme Identity · 2026-11-21"));
        assert_eq!(korean(&report).subject, format!("{in_korean} · Acme Identity · 2026-11-21"));
    }
}

#[test]
fn both_parts_tell_the_same_facts() {
    let report = busy_day(1500);
    let delivered = words::count(report.totals.delivered);
    let at_once = words::percent(report.first_attempts.per_mille().unwrap());
    let facts = [
        "Acme Identity",
        "2026-11-21",
        "1,500",
        "aml-ongoing",
        "hooks.acme.example",
        "503",
        "sub-97",
        &delivered,
        &at_once,
    ];
    for mail in [english(&report), korean(&report)] {
        for fact in facts {
            assert!(mail.text.contains(fact), "{fact} is missing from the text:\n{}", mail.text);
            assert!(mail.html.contains(fact), "{fact} is missing from the HTML");
        }
    }
}

/// The samples are there to be looked at in a browser. `MAIL_SAMPLES=write` writes them anew after a change.
#[test]
fn mails_look_as_in_the_samples() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report_mail/samples");
    let writes = crate::config::environment("MAIL_SAMPLES").is_some_and(|wish| wish == "write");
    let link = "https://api.acme.example/confirm/019ab5e0-0000-7000-8000-000000000000.k1.VGhpcyBpcyBubyB0b2tlbg";
    for (code, language) in [("en", Language::En), ("ko", Language::Ko)] {
        let mails = [
            ("busy", render(&busy_day(1500), "Acme Identity", reader(language))),
            ("good", render(&busy_day(40), "Acme Identity", reader(language))),
            ("quiet", render(&report_of([]), "Acme Identity", reader(language))),
            ("failing", notice_mail(NoticeKind::Failing, language)),
            ("disabled", notice_mail(NoticeKind::DisabledFailing, language)),
            ("confirmation", render_confirmation("Acme Identity", link, Day::default().next_morning(), language)),
        ];
        for (kind, mail) in mails {
            let mail = mail.unwrap();
            for (extension, part) in [("html", mail.html), ("txt", mail.text)] {
                let file = folder.join(format!("{kind}-{code}.{extension}"));
                if writes {
                    std::fs::write(&file, &part).unwrap();
                }
                let sample = std::fs::read_to_string(&file).unwrap_or_default();
                assert!(
                    part == sample,
                    "{} is not as in the sample; if it should be, set MAIL_SAMPLES=write",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn a_notice_says_what_happened_what_follows_and_what_to_do() {
    let mail = |kind| notice_mail(kind, Language::En).unwrap();
    let (failing, disabled) = (mail(NoticeKind::Failing), mail(NoticeKind::DisabledFailing));
    assert_eq!(failing.subject, "⚠ Webhooks to hooks.acme.example fail · Acme Identity");
    assert_eq!(disabled.subject, "✗ Webhooks to hooks.acme.example are stopped · Acme Identity");
    for fact in ["2026-11-20 12:00 UTC", "1,310", "502", "2026-11-25 12:00 UTC"] {
        assert!(failing.text.contains(fact) && failing.html.contains(fact), "{fact}: {}", failing.text);
    }
    assert!(!failing.text.contains("/resume") && disabled.text.contains("/resume"), "{}", disabled.text);
    let gone = mail(NoticeKind::DisabledGone).text;
    assert!(gone.contains("410") && !gone.contains("502"), "{gone}");
}

#[test]
fn endpoints_in_trouble_stand_in_both_parts() {
    let trouble = "Disabled since 2026-11-21 20:00 UTC";
    let (mail, calm) = (english(&busy_day(1500)), english(&busy_day(40)));
    assert!(mail.text.contains(trouble) && mail.html.contains(trouble), "{}", mail.text);
    assert!(!calm.text.contains("Endpoints in trouble"), "{}", calm.text);
}

#[test]
fn a_quiet_day_is_one_line() {
    let text = english(&report_of([])).text;
    assert!(text.contains("No webhooks\nThere was nothing to deliver on this day.\n"), "{text}");
    assert!(!text.contains("By event type"), "{text}");
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let html = english(&busy_day(1500)).html;
    for outside in ["<img", "<script", "<link", "@import", "url(", "src="] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn names_cannot_break_out_of_the_page() {
    let mail = render(&report_of([]), r#"<b>"A" & 'B'</mj-text>"#, reader(Language::En)).unwrap();
    assert!(!mail.html.contains("<b>") && !mail.html.contains("</mj-text>"));
    assert!(mail.html.contains("&#60;b&#62;&#34;A&#34; &#38; &#39;B&#39;"), "{}", mail.html);
}

#[test]
fn the_longest_report_is_not_clipped() {
    // Gmail cuts mails off at 102 KB.
    let day = Day::default();
    let report = report_of((0..500).map(|number| {
        let event_type = EventType::ALL[usize::try_from(number % 11).unwrap()];
        day.delivery_of(event_type, day.endpoints[0], number).failed().get()
    }));
    assert_eq!(report.failures.len(), MOST_FAILURES);
    assert!(english(&report).html.len() < 90_000, "{}", english(&report).html.len());
}

#[test]
fn a_day_that_is_not_over_says_so() {
    let day = Day::default();
    let noon = day.date.start().plus(Duration::from_hours(12));
    let report = Report::new(day.project_id, day.date).view(noon, &day.endpoints(), Vec::new());
    let text = english(&report).text;
    assert!(text.contains("2026-11-21 (UTC), not over yet"), "{text}");
    assert!(text.contains("State as of 2026-11-21 12:00 UTC."), "{text}");
}

#[test]
fn the_confirmation_mail_carries_the_link_in_both_parts() {
    let link = "https://api.acme.example/confirm/0199-a.k1.b_c";
    for language in [Language::En, Language::Ko] {
        let mail = render_confirmation("Acme", link, Day::default().next_morning(), language).unwrap();
        assert!(mail.html.contains(&format!("href=\"{link}\"")), "{}", mail.html);
        assert!(mail.text.contains(&format!("\n{link}\n")), "{}", mail.text);
        assert!(mail.text.contains("2026-11-22 00:10 UTC"), "{}", mail.text);
    }
}

#[test]
fn whoever_has_subscribed_can_unsubscribe() {
    let report = busy_day(1500);
    for language in [Language::En, Language::Ko] {
        let mails = [render(&report, "Acme", reader(language)), notice_mail(NoticeKind::DisabledGone, language)];
        for mail in mails.map(Result::unwrap) {
            assert!(mail.html.contains(&format!("href=\"{UNSUBSCRIBE}\"")), "{}", mail.html);
            assert!(mail.text.contains(UNSUBSCRIBE) && mail.unsubscribe_url.as_deref() == Some(UNSUBSCRIBE));
        }
        assert!(!render_page(&report, "Acme", language).unwrap().contains("<a "), "who looks has not subscribed");
    }
}
