//! `outlet` (网点): A shop, counter or agent point.

use crate::FieldType;

record! {
    /// A shop, counter or agent point.
    Outlet / OutletColumns = "outlet" "网点", Reference;
    en "A shop, counter or agent point.";
    zh "营业厅、柜台或代理网点。";
    [ts_from "valid_from"]
    outlet: Str, FieldType::Id, required, "the outlet", "网点编号";
    agent: Str, FieldType::Id, optional, "agent company that runs it", "代理商";
    name: Str, FieldType::Text, optional, "name", "网点名称";
    region6: Str, FieldType::Region, optional, "region", "网点区划代码";
    lat: Real, FieldType::Lat, optional, "latitude, WGS-84", "纬度";
    lon: Real, FieldType::Lon, optional, "longitude, WGS-84", "经度";
    hours: Str, FieldType::Text, optional, "opening hours, HH:MM-HH:MM", "营业时间";
    contract_no: Str, FieldType::Id, optional, "agency contract", "合同号";
    visited_on: Day, FieldType::Day, optional, "last site visit", "实地核查日期";
    valid_from: Time, FieldType::Time, optional, "valid from", "生效时间";
    valid_to: Time, FieldType::Time, optional, "valid until (exclusive)", "失效时间";
}
