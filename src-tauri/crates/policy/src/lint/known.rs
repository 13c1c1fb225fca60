//! What is known of the roles of Databricks and Segment without asking anyone.

use headgate_terms::Arn;

use crate::glob::{fits, pieces};

/// The roles with which Unity Catalog calls: commercial, `GovCloud` and `DoD`.
pub(super) const UNITY_CATALOG_ROLES: [&str; 3] = [
    "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL",
    "arn:aws-us-gov:iam::044793339203:role/unity-catalog-prod-UCMasterRole-1QRFA8SGY15OJ",
    "arn:aws-us-gov:iam::170661010020:role/unity-catalog-prod-UCMasterRole-1DI6DL6ZP26AS",
];

/// Where Databricks develops; its role there serves no customer.
pub(super) const UNITY_CATALOG_DEVELOPMENT: &str = "707343435239";

/// Segment's account for storage destinations.
pub(super) const SEGMENT_ACCOUNT: &str = "595280932656";

/// The role with which Segment writes to storage destinations.
pub(super) const SEGMENT_ROLE: &str =
    "arn:aws:iam::595280932656:role/segment-storage-destinations-production-access";

/// The names of roles of Segment's other products.
const SEGMENT_OTHERS: [&str; 3] =
    ["customer-*-access", "segment-datalakes-*", "segment-s3-integration-*"];

/// Whether a role is one of Segment's for another product than storage destinations.
pub(super) fn is_other_product(arn: &Arn) -> bool {
    arn.role_name()
        .is_some_and(|name| SEGMENT_OTHERS.iter().any(|known| fits(&pieces(known), name)))
}

/// Unity Catalog's role in one of Databricks' accounts.
pub(super) fn unity_catalog_of_account(account: &str) -> Option<&'static str> {
    UNITY_CATALOG_ROLES.into_iter().find(|role| role.split(':').nth(4) == Some(account))
}

/// Unity Catalog's role in a partition; none where there are several or none.
pub(super) fn unity_catalog_of_partition(partition: &str) -> Option<&'static str> {
    let mut roles =
        UNITY_CATALOG_ROLES.into_iter().filter(|role| role.split(':').nth(1) == Some(partition));
    roles.next().filter(|_| roles.next().is_none())
}
