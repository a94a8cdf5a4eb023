//! `login` (登录): A login to a business system.

use crate::FieldType;

record! {
    /// A login to a business system.
    Login / LoginColumns = "login" "登录", Acquisition;
    en "A login to a business system.";
    zh "业务系统登录。";
    account: Str, FieldType::Id, required, "account", "登录工号";
    device: Str, FieldType::Id, required, "device", "登录终端";
    session: Str, FieldType::Id, optional, "session", "会话号";
    ip: Str, FieldType::Text, optional, "network address", "IP地址";
    lat: Real, FieldType::Lat, optional, "latitude", "登录纬度";
    lon: Real, FieldType::Lon, optional, "longitude", "登录经度";
    region6: Str, FieldType::Region, optional, "region of the address", "登录地区划代码";
    result: Str, FieldType::Enum(&["ok", "failed", "mfa_failed"]), optional, "outcome", "登录结果";
    until: Time, FieldType::Time, optional, "logout", "退出时间";
}
