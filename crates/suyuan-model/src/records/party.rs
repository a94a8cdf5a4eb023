//! `party` (涉案主体): A known actor of an investigation: an exhibit.

use crate::{FieldType, PiiClass};

record! {
    /// A known actor of an investigation: an exhibit.
    Party / PartyColumns = "party" "涉案主体", Reference;
    en "A known actor of an investigation: an exhibit.";
    zh "侦查中已知的人员或单位（证据材料）。";
    [ts_from "valid_from"]
    party: Str, FieldType::Id, required, "the actor's id in the investigation", "主体编号";
    kind: Str, FieldType::Enum(&["person", "company", "agent", "labour_company", "platform"]), optional, "kind of actor", "主体类型";
    name: Pii, FieldType::Pii(PiiClass::Name), optional, "name", "姓名或名称";
    region6: Str, FieldType::Region, optional, "region", "所在地区划代码";
    note: Str, FieldType::Text, optional, "note; account=..., device=... tie the actor to records", "备注";
    valid_from: Time, FieldType::Time, optional, "valid from", "生效时间";
    valid_to: Time, FieldType::Time, optional, "valid until (exclusive)", "失效时间";
}
