//! What every resource of a kind has to have. Whoever leaves something of it out, says here why.

use crate::statements::rights_of;
use crate::{functions, resources, role_of};

const TEMPLATES: [&str; 4] =
    ["infra/application.yaml", "infra/network.yaml", "infra/alarms.yaml", "infra/signpost.yaml"];

/// What resources of a type have to say.
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

/// What a resource may leave out, and why.
const EXCEPTIONS: [(&str, &str, &str); 3] = [
    ("SendDeadLetters", "deadLetterTargetArn", "it is where dead letters go"),
    ("ReportDeadLetters", "deadLetterTargetArn", "it is where dead letters go"),
    ("MailFeedbackDeadLetters", "deadLetterTargetArn", "it is where dead letters go"),
];

/// The statements that name no resource, by their beginning, and why.
const ANY_RESOURCE: [(&str, &str); 3] = [
    ("ses:SendEmail", "held to one sender instead: SES may ask for identities that nobody knows before"),
    ("ec2:", "AWS offers no narrower resource for a function's network interfaces"),
    ("xray:", "AWS offers no resource for traces"),
];

#[test]
fn every_resource_has_what_its_kind_has_to_have() {
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
        assert!(count > 0, "there is no {kind}");
    }
}

#[test]
fn every_stack_has_schedules_of_its_own_and_may_send_to_the_queues_it_reads() {
    let resources = resources("infra/application.yaml");
    let functions = || resources.iter().filter(|(_, lines)| lines.contains("Type: AWS::Serverless::Function\n"));
    for (name, lines) in functions().filter(|(_, lines)| lines.contains("Type: ScheduleV2\n")) {
        assert!(lines.contains("Name: !Sub \"${AWS::StackName}-"), "{name}'s schedule is called alike in every stack");
        assert!(lines.contains("EventInvokeConfig: "), "{name} does not say how often a run that fails is tried again");
    }
    // Those that read a queue whose URL they have: Lambda takes what goes round there sixteen times for a loop.
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
fn no_right_is_on_every_resource_but_where_there_is_no_other_way() {
    for role in functions().iter().map(|function| role_of(function)) {
        let rights = rights_of(&role);
        for action in rights.iter().filter_map(|right| right.strip_prefix("* ")) {
            assert!(ANY_RESOURCE.iter().any(|(prefix, _)| action.starts_with(prefix)), "{role} may {action} anywhere");
        }
    }
}

#[test]
fn nothing_is_open_to_everybody_and_services_of_aws_come_for_one_resource_of_ours() {
    for (name, lines) in TEMPLATES.into_iter().flat_map(resources) {
        assert!(
            !lines.contains("Principal: \"*\"") && !lines.contains("Type: AWS::S3::"),
            "{name} has to be looked at"
        );
        let is_policy = ["QueuePolicy\n", "TopicPolicy\n"].iter().any(|kind| lines.contains(kind));
        assert!(!is_policy || lines.to_lowercase().contains("\"aws:source"), "{name} lets a service in for anybody");
    }
}
