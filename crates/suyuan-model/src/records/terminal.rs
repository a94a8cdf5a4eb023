//! `terminal` (终端): A device on an outlet's asset list.

use crate::FieldType;

record! {
    /// A device on an outlet's asset list.
    Terminal / TerminalColumns = "terminal" "终端", Reference;
    en "A device on an outlet's asset list.";
    zh "网点资产清单上的设备。";
    [ts_from "valid_from"]
    device: Str, FieldType::Id, required, "device fingerprint", "终端编号";
    outlet: Str, FieldType::Id, optional, "outlet that owns it", "所属网点";
    kind: Str, FieldType::Enum(&["counter", "handheld", "phone", "kiosk"]), optional, "kind of device", "终端类型";
    asset_no: Str, FieldType::Id, optional, "asset number", "资产编号";
    valid_from: Time, FieldType::Time, optional, "valid from", "生效时间";
    valid_to: Time, FieldType::Time, optional, "valid until (exclusive)", "失效时间";
}
