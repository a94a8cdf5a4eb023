//! `account_change` (账号变更): A change of rights, credentials, location or state made with an account.

use crate::FieldType;

record! {
    /// A change of rights, credentials, location or state made with an account.
    AccountChange / AccountChangeColumns = "account_change" "账号变更", Acquisition;
    en "A change of rights, credentials, location or state made with an account.";
    zh "用工号所作的权限、口令、位置或状态变更。";
    account: Str, FieldType::Id, required, "who did it", "操作工号";
    target: Str, FieldType::Id, optional, "what was changed", "变更对象";
    change: Str, FieldType::Enum(&["location_override", "password_reset", "service_password_reset", "credential_issue", "role_grant", "role_revoke", "device_bind", "card_state", "logging_change"]), required, "what kind of change", "变更类型";
    old: Str, FieldType::Text, optional, "old value", "变更前";
    new: Str, FieldType::Text, optional, "new value", "变更后";
    order: Str, FieldType::Id, optional, "work order", "工单号";
    approver: Str, FieldType::Id, optional, "approving account", "审批工号";
    device: Str, FieldType::Id, optional, "device", "操作终端";
    session: Str, FieldType::Id, optional, "session", "会话号";
}
