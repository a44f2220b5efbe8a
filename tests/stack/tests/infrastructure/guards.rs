//! Settings that every resource of a type must have. Exceptions are listed here with their reasons.

use crate::resources;

const TEMPLATES: [&str; 4] =
    ["infra/application.yaml", "infra/network.yaml", "infra/alarms.yaml", "infra/signpost.yaml"];

/// The required settings of each resource type, as text in the template.
const GUARDS: [(&str, &[&str]); 10] = [
    (
        "AWS::DynamoDB::Table",
        &[
            "DeletionPolicy: RetainExceptOnCreate",
            "UpdateReplacePolicy: Retain",
            "BillingMode: PAY_PER_REQUEST",
            "PointInTimeRecoveryEnabled: true",
            "DeletionProtectionEnabled: !If [HasDeletionProtection, true, false]",
            "AttributeName: expiresAt\n        Enabled: true",
        ],
    ),
    ("AWS::SecretsManager::Secret", &["DeletionPolicy: RetainExceptOnCreate", "UpdateReplacePolicy: Retain"]),
    ("AWS::SQS::Queue", &["SqsManagedSseEnabled: !If [HasKmsKey, !Ref AWS::NoValue, true]", "deadLetterTargetArn"]),
    ("AWS::Logs::LogGroup", &["RetentionInDays: !Ref LogRetentionDays"]),
    ("AWS::Serverless::Function", &["Role: !GetAtt ", "LogGroup: !Ref ", "Timeout: ", "MemorySize: "]),
    ("AWS::EC2::EIP", &["DeletionPolicy: RetainExceptOnCreate", "UpdateReplacePolicy: Retain"]),
    ("AWS::EC2::SecurityGroup", &["SecurityGroupIngress: []"]),
    ("AWS::ApiGatewayV2::DomainName", &["SecurityPolicy: TLS_1_2"]),
    // With a custom domain name, API Gateway's own host is disabled, so that callers cannot bypass a proxy in front of the domain.
    ("AWS::ApiGatewayV2::Api", &["DisableExecuteApiEndpoint: !If [Disables"]),
    (
        "AWS::ApiGatewayV2::Stage",
        &["DefaultRouteSettings:\n        ThrottlingRateLimit: !Ref ", "\n        ThrottlingBurstLimit: !Ref "],
    ),
];

/// Settings that a resource may lack, with the reason.
const EXCEPTIONS: [(&str, &str, &str); 4] = [
    ("SendDeadLetters", "deadLetterTargetArn", "it is a dead-letter queue itself"),
    ("SlowDeadLetters", "deadLetterTargetArn", "it is a dead-letter queue itself"),
    ("ReportDeadLetters", "deadLetterTargetArn", "it is a dead-letter queue itself"),
    ("MailFeedbackDeadLetters", "deadLetterTargetArn", "it is a dead-letter queue itself"),
];

#[test]
fn every_resource_has_the_required_settings_of_its_type() {
    let resources = TEMPLATES.into_iter().flat_map(resources).collect::<Vec<_>>();
    for (kind, wanted) in GUARDS {
        let of_kind = resources.iter().filter(|(_, lines)| lines.contains(&format!("Type: {kind}\n")));
        let mut count = 0;
        for (name, lines) in of_kind {
            let may_lack =
                |text| EXCEPTIONS.iter().any(|(resource, left_out, _)| resource == name && *left_out == text);
            for text in wanted.iter().filter(|text| !may_lack(**text)) {
                assert!(lines.contains(text), "{name} lacks {text}");
            }
            count += 1;
        }
        assert!(count > 0, "the templates have no {kind}");
    }
}

#[test]
fn schedules_are_named_by_stack_and_queue_readers_may_send_to_their_queue() {
    let resources = resources("infra/application.yaml");
    let functions = || resources.iter().filter(|(_, lines)| lines.contains("Type: AWS::Serverless::Function\n"));
    for (name, lines) in functions().filter(|(_, lines)| lines.contains("Type: ScheduleV2\n")) {
        assert!(lines.contains("Name: !Sub \"${Name}-"), "the schedule of {name} has the same name in every stack");
        assert!(lines.contains("EventInvokeConfig: "), "{name} does not set the number of retries of a failed run");
    }
    // These functions send to the queue they read. Without `Allow`, Lambda stops a message after sixteen rounds as a loop.
    for (name, queue, variable) in [
        ("WebhookSender", "SendQueue", "SEND_QUEUE_URL"),
        ("WebhookSender", "SlowQueue", "SLOW_QUEUE_URL"),
        ("DailyDigest", "ReportQueue", "REPORT_QUEUE_URL"),
    ] {
        let (_, lines) = functions().find(|(found, _)| found == name).unwrap();
        assert!(
            lines.contains(&format!("{variable}: !Ref {queue}")) && lines.contains("RecursiveLoop: Allow"),
            "{name}"
        );
    }
}

#[test]
fn no_resource_is_public_and_aws_services_may_act_only_for_our_own_resources() {
    for (name, lines) in TEMPLATES.into_iter().flat_map(resources) {
        let is_public = |statement: &str| statement.starts_with("Allow") && statement.contains("Principal: \"*\"");
        assert!(
            !lines.split("Effect: ").any(is_public) && !lines.contains("Type: AWS::S3::"),
            "{name} may be public: check its policy and extend this test"
        );
        let is_policy = ["QueuePolicy\n", "TopicPolicy\n"].iter().any(|kind| lines.contains(kind));
        let allows_a_service = lines.contains("Effect: Allow");
        assert!(
            !is_policy || !allows_a_service || lines.to_lowercase().contains("\"aws:source"),
            "{name} lets an AWS service act for any account"
        );
    }
}

#[test]
fn every_throttled_route_exists_before_the_stage_and_targets_the_function() {
    let resources = resources("infra/application.yaml");
    let (_, stage) = resources.iter().find(|(name, _)| name == "ApiStage").unwrap();
    let (_, settings) = stage.split_once("RouteSettings:\n        \"").unwrap();
    let throttled: Vec<&str> = settings
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '"']).split_once("\": {"))
        .map(|(key, _)| key)
        .collect();
    let (_, depends_on) = stage.split_once("DependsOn: [").unwrap();
    let (depends_on, _) = depends_on.split_once(']').unwrap();
    let mut routes = Vec::new();
    for name in depends_on.split(", ") {
        let (_, route) = resources.iter().find(|(found, _)| found == name).unwrap();
        assert!(route.contains("Target: !Sub \"integrations/${ApiIntegration}\""), "{name}");
        let (_, key) = route.split_once("RouteKey: ").unwrap();
        routes.extend(key.lines().next().filter(|key| *key != "$default"));
    }
    assert_eq!(throttled, routes);
}

#[test]
fn all_http_functions_have_the_proxy_settings() {
    let resources = resources("infra/application.yaml");
    for (name, condition) in [
        ("Api", "HasApiBaseUrl"),
        ("Feed", "HasApiBaseUrl"),
        ("Console", "HasConsoleBaseUrl"),
        ("Redirect", "HasRedirectBaseUrl"),
    ] {
        let (_, lines) = resources.iter().find(|(found, _)| found == name).unwrap();
        for variable in [
            format!("PROXY_SECRET_HASHES: !If [{condition}, !Ref ProxySecretHashes, \"\"]"),
            "PROXY_ADDRESS_HEADER: !Ref ProxyAddressHeader".to_owned(),
            "PROXY_HOPS: !Ref ProxyHops".to_owned(),
        ] {
            assert!(lines.contains(&variable), "{name} lacks {variable}");
        }
    }
}
