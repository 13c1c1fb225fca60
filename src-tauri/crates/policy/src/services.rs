//! The names of AWS services as principals, such as `ec2.amazonaws.com`. A service that is missing here is
//! reported as unknown, not refused.

/// What follows a service's own name, in the partitions that are known.
const ENDS: [&str; 5] =
    [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".c2s.ic.gov", ".sc2s.sgov.gov"];

/// Services that assume roles, without their ends.
const KNOWN: &str = "
access-analyzer account acm acm-pca airflow airflow-env amplify amplifybackend aoss api apidestinations
apigateway appfabric appflow application-autoscaling application-insights appmesh apprunner appstream
appsync aps arc-zonal-shift athena auditmanager autoscaling backup backupgateway batch bcm-data-exports
bedrock bedrock-agentcore billing billingconsole braket budgets build cassandra ce chatbot cleanrooms
cloud9 clouddirectory cloudformation cloudfront cloudhsm cloudsearch cloudtrail cloudwatch
cloudwatch-crossaccount codeartifact codebuild codecommit codeconnections codedeploy codeguru-profiler
codeguru-reviewer codepipeline codestar codestar-connections codestar-notifications cognito-idp
cognito-sync comprehend compute-optimizer config config-conforms config-multiaccountsetup connect
controltower cost-optimization-hub costalerts credentials crossaccountconsole databrew dataexchange
datapipeline datasync datazone dax deadline delivery detective devicefarm devops-guru directconnect
discovery diode dlm dms docdb drs ds dynamodb ebs ec2 ec2-instance-connect ec2fleet ec2messages
ec2scheduled ecr ecs ecs-tasks edgelambda eks eks-fargate eks-fargate-pods eks-nodegroup eks-auth
elasticache elasticbeanstalk elasticfilesystem elasticloadbalancing elasticmapreduce elastictranscoder
email emr-containers emr-serverless es events evidently export finspace firehose fis fms forecast
freertos fsx gamelift geo glacier globalaccelerator glue grafana greengrass ground-truth groundstation
guardduty health healthlake honeycode iam identitystore imagebuilder importexport infrastructure
ingestion inspector inspector2 internetmonitor iot iotanalytics iotevents iotfleetwise iotsitewise
iotthingsgraph iottwinmaker ivs jellyfish kafka kafkaconnect kendra kinesis kinesisanalytics kms
lakeformation lambda launchwizard lex lexv2 license-manager lightsail logger logs lookoutequipment
lookoutmetrics lookoutvision m2 machinelearning macie macie2 maintenance management managedblockchain
marketplace mediaconnect mediaconvert medialive mediapackage mediapackagev2 mediastore mediatailor
member memorydb metering mgh mgn migrationhub mobileanalytics mobilehub monitoring monitron mq msk
mwaa mwaa-serverless neptune neptune-graph network-firewall networkmanager nimble notifications
omics ops opsworks opsworks-cm organizations osis outposts panorama participant pca-connector-ad
personalize pinpoint pipes poll polly pricing profile proton purchaseorders qbusiness qldb quicksight
ram rds rds-preview redshift redshift-serverless rekognition replicator replication
repository resiliencehub resource-explorer-2 resource-groups robomaker rolesanywhere route53
route53domains route53resolver rum s3 s3-outposts s3express sagemaker sagemaker-runtime savingsplans
scheduler schemas secretsmanager securityhub securitylake serverlessrepo service-quotas servicecatalog
servicecatalog-appregistry servicediscovery ses session sftp shield signer signin simspaceweaver sms
sms-voice snowball sns spot spotfleet sqs ssm ssm-incidents ssm-quicksetup ssmmessages sso stacksets
states storagegateway streams sts sumerian supportapp support swf synthetics tagging textract
timestream timestream-influxdb tnb traffic-mirroring transcribe transfer transitgateway
translate trustedadvisor tts vault verified-access verifiedpermissions vmie voiceid vpc vpc-flow-logs
vpc-lattice vpce waf wafv2 waf-regional wellarchitected wisdom workdocs worklink workmail workspaces
workspaces-web xray
";

/// The name of a service without its end; `None` where it has not the form of one.
pub(crate) fn name(text: &str) -> Option<&str> {
    let name = ENDS.iter().find_map(|end| text.strip_suffix(end))?;
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.split('.').all(label).then_some(name)
}

/// Whether a service is known, by itself or by one of the names that it is made of.
pub(crate) fn is_known(text: &str) -> bool {
    name(text).is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.split('.').any(|part| KNOWN.split_whitespace().any(|known| known == part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_name_before_its_end() {
        for text in [
            "ec2.amazonaws.com",
            "ec2.amazonaws.com.cn",
            "states.eu-west-1.amazonaws.com",
            "delivery.logs.amazonaws.com",
            "stacksets.cloudformation.amazonaws.com",
        ] {
            assert!(is_known(text), "{text}");
        }
        for text in ["amazonaws.com", "example.com", ".amazonaws.com", "a b.amazonaws.com", "ec2"] {
            assert_eq!(name(text), None, "{text}");
        }
        assert!(name("lamda.amazonaws.com").is_some() && !is_known("lamda.amazonaws.com"));
    }
}
