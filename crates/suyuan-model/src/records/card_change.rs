//! `card_change` (卡变更): A change of a card's state.

use crate::FieldType;

record! {
    /// A change of a card's state.
    CardChange / CardChangeColumns = "card_change" "卡变更", Opening;
    en "A change of a card's state.";
    zh "卡状态变更。";
    card: Str, FieldType::Iccid, required, "the card", "ICCID";
    change: Str, FieldType::Enum(&["suspend", "restore", "cancel", "replace", "port_out", "transfer"]), required, "kind of change", "变更类型";
    account: Str, FieldType::Id, optional, "account", "操作工号";
    reason: Str, FieldType::Text, optional, "reason", "原因";
    order: Str, FieldType::Id, optional, "work order", "工单号";
}
