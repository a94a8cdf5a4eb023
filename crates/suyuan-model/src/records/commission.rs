//! `commission` (佣金): Commission paid for a card.

use crate::FieldType;

record! {
    /// Commission paid for a card.
    Commission / CommissionColumns = "commission" "佣金", Opening;
    en "Commission paid for a card.";
    zh "为一张卡支付的佣金。";
    payee: Str, FieldType::Id, required, "who was paid", "收款方";
    card: Str, FieldType::Iccid, required, "for which card", "ICCID";
    amount_cny: Fen, FieldType::Money, optional, "amount", "金额";
    month: Str, FieldType::Text, optional, "month, YYYY-MM", "账期";
}
