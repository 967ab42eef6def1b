//! Nothing speaks TLS older than 1.2, and nothing is reached without (A50): the API's own domain, the default
//! endpoint beside it, the bucket. Queues and topics are looked at with the queues.

use serde_json::json;

use super::template::{Template, target};
use super::{clean, notices};

pub(super) fn check(template: &Template) -> Vec<String> {
    let mut findings = Vec::new();
    let mut domains = 0;
    for domain in template.of_kind("AWS::ApiGatewayV2::DomainName") {
        for configuration in domain.get("DomainNameConfigurations").as_array().into_iter().flatten() {
            domains += 1;
            if configuration["SecurityPolicy"] != "TLS_1_2" {
                findings.push(format!("{}: speaks TLS older than 1.2", domain.id));
            }
        }
    }
    if domains == 0 {
        findings.push("the API has no domain of its own".to_owned());
    }
    for api in template.of_kind("AWS::Serverless::HttpApi") {
        if api.get("DisableExecuteApiEndpoint") != &json!({"Fn::If": ["HasDomain", true, false]}) {
            findings.push(format!("{}: its default endpoint stays open beside the domain", api.id));
        }
    }
    for bucket in template.of_kind("AWS::S3::Bucket") {
        let policies = template.of_kind("AWS::S3::BucketPolicy");
        let own = policies.filter(|policy| target(policy.get("Bucket")) == Some(bucket.id));
        let refused: Vec<_> = own
            .flat_map(|policy| policy.get("PolicyDocument")["Statement"].as_array().into_iter().flatten())
            .filter(|statement| statement["Effect"] == "Deny" && statement["Action"] == "s3:*")
            .map(|statement| &statement["Condition"])
            .collect();
        for wanted in
            [json!({"Bool": {"aws:SecureTransport": "false"}}), json!({"NumericLessThan": {"s3:TlsVersion": "1.2"}})]
        {
            if !refused.contains(&&wanted) {
                findings.push(format!("{}: does not refuse {wanted}", bucket.id));
            }
        }
    }
    findings
}

#[test]
fn a50_the_api_and_the_bucket_speak_tls_1_2_or_newer() {
    clean(check(&Template::load()));
}

#[test]
fn an_older_tls_is_noticed() {
    notices(check, "SecurityPolicy: TLS_1_2", "SecurityPolicy: TLS_1_0", "older than 1.2");
    notices(check, "!If [HasDomain, true, false]", "false", "stays open");
    notices(check, "s3:TlsVersion: \"1.2\"", "s3:TlsVersion: \"1.0\"", "does not refuse");
}
