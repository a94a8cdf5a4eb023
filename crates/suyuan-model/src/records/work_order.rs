//! `work_order` (工单): A reason to act on a person or at a place: visit, call, complaint, permit.

use crate::{FieldType, PiiClass};

record! {
    /// A reason to act on a person or at a place: visit, call, complaint, permit.
    WorkOrder / WorkOrderColumns = "work_order" "工单", Reference;
    en "A reason to act on a person or at a place: visit, call, complaint, permit.";
    zh "办理或查询的依据：到访、来电、投诉、许可等。";
    [ts_from "valid_from"]
    order: Str, FieldType::Id, required, "the order", "工单号";
    subject: Pii, FieldType::Pii(PiiClass::Person), optional, "person it is about", "涉及人员证件号或号码";
    account: Str, FieldType::Id, optional, "account it is assigned to", "受理工号";
    outlet: Str, FieldType::Id, optional, "outlet", "网点编号";
    kind: Str, FieldType::Enum(&["visit", "call", "complaint", "legal", "group_contract", "permit"]), optional, "kind of order", "工单类型";
    note: Str, FieldType::Text, optional, "note (no personal data)", "备注";
    valid_from: Time, FieldType::Time, optional, "valid from", "生效时间";
    valid_to: Time, FieldType::Time, optional, "valid until (exclusive)", "失效时间";
}
