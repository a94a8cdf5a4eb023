//! `access` (信息访问): A view, search, export or print of personal data.

use crate::{FieldType, PiiClass};

record! {
    /// A view, search, export or print of personal data.
    Access / AccessColumns = "access" "信息访问", Acquisition;
    en "A view, search, export or print of personal data.";
    zh "查询、检索、导出或打印个人信息。";
    [any_of &[&["subject"], &["rows"], &["object"]]]
    account: Str, FieldType::Id, required, "account", "访问工号";
    device: Str, FieldType::Id, optional, "device", "访问终端";
    session: Str, FieldType::Id, optional, "session", "会话号";
    ip: Str, FieldType::Text, optional, "network address", "IP地址";
    app: Str, FieldType::Text, optional, "application", "应用系统";
    action: Str, FieldType::Enum(&["view", "search", "export", "print", "change"]), required, "what was done", "操作类型";
    subject: Pii, FieldType::Pii(PiiClass::Person), optional, "person looked at (one row each)", "被查询人证件号或号码";
    rows: Int, FieldType::Int, optional, "rows, where only a count is known", "记录条数";
    object: Str, FieldType::Text, optional, "table, bucket, file or record", "访问对象";
    result: Str, FieldType::Enum(&["ok", "denied"]), optional, "outcome", "访问结果";
    categories: Str, FieldType::Set(&["id_number", "id_photo", "face", "phone", "address", "location_track", "call_detail", "content", "credit", "property", "health", "account", "transaction", "minor"]), optional, "categories of data", "信息类别";
    order: Str, FieldType::Id, optional, "work order", "工单号";
    purpose: Str, FieldType::Text, optional, "stated purpose", "用途";
    recipient: Str, FieldType::Id, optional, "who received it", "接收方";
}
