//! `sighting` (外泄发现): Personal data or cards seen where they should not be: an exhibit.

use crate::{FieldType, PiiClass};

record! {
    /// Personal data or cards seen where they should not be: an exhibit.
    Sighting / SightingColumns = "sighting" "外泄发现", Acquisition;
    en "Personal data or cards seen where they should not be: an exhibit.";
    zh "个人信息或卡在不应出现处被发现（证据材料）。";
    [any_of &[&["subject"], &["card"]]]
    subject: Pii, FieldType::Pii(PiiClass::Person), optional, "person", "涉及人员证件号";
    card: Str, FieldType::Iccid, optional, "card", "卡ICCID";
    r#where: Str, FieldType::Enum(&["seized_device", "market", "honeytoken"]), optional, "where it was seen", "发现处";
    lot: Str, FieldType::Id, optional, "lot or exhibit", "批次或物证号";
    party: Str, FieldType::Id, optional, "party with whom it was found", "持有主体";
    note: Str, FieldType::Text, optional, "note", "备注";
}
