//! The default values of template parameters against the defaults in the code.

use domain::webhooks::health::{DEFAULT_POLICY, HealthPolicy};
use domain::webhooks::retry::{DEFAULT_SCHEDULE, RetrySchedule};

use crate::text_of;

/// The default of a parameter. In our templates, the line `Default:` stands below the parameter's name.
fn default_of(template: &str, parameter: &str) -> String {
    let yaml = text_of(template);
    let (_, lines) = yaml.split_once(&format!("\n  {parameter}:\n")).unwrap();
    let mut lines = lines.lines().take_while(|line| line.starts_with("    "));
    lines.find_map(|line| line.strip_prefix("    Default: ")).unwrap().to_owned()
}

#[test]
fn the_templates_have_the_retry_schedule_and_the_health_policy_of_the_code() {
    for template in ["infra/application.yaml", "infra/signpost.yaml"] {
        assert_eq!(default_of(template, "RetrySchedule"), DEFAULT_SCHEDULE, "{template}");
        assert_eq!(default_of(template, "HealthPolicy"), DEFAULT_POLICY, "{template}");
    }
    assert!(DEFAULT_SCHEDULE.parse::<RetrySchedule>().is_ok() && DEFAULT_POLICY.parse::<HealthPolicy>().is_ok());
}
