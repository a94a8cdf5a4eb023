//! `complaint` (投诉): A person says: not mine, wrongly stopped, data misused.

use crate::{FieldType, PiiClass};

record! {
    /// A person says: not mine, wrongly stopped, data misused.
    Complaint / ComplaintColumns = "complaint" "投诉", Use;
    en "A person says: not mine, wrongly stopped, data misused.";
    zh "本人申诉：非本人办理、误停、信息被滥用。";
    subject: Pii, FieldType::Pii(PiiClass::Person), required, "person", "投诉人证件号或号码";
    card: Str, FieldType::Iccid, optional, "card", "ICCID";
    kind: Str, FieldType::Enum(&["not_mine", "wrongly_stopped", "data_misused"]), optional, "what is complained of", "投诉类型";
    order: Str, FieldType::Id, optional, "work order", "工单号";
}
