use serde_json::json;

use super::*;

const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  OperatorName: { Type: String, MinLength: 1 }
  PublicUrl: { Type: String, Default: "https://example.com" }
  RelayRootCertificates: { Type: String, Default: "" }
  Stage: { Type: String, Default: local, AllowedValues: [local, prod] }
  Networks: { Type: CommaDelimitedList, Default: "10.0.0.0/8, 127.0.0.0/8" }
Mappings:
  Sizes: { local: { Memory: 256 }, prod: { Memory: 512 } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsLocal: !Not [!Condition IsProd]
  Both: !And [!Condition IsLocal, !Or [!Condition IsProd, !Equals [a, a]]]
Globals:
  Function:
    Runtime: provided.al2023
    Handler: bootstrap
    Timeout: 10
    Environment:
      Variables:
        PUBLIC_URL: !Ref PublicUrl
        WHO: global
Resources:
  Api: { Type: AWS::Serverless::HttpApi, Properties: { StageName: $default } }
  SendFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${AWS::StackName}-send"
      CodeUri: target/lambda/send/
      MemorySize: !FindInMap [Sizes, !Ref Stage, Memory]
      Environment:
        Variables:
          WHO: !Sub "${OperatorName} of ${Town} ${!Literal}"
          SEND_QUEUE_URL: !Ref SendQueue
          SECRET: !Ref Pepper
          ROOTS: !Ref RelayRootCertificates
          NETWORKS: !Join [",", !Ref Networks]
          SECOND: !Select [1, !Split ["-", "a-b-c"]]
          ONLY_PROD: !If [IsProd, "yes", !Ref AWS::NoValue]
          BOTH: !If [Both, "yes", "no"]
          NUMBER: 12
      Policies:
        - AWSLambdaBasicExecutionRole
        - Version: "2012-10-17"
          Statement:
            - Sid: Claim
              Effect: Allow
              Action: [dynamodb:PutItem, dynamodb:GetItem]
              Resource: !GetAtt OutreachTable.Arn
              Condition: { "ForAllValues:StringLike": { dynamodb:LeadingKeys: ["W#*"] } }
            - { Sid: Data, Effect: Allow, Action: kms:Decrypt, Resource: !GetAtt DataKey.Arn }
            - { Sid: Read, Effect: Allow, Action: "s3:GetObject", Resource: !Sub "${Uploads.Arn}/uploads/*" }
      Events:
        Chunks:
          Type: SQS
          Properties:
            Queue: !GetAtt SendQueue.Arn
            BatchSize: 4
            MaximumBatchingWindowInSeconds: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: { MaximumConcurrency: 3 }
        Page: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: "/u/{token}" } }
        Nightly:
          Type: ScheduleV2
          Properties: { Name: purge, ScheduleExpression: "cron(0 3 * * ? *)", ScheduleExpressionTimezone: Europe/Paris }
  OutreachTable:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      TableName: !Sub "${AWS::StackName}-outreach"
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }, { AttributeName: sk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }, { AttributeName: sk, KeyType: RANGE }]
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }
  SendQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: { deadLetterTargetArn: !GetAtt SendDead.Arn, maxReceiveCount: 3 }
  SendDead: { Type: AWS::SQS::Queue, Properties: { MessageRetentionPeriod: 1209600 } }
  FeedbackQueue: { Type: AWS::SQS::Queue }
  Uploads:
    Type: AWS::S3::Bucket
    Properties:
      NotificationConfiguration:
        QueueConfigurations:
          - Event: s3:ObjectCreated:*
            Filter: { S3Key: { Rules: [{ Name: prefix, Value: uploads/ }] } }
            Queue: !GetAtt FeedbackQueue.Arn
  Pepper:
    Type: AWS::SecretsManager::Secret
    Properties:
      Name: prospectra/pepper
      GenerateSecretString: { SecretStringTemplate: "{}", GenerateStringKey: v1, PasswordLength: 64, ExcludePunctuation: true }
  DataKey: { Type: AWS::KMS::Key, Properties: { EnableKeyRotation: true } }
  DataKeyAlias: { Type: AWS::KMS::Alias, Properties: { AliasName: alias/data, TargetKeyId: !Ref DataKey } }
  OnlyProd: { Type: AWS::SQS::Queue, Condition: IsProd }
  Mail: { Type: AWS::SES::ConfigurationSet, Properties: { Name: mail } }
  MailEvents:
    Type: AWS::SES::ConfigurationSetEventDestination
    Properties:
      ConfigurationSetName: !Ref Mail
      EventDestination: { MatchingEventTypes: [BOUNCE, COMPLAINT], SnsDestination: { TopicARN: !Ref Topic } }
  Topic: { Type: AWS::SNS::Topic }
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: { TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt FeedbackQueue.Arn, RawMessageDelivery: true }
Outputs:
  Url: { Value: !Sub "${PublicUrl}/healthz" }
  Prod: { Condition: IsProd, Value: !Ref OnlyProd }
"#;

fn inputs() -> Inputs {
    let mut inputs = Inputs::default();
    inputs.parameters.insert("OperatorName".to_owned(), "Exemple SAS".to_owned());
    inputs.filled.insert("RelayRootCertificates".to_owned(), RELAY_ROOTS.to_owned());
    inputs.filled.insert("NotDeclared".to_owned(), "x".to_owned());
    inputs
}

/// With the town, which the full template above lacks on purpose.
fn whole() -> String {
    TEMPLATE.replace(
        r#"!Sub "${OperatorName} of ${Town} ${!Literal}""#,
        r#"!Sub ["${OperatorName} of ${Town} ${!Literal}", { Town: Lyon }]"#,
    )
}

fn complaint(text: &str) -> String {
    format!("{:#}", Template::parse(text, &inputs()).expect_err("a refusal"))
}

#[test]
fn resolves_functions() {
    let template = Template::parse(&whole(), &inputs()).unwrap();
    let [function] = &template.functions[..] else { panic!("one function") };
    assert_eq!((function.name.as_str(), function.binary.as_str()), ("prospectra-send", "send"));
    assert_eq!((function.timeout.as_secs(), function.memory), (10, 256));
    let endpoints =
        Endpoints { sqs: "http://127.0.0.1:9324".to_owned(), relay_roots: "PEM".to_owned(), ..Endpoints::default() };
    let env = function.env_at(&endpoints);
    let expected = [
        ("BOTH", "yes"),
        ("NETWORKS", "10.0.0.0/8,127.0.0.0/8"),
        ("NUMBER", "12"),
        ("PUBLIC_URL", "https://example.com"),
        ("ROOTS", "PEM"),
        ("SECOND", "b"),
        ("SECRET", "arn:aws:secretsmanager:eu-west-3:000000000000:secret:prospectra/pepper-local1"),
        ("SEND_QUEUE_URL", "http://127.0.0.1:9324/000000000000/prospectra-SendQueue"),
        ("WHO", "Exemple SAS of Lyon ${Literal}"),
    ];
    let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(env, expected);
    let claim = &function.statements[0];
    assert_eq!(claim.sid, "Claim");
    assert_eq!(claim.resources, ["arn:aws:dynamodb:eu-west-3:000000000000:table/prospectra-outreach"]);
    assert_eq!(claim.condition, json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["W#*"]}}));
    assert_eq!(function.statements[1].actions, ["kms:Decrypt"]);
    assert_eq!(function.statements[1].resources, [template.keys[0].arn.clone()]);
    assert_eq!(function.statements[2].resources, ["arn:aws:s3:::prospectra-uploads/uploads/*"]);
    let sqs = EventSource::Sqs {
        queue_arn: "arn:aws:sqs:eu-west-3:000000000000:prospectra-SendQueue".to_owned(),
        batch_size: 4,
        window: Duration::from_secs(1),
        report_batch_item_failures: true,
        max_concurrency: Some(3),
    };
    assert!(function.events.contains(&sqs));
    assert!(
        function.events.contains(&EventSource::HttpApi { method: "GET".to_owned(), path: "/u/{token}".to_owned() })
    );
}

#[test]
fn resolves_what_the_back_ends_need() {
    let template = Template::parse(&whole(), &inputs()).unwrap();
    let table = &template.tables[0];
    assert_eq!(table.ttl_attribute.as_deref(), Some("ttl"));
    assert_eq!(table.create["TableName"], "prospectra-outreach");
    assert_eq!(table.create["BillingMode"], "PAY_PER_REQUEST");
    assert!(table.create.get("TimeToLiveSpecification").is_none());
    let queue = template.queues.iter().find(|q| q.logical_id == "SendQueue").unwrap();
    assert_eq!((queue.visibility_timeout.as_secs(), queue.retention.as_secs()), (60, 345_600));
    assert_eq!(queue.max_receive_count, Some(3));
    assert!(queue.dead_letter.as_deref().unwrap().ends_with(":prospectra-SendDead"));
    assert!(template.queues.iter().all(|q| q.logical_id != "OnlyProd"));
    assert_eq!(template.buckets[0].notifications[0].prefix, "uploads/");
    let SecretValue::Generated { template: seed, key, length, exclude } = &template.secrets[0].value else { panic!() };
    assert_eq!((seed.as_deref(), key.as_deref(), *length), (Some("{}"), Some("v1"), 64));
    assert!(exclude.contains('"'));
    assert_eq!(template.keys[0].aliases, ["alias/data"]);
    assert_eq!(template.mail_events[0].envelope, Envelope::Raw);
    assert_eq!(template.mail_events[0].types, ["BOUNCE", "COMPLAINT"]);
    assert_eq!(template.outputs.get("Url").map(String::as_str), Some("https://example.com/healthz"));
    assert!(!template.outputs.contains_key("Prod"));
}

#[test]
fn refuses_what_it_would_get_wrong_and_names_it() {
    assert!(complaint(TEMPLATE).contains("Town"), "{}", complaint(TEMPLATE));
    let whole = whole();
    for (from, to, names) in [
        ("FunctionResponseTypes", "FunctionResponseTyp", "SendFunction.Chunks: property FunctionResponseTyp"),
        ("!GetAtt OutreachTable.Arn", "!GetAtt OutreachTabel.Arn", "OutreachTabel"),
        ("Timeout: 10", "TimeOut: 10", "SendFunction: property TimeOut"),
        ("VisibilityTimeout: 60", "VisibilityTimeouts: 60", "SendQueue: property VisibilityTimeouts"),
        ("BatchSize: 4", "BatchSize: 11000", "SendFunction.Chunks"),
        ("!Ref SendQueue", "!ImportValue SendQueue", "Fn::ImportValue"),
        ("!Ref SendQueue", "!Ref OnlyProd", "OnlyProd"),
        ("- AWSLambdaBasicExecutionRole", "- SQSPollerPolicy: { QueueName: x }", "SendFunction.Policies"),
        ("!Select [1,", "!Select [7,", "Fn::Select"),
        ("Type: ScheduleV2", "Type: Kinesis", "SendFunction.Nightly"),
        ("Stage: { Type: String, Default: local,", "Stage: { Type: String, Default: test,", "parameter Stage"),
        ("IsLocal: !Not [!Condition IsProd]", "IsLocal: !Not [!Condition IsLocal]", "depends on itself"),
        ("!Ref AWS::NoValue", "!Rfe AWS::NoValue", "!Rfe"),
    ] {
        let broken = whole.replace(from, to);
        assert_ne!(broken, whole, "{from}");
        assert!(complaint(&broken).contains(names), "{from} → {to}: {}", complaint(&broken));
    }
}

#[test]
fn refuses_a_parameter_that_is_not_declared_or_has_no_value() {
    let mut stray = inputs();
    stray.parameters.insert("Operator".to_owned(), "x".to_owned());
    assert!(format!("{:#}", Template::parse(&whole(), &stray).unwrap_err()).contains("Operator"));
    let missing = format!("{:#}", Template::parse(&whole(), &Inputs::default()).unwrap_err());
    assert!(missing.contains("OperatorName"), "{missing}");
}

#[test]
fn reads_the_template_that_goes_to_aws() {
    let root = crate::workspace_root();
    let text = std::fs::read_to_string(root.join("infra/local/parameters.toml")).unwrap();
    let mut inputs = Inputs { parameters: toml::from_str(&text).unwrap(), ..Inputs::default() };
    inputs.filled.insert("PublicUrl".to_owned(), "http://127.0.0.1:8787".to_owned());
    let template = Template::load(&root.join("template.yaml"), &inputs).unwrap();
    let binaries: Vec<&str> = template.functions.iter().map(|function| function.binary.as_str()).collect();
    for binary in ["signup", "send", "unsubscribe", "purge"] {
        assert!(binaries.contains(&binary), "{binary}");
    }
    assert!(!template.mail_events.is_empty());
    assert!(template.buckets.iter().any(|bucket| !bucket.notifications.is_empty()));
}
