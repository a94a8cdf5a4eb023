//! `reverification` (二次实名): A re-verification of a card's holder.

use crate::{FieldType, PiiClass};

record! {
    /// A re-verification of a card's holder.
    Reverification / ReverificationColumns = "reverification" "二次实名", Use;
    en "A re-verification of a card's holder.";
    zh "对持卡人的二次实人认证。";
    card: Str, FieldType::Iccid, required, "the card", "ICCID";
    subject: Pii, FieldType::Pii(PiiClass::Person), optional, "person", "证件号码";
    result: Str, FieldType::Enum(&["passed", "failed", "absent"]), required, "outcome", "认证结果";
    method: Str, FieldType::Enum(&["face", "counter", "call"]), optional, "method", "认证方式";
    account: Str, FieldType::Id, optional, "account", "办理工号";
}
