//! The accounts and roles of Databricks' Unity Catalog and of Segment, as their documentation names them.

use headgate_terms::Arn;

use crate::glob::{fits, pieces};

/// The roles with which Unity Catalog calls: commercial, `GovCloud` and `DoD`.
pub const UNITY_CATALOG_ROLES: [&str; 3] = [
    "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL",
    "arn:aws-us-gov:iam::044793339203:role/unity-catalog-prod-UCMasterRole-1QRFA8SGY15OJ",
    "arn:aws-us-gov:iam::170661010020:role/unity-catalog-prod-UCMasterRole-1DI6DL6ZP26AS",
];

/// Where Databricks develops; its role there serves no customer.
pub(crate) const UNITY_CATALOG_DEVELOPMENT: &str = "707343435239";

/// Segment's account for storage destinations.
pub(crate) const SEGMENT_ACCOUNT: &str = "595280932656";

/// The role with which Segment writes to storage destinations.
pub const SEGMENT_ROLE: &str =
    "arn:aws:iam::595280932656:role/segment-storage-destinations-production-access";

/// The names of roles of Segment's other products.
const SEGMENT_OTHERS: [&str; 3] =
    ["customer-*-access", "segment-datalakes-*", "segment-s3-integration-*"];

/// Whether a role is one of Segment's for another product than storage destinations.
pub(crate) fn is_other_product(arn: &Arn) -> bool {
    arn.role_name()
        .is_some_and(|name| SEGMENT_OTHERS.iter().any(|known| fits(&pieces(known), name)))
}

/// Whether an ARN is that of Unity Catalog's role in an account of Databricks.
#[must_use]
pub fn is_unity_catalog(arn: &Arn) -> bool {
    is_databricks(&arn.account)
        && arn.role_name().is_some_and(|name| name.starts_with("unity-catalog-"))
}

/// Whether a role belongs to AWS or to the identity centre, and is not edited by hand.
#[must_use]
pub fn is_protected(role: &Arn) -> bool {
    role.resource.starts_with("role/aws-service-role/")
        || role.role_name().is_some_and(|name| name.starts_with("AWSReservedSSO_"))
}

/// Whether an account is one in which Databricks keeps the role of Unity Catalog.
pub(crate) fn is_databricks(account: &str) -> bool {
    unity_catalog_of_account(account).is_some()
}

/// Unity Catalog's role in one of Databricks' accounts.
pub(crate) fn unity_catalog_of_account(account: &str) -> Option<&'static str> {
    UNITY_CATALOG_ROLES.into_iter().find(|role| role.split(':').nth(4) == Some(account))
}

/// Unity Catalog's role in a partition; `None` where there are several or none.
#[must_use]
pub fn unity_catalog_of_partition(partition: &str) -> Option<&'static str> {
    let mut roles =
        UNITY_CATALOG_ROLES.into_iter().filter(|role| role.split(':').nth(1) == Some(partition));
    roles.next().filter(|_| roles.next().is_none())
}
