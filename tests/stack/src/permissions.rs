//! The permissions of the functions' roles: those that the deployed policies allow, and those that the functions needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use crate::options::STACK_NAME;

/// An action on a resource. Displayed as in `ActivityTable/index/due dynamodb:Query`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Permission {
    /// The resource by its name in the template, `*`, or an ARN if the template does not have the resource.
    pub resource: String,
    /// The action, such as `dynamodb:Query`.
    pub action: String,
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.resource, self.action)
    }
}

/// The permissions of a role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolePermissions {
    /// The permissions that the role's policies allow.
    pub allowed: BTreeSet<Permission>,
    /// The permissions that the function needed and had.
    pub used: BTreeSet<Permission>,
    /// The permissions that the function needed and did not have. The emulator refused these calls.
    pub refused: BTreeSet<Permission>,
}

impl RolePermissions {
    /// The permissions that are allowed and were never used. Only the pattern `*` matches several resources: the resources of
    /// the policies have no other wildcards.
    pub fn unused(&self) -> impl Iterator<Item = &Permission> {
        let covers = |allowed: &Permission, used: &Permission| {
            allowed.action == used.action && (allowed.resource == "*" || allowed.resource == used.resource)
        };
        self.allowed.iter().filter(move |allowed| !self.used.iter().any(|used| covers(allowed, used)))
    }
}

/// The deployed roles of the functions, and the names of the resources.
#[derive(Debug, Deserialize)]
pub(crate) struct DeployedRoles {
    /// The role of each function, by the function's deployed name.
    roles: BTreeMap<String, Role>,
    /// The resources' names in the template, by physical id.
    resources: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Role {
    name: String,
    /// With ARNs as resources.
    allowed: Vec<Permission>,
}

/// A check of a role by the emulator: whether it has a permission, with an ARN as resource.
#[derive(Debug, Deserialize)]
pub(crate) struct Check {
    role: String,
    allowed: bool,
    #[serde(flatten)]
    permission: Permission,
}

/// The permissions of each function's role, by the name of the function's folder.
pub(crate) fn by_function(deployed: DeployedRoles, checks: &[Check]) -> BTreeMap<String, RolePermissions> {
    let names = Names::of(&deployed.resources);
    let checked = |role: &str, is_allowed: bool| {
        let checks = checks.iter().filter(|check| check.role == role && check.allowed == is_allowed);
        checks.map(|check| names.applied_to(&check.permission)).collect()
    };
    let of_role = |role: Role| RolePermissions {
        allowed: role.allowed.iter().map(|permission| names.applied_to(permission)).collect(),
        used: checked(&role.name, true),
        refused: checked(&role.name, false),
    };
    let folder = |function: &str| function.trim_start_matches(STACK_NAME).trim_start_matches('-').to_owned();
    deployed.roles.into_iter().map(|(function, role)| (folder(&function), of_role(role))).collect()
}

/// The resources' names in the template, by the names that ARNs contain.
struct Names<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Names<'a> {
    fn of(resources: &'a BTreeMap<String, String>) -> Self {
        // The physical id of a queue is its URL, and that of a secret is its ARN. Both end with the name.
        let name = |physical: &'a str| physical.rsplit(['/', ':']).next().unwrap_or(physical);
        Self(resources.iter().map(|(physical, logical)| (name(physical), logical.as_str())).collect())
    }

    fn applied_to(&self, permission: &Permission) -> Permission {
        let resource = self.in_template(&permission.resource).unwrap_or_else(|| permission.resource.clone());
        Permission { resource, action: permission.action.clone() }
    }

    /// The name in the template for an ARN, if the template has the resource: `ActivityTable/index/due` for
    /// `arn:aws:dynamodb:us-east-1:000000000000:table/signpost-ActivityTable-1A2B/index/due`.
    fn in_template(&self, arn: &str) -> Option<String> {
        let resource = arn.splitn(6, ':').nth(5)?;
        let resource =
            ["table/", "secret:", "function:"].iter().find_map(|kind| resource.strip_prefix(kind)).unwrap_or(resource);
        let (name, index) = resource.split_at(resource.find('/').unwrap_or(resource.len()));
        self.0.get(name).map(|logical| format!("{logical}{index}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/signpost-ActivityTable-1A2B";
    const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:signpost-SendQueue-3C4D";
    const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:signpost-KeyRing-5E6F-aBcDeF";

    fn permission(resource: &str, action: &str) -> Value {
        json!({ "resource": resource, "action": action })
    }

    fn used(resource: &str, action: &str) -> Value {
        json!({ "role": "signpost-ApiRole-7A8B", "resource": resource, "action": action, "allowed": true })
    }

    /// The permissions of the function `api`.
    fn of_api(allowed: &[Value], checks: &[Value]) -> RolePermissions {
        let deployed = json!({
            "roles": { "signpost-api": { "name": "signpost-ApiRole-7A8B", "allowed": allowed } },
            "resources": {
                "signpost-ActivityTable-1A2B": "ActivityTable",
                "http://127.0.0.1:4566/000000000000/signpost-SendQueue-3C4D": "SendQueue",
                SECRET: "KeyRing",
            },
        });
        let deployed = serde_json::from_value(deployed).unwrap();
        let checks: Vec<Check> = checks.iter().map(|check| serde_json::from_value(check.clone()).unwrap()).collect();
        by_function(deployed, &checks)["api"].clone()
    }

    fn unused(allowed: &[Value], checks: &[Value]) -> Vec<String> {
        of_api(allowed, checks).unused().map(ToString::to_string).collect()
    }

    #[test]
    fn unused_permissions_have_the_resource_names_of_the_template() {
        let index = format!("{TABLE}/index/due");
        let allowed = [
            permission(TABLE, "dynamodb:GetItem"),
            permission(&index, "dynamodb:Query"),
            permission(QUEUE, "sqs:SendMessage"),
            permission(SECRET, "secretsmanager:GetSecretValue"),
        ];
        let expected = [
            "ActivityTable dynamodb:GetItem",
            "ActivityTable/index/due dynamodb:Query",
            "KeyRing secretsmanager:GetSecretValue",
            "SendQueue sqs:SendMessage",
        ];
        assert_eq!(unused(&allowed, &[]), expected);
    }

    #[test]
    fn a_used_permission_covers_neither_another_action_nor_another_resource() {
        let index = format!("{TABLE}/index/due");
        let allowed = [permission(TABLE, "dynamodb:Query"), permission(&index, "dynamodb:Query")];
        assert_eq!(unused(&allowed, &[used(TABLE, "dynamodb:Query")]), ["ActivityTable/index/due dynamodb:Query"]);
        assert_eq!(unused(&allowed[..1], &[used(TABLE, "dynamodb:GetItem")]), ["ActivityTable dynamodb:Query"]);
    }

    #[test]
    fn a_permission_on_all_resources_is_used_on_any_resource() {
        let allowed = [permission("*", "ses:SendEmail"), permission("*", "ses:SendRawEmail")];
        let identity = "arn:aws:ses:us-east-1:000000000000:identity/reports@signpost.example";
        assert_eq!(unused(&allowed, &[used(identity, "ses:SendEmail")]), ["* ses:SendRawEmail"]);
    }

    #[test]
    fn a_refused_permission_is_not_used() {
        let mut check = used(TABLE, "dynamodb:GetItem");
        check["allowed"] = json!(false);
        let api = of_api(&[], &[check]);
        let refused: Vec<String> = api.refused.iter().map(ToString::to_string).collect();
        assert_eq!((refused, api.used), (vec!["ActivityTable dynamodb:GetItem".to_owned()], BTreeSet::new()));
    }

    #[test]
    fn the_permissions_of_another_role_do_not_count() {
        let mut by_another = used(TABLE, "dynamodb:GetItem");
        by_another["role"] = json!("signpost-RedirectRole-9C0D");
        assert_eq!(unused(&[permission(TABLE, "dynamodb:GetItem")], &[by_another]), ["ActivityTable dynamodb:GetItem"]);
    }
}
