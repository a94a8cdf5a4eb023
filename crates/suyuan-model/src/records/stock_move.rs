//! `stock_move` (卡库存流转): A move of blank cards between custodians.

use crate::FieldType;

record! {
    /// A move of blank cards between custodians.
    StockMove / StockMoveColumns = "stock_move" "卡库存流转", Circulation;
    en "A move of blank cards between custodians.";
    zh "空白卡在保管人之间的流转。";
    [any_of &[&["card"], &["card_from", "card_to"]]]
    card: Str, FieldType::Iccid, optional, "card", "卡ICCID";
    card_from: Str, FieldType::Iccid, optional, "first card of a range", "起始ICCID";
    card_to: Str, FieldType::Iccid, optional, "last card of a range", "终止ICCID";
    from: Str, FieldType::Id, required, "custodian who gives: carrier, agent, outlet, party", "移出方";
    to: Str, FieldType::Id, required, "custodian who takes", "移入方";
    kind: Str, FieldType::Enum(&["allocate", "transfer", "return", "write_off"]), optional, "kind of move", "流转类型";
}
