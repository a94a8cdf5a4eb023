//! `dealing` (交易往来): A handover among parties proved by the investigation: an exhibit.

use crate::FieldType;

record! {
    /// A handover among parties proved by the investigation: an exhibit.
    Dealing / DealingColumns = "dealing" "交易往来", Circulation;
    en "A handover among parties proved by the investigation: an exhibit.";
    zh "侦查证据证明的交付往来（证据材料）。";
    from: Str, FieldType::Id, required, "who gives: party, account or outlet", "交付方";
    to: Str, FieldType::Id, required, "who takes", "接收方";
    what: Str, FieldType::Enum(&["goods", "data", "credentials", "money"]), required, "what was handed over", "标的";
    quantity: Int, FieldType::Int, optional, "how many", "数量";
    amount_cny: Fen, FieldType::Money, optional, "amount", "金额";
    unit_price_cny: Fen, FieldType::Money, optional, "price of one", "单价";
    note: Str, FieldType::Text, optional, "note", "备注";
    exhibit: Str, FieldType::Id, optional, "exhibit", "物证号";
}
