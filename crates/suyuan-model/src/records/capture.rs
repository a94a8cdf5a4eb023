//! `capture` (信息采集): An identity card or face taken into a system.

use crate::{FieldType, PiiClass};

record! {
    /// An identity card or face taken into a system.
    Capture / CaptureColumns = "capture" "信息采集", Acquisition;
    en "An identity card or face taken into a system.";
    zh "采集身份证或人脸。";
    subject: Pii, FieldType::Pii(PiiClass::Person), required, "person captured", "被采集人证件号";
    kind: Str, FieldType::Enum(&["id_card", "face"]), required, "what was captured", "采集类型";
    device: Str, FieldType::Id, optional, "device", "采集终端";
    outlet: Str, FieldType::Id, optional, "outlet", "网点编号";
    lat: Real, FieldType::Lat, optional, "latitude", "采集纬度";
    lon: Real, FieldType::Lon, optional, "longitude", "采集经度";
    region6: Str, FieldType::Region, optional, "region", "采集地区划代码";
    image_hash: Str, FieldType::Id, optional, "hash of the image", "图像哈希";
    background_hash: Str, FieldType::Id, optional, "perceptual hash of the background", "背景哈希";
    face_ref: Str, FieldType::Id, optional, "the carrier's opaque face-cluster id", "人脸簇编号";
    liveness: Real, FieldType::Score, optional, "liveness score", "活体分数";
    match_score: Real, FieldType::Score, optional, "match with the identity photo", "比对分数";
    pretext: Str, FieldType::Text, optional, "reason given to the person", "采集事由";
    collector: Str, FieldType::Id, optional, "who collected", "采集人";
}
