//! `staff` (工号): An employee or agent account and who holds it.

use crate::{FieldType, PiiClass};

record! {
    /// An employee or agent account and who holds it.
    Staff / StaffColumns = "staff" "工号", Reference;
    en "An employee or agent account and who holds it.";
    zh "员工或代理商工号及其持有人。";
    [ts_from "valid_from"]
    account: Str, FieldType::Id, required, "the employee id (工号)", "工号";
    holder: Pii, FieldType::Pii(PiiClass::Person), optional, "the person who holds it", "持有人证件号或姓名";
    role: Str, FieldType::Text, optional, "role: clerk, agent, supervisor, back_office, auditor ...", "岗位";
    outlet: Str, FieldType::Id, required, "home outlet", "所属网点";
    agent: Str, FieldType::Id, optional, "agent company", "代理商";
    region6: Str, FieldType::Region, optional, "region of work", "工作地区划代码";
    shift: Str, FieldType::Text, optional, "named calendar: HH:MM-HH:MM, with days as 1-7 in front if not all (1-5 09:00-18:00)", "班次";
    supervisor: Str, FieldType::Id, optional, "account of the supervisor", "主管工号";
    valid_from: Time, FieldType::Time, optional, "valid from", "生效时间";
    valid_to: Time, FieldType::Time, optional, "valid until (exclusive)", "失效时间";
}
