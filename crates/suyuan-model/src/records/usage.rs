//! `usage` (用卡日汇总): A card's use in one device on one day.

use crate::FieldType;

record! {
    /// A card's use in one device on one day.
    Usage / UsageColumns = "usage" "用卡日汇总", Use;
    en "A card's use in one device on one day.";
    zh "一张卡在一台设备上一天的使用汇总。";
    [ts_from "day"]
    card: Str, FieldType::Iccid, required, "the card", "ICCID";
    day: Day, FieldType::Day, required, "day", "日期";
    imei: Str, FieldType::Imei, optional, "device", "IMEI";
    calls_out: Int, FieldType::Int, optional, "outgoing calls", "主叫次数";
    calls_in: Int, FieldType::Int, optional, "incoming calls", "被叫次数";
    calls_short: Int, FieldType::Int, optional, "calls of 3 s or less", "短呼次数";
    peers: Int, FieldType::Int, optional, "distinct peers", "通话对端数";
    peers_new: Int, FieldType::Int, optional, "peers opened within 30 days", "新开卡对端数";
    sms_out: Int, FieldType::Int, optional, "messages sent", "发送短信数";
    sms_in: Int, FieldType::Int, optional, "messages received", "接收短信数";
    otp_senders: Int, FieldType::Int, optional, "senders of one-time codes", "验证码来源数";
    data_mb: Int, FieldType::Int, optional, "data, MB", "流量MB";
    first_region6: Str, FieldType::Region, optional, "region of the day's first use", "首次使用地区划代码";
    main_region6: Str, FieldType::Region, optional, "region of most use", "主要使用地区划代码";
    main_cell: Str, FieldType::Id, optional, "cell of most use", "主要基站";
    plmn: Str, FieldType::Text, optional, "network", "网络PLMN";
}
