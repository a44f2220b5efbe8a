//! Settings that every resource of a type must have. Exceptions are listed here with their reasons.

use crate::resources;

const TEMPLATES: [&str; 4] =
    ["infra/application.yaml", "infra/network.yaml", "infra/alarms.yaml", "infra/signpost.yaml"];

/// The required settings of each resource type, as text in the template.
const GUARDS: [(&str, &[&str]); 8] = [
    (
        "AWS::DynamoDB::Table",
        &[
            "DeletionPolicy: Retain",
            "UpdateReplacePolicy: Retain",
            "BillingMode: PAY_PER_REQUEST",
            "PointInTimeRecoveryEnabled: true",
            "SSEEnabled: true",
            "AttributeName: expiresAt\n        Enabled: true",
        ],
    ),
    ("AWS::SecretsManager::Secret", &["DeletionPolicy: Retain", "UpdateReplacePolicy: Retain"]),
    ("AWS::SQS::Queue", &["SqsManagedSseEnabled: true", "deadLetterTargetArn"]),
    ("AWS::Logs::LogGroup", &["RetentionInDays: !Ref LogRetentionDays"]),
    ("AWS::Serverless::Function", &["Role: !GetAtt ", "LogGroup: !Ref ", "Timeout: ", "MemorySize: "]),
    ("AWS::EC2::EIP", &["DeletionPolicy: Retain", "UpdateReplacePolicy: Retain"]),
    ("AWS::EC2::SecurityGroup", &["SecurityGroupIngress: []"]),
    ("AWS::ApiGatewayV2::DomainName", &["SecurityPolicy: TLS_1_2"]),
];

/// Settings that a resource may lack, with the reason.
const EXCEPTIONS: [(&str, &str, &str); 3] = [
    ("SendDeadLetters", "deadLetterTargetArn", "it is a dead-letter queue itself"),
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
        assert!(
            lines.contains("Name: !Sub \"${AWS::StackName}-"),
            "the schedule of {name} has the same name in every stack"
        );
        assert!(lines.contains("EventInvokeConfig: "), "{name} does not set the number of retries of a failed run");
    }
    // These functions send to the queue they read. Without `Allow`, Lambda stops a message after sixteen rounds as a loop.
    for (name, queue, variable) in
        [("WebhookSender", "SendQueue", "SEND_QUEUE_URL"), ("DailyDigest", "ReportQueue", "REPORT_QUEUE_URL")]
    {
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
        assert!(
            !lines.contains("Principal: \"*\"") && !lines.contains("Type: AWS::S3::"),
            "{name} may be public: check its policy and extend this test"
        );
        let is_policy = ["QueuePolicy\n", "TopicPolicy\n"].iter().any(|kind| lines.contains(kind));
        assert!(
            !is_policy || lines.to_lowercase().contains("\"aws:source"),
            "{name} lets an AWS service act for any account"
        );
    }
}
