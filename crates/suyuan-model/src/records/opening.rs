//! `opening` (开卡): A card opened in a person's name.

use crate::{FieldType, PiiClass};

record! {
    /// A card opened in a person's name.
    Opening / OpeningColumns = "opening" "开卡", Opening;
    en "A card opened in a person's name.";
    zh "以某人名义开通一张卡。";
    card: Str, FieldType::Iccid, required, "the card (ICCID)", "ICCID";
    msisdn: Pii, FieldType::Pii(PiiClass::Msisdn), optional, "the number", "手机号码";
    subject: Pii, FieldType::Pii(PiiClass::Person), required, "person in whose name it is opened", "客户证件号码";
    account: Str, FieldType::Id, required, "account that opened it", "受理工号";
    device: Str, FieldType::Id, optional, "device", "受理终端";
    session: Str, FieldType::Id, optional, "session", "会话号";
    outlet: Str, FieldType::Id, optional, "outlet", "网点编号";
    region6: Str, FieldType::Region, required, "declared region of the opening", "开卡地区划代码";
    gps_source: Str, FieldType::Enum(&["device", "manual", "cell"]), optional, "source of the position", "定位方式";
    lat: Real, FieldType::Lat, optional, "latitude", "纬度";
    lon: Real, FieldType::Lon, optional, "longitude", "经度";
    cell_region6: Str, FieldType::Region, optional, "region of the cell", "基站区划代码";
    ip: Str, FieldType::Text, optional, "network address", "IP地址";
    id_read_mode: Str, FieldType::Enum(&["reader", "nfc", "manual"]), optional, "how the identity card was read", "证件读取方式";
    captured_at: Time, FieldType::Time, optional, "when the face was captured", "人像采集时间";
    liveness: Real, FieldType::Score, optional, "liveness score", "活体分数";
    match_score: Real, FieldType::Score, optional, "match with the identity photo", "比对分数";
    face_ref: Str, FieldType::Id, optional, "opaque face-cluster id", "人脸簇编号";
    image_hash: Str, FieldType::Id, optional, "hash of the image", "图像哈希";
    background_hash: Str, FieldType::Id, optional, "perceptual hash of the background", "背景哈希";
    employer: Str, FieldType::Text, optional, "employer", "工作单位";
    address: Pii, FieldType::Pii(PiiClass::Address), optional, "address", "地址";
    contact: Pii, FieldType::Pii(PiiClass::Contact), optional, "contact", "联系人电话";
    plan: Str, FieldType::Text, optional, "tariff", "套餐";
    channel: Str, FieldType::Text, optional, "channel", "渠道";
    duration_s: Int, FieldType::Int, optional, "seconds from reading the card to submitting", "办理时长秒";
    commission_code: Str, FieldType::Id, optional, "commission code", "佣金编码";
    order: Str, FieldType::Id, optional, "work order or group contract", "工单号";
}
