//! `fraud_report` (涉诈案件): A fraud case in which a card was used or a person harmed.

use crate::{FieldType, PiiClass};

record! {
    /// A fraud case in which a card was used or a person harmed.
    FraudReport / FraudReportColumns = "fraud_report" "涉诈案件", Use;
    en "A fraud case in which a card was used or a person harmed.";
    zh "涉及某卡或某被害人的诈骗案件。";
    [any_of &[&["card"], &["msisdn"], &["victim"]]]
    [ts_from "reported_at"]
    case: Str, FieldType::Id, required, "case number", "案件编号";
    card: Str, FieldType::Iccid, optional, "card used", "涉案卡ICCID";
    msisdn: Pii, FieldType::Pii(PiiClass::Msisdn), optional, "number used", "涉案号码";
    victim: Pii, FieldType::Pii(PiiClass::Person), optional, "person harmed", "被害人证件号或号码";
    loss_cny: Fen, FieldType::Money, optional, "loss", "损失金额";
    kind: Str, FieldType::Text, optional, "kind of fraud", "诈骗类型";
    reported_at: Time, FieldType::Time, optional, "when it was reported; give it beside `ts` where the time of the loss is known (an hour or more before): look-ups between both are then no sign of a leak", "报案时间；已知受害时间（早一小时以上）时与`ts`分别填写，两者之间的查询即不作为泄露迹象";
}
