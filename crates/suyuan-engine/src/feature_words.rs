//! The columns of the table of card use, in words: for the reasons of a score.

use suyuan_model::outcome::Text;

/// A card's own numbers.
const OWN: [(&str, &str, &str); 32] = [
    ("days_used", "days of use", "使用天数"),
    ("days_to_first_use", "days from opening to first use", "开卡至首次使用天数"),
    ("span_days", "days from first to last use", "首次至最近使用的天数"),
    ("calls_out_day", "calls made a day", "日均主叫次数"),
    ("calls_in_day", "calls received a day", "日均被叫次数"),
    ("in_share", "share of calls that were received", "被叫占比"),
    ("short_share", "share of calls made that were short", "主叫中短通话占比"),
    ("new_peer_share", "share of peers that were new", "对端中新号码占比"),
    ("dispersion", "different peers per call", "平均每次通话的不同对端数"),
    ("busiest_day_out", "calls made on the busiest day", "最忙一天的主叫次数"),
    ("longest_silence_days", "longest silence, days", "最长静默天数"),
    ("sms_out_day", "messages sent a day", "日均发送短信数"),
    ("sms_in_day", "messages received a day", "日均接收短信数"),
    ("otp_day", "senders of codes a day", "日均验证码发送方数"),
    ("data_mb_day", "data a day, MB", "日均流量（MB）"),
    (
        "tick_share",
        "share of days with the same small data volume as the day before",
        "流量与前一日相同且很小的天数占比",
    ),
    ("same_cell_share", "share of days at the cell of the day before", "与前一使用日同基站的天数占比"),
    ("devices", "devices", "终端数"),
    ("device_changes", "changes of device", "换机次数"),
    ("regions", "regions", "地区数"),
    ("first_use_km", "first use from the place of opening, km", "首次使用地距开卡地（公里）"),
    ("farthest_km", "farthest use from the place of opening, km", "最远使用地距开卡地（公里）"),
    ("foreign_share", "share of days in a foreign network", "境外网络天数占比"),
    ("opening_hour", "hour of the opening", "开卡时点（时）"),
    ("opening_duration_s", "duration of the opening, s", "开卡办理时长（秒）"),
    ("liveness", "liveness score at the opening", "开卡时活体检测分"),
    ("match_score", "face match at the opening", "开卡时人证比对分"),
    ("capture_to_opening_s", "picture to opening, s", "采集照片至开卡的时间（秒）"),
    ("manual_read", "identity typed by hand (1) or read (0)", "证件手工录入（1）或读卡（0）"),
    ("declared_to_cell_km", "declared place from the cell, km", "申报地距所在基站（公里）"),
    ("account_cards_that_day", "cards that the account opened that day", "该工号当日开卡数"),
    ("subject_cards", "cards of the same person", "同一证件名下卡数"),
];

/// By what other cards are neighbours.
const LINKS: [(&str, &str, &str); 4] = [
    ("device", "cards met in the same device", "同终端的其他卡"),
    ("cell", "cards met at the same main cell", "同主用基站的其他卡"),
    ("account_week", "cards of the same account and week", "同工号同周开通的其他卡"),
    ("outlet", "cards of the same outlet", "同网点的其他卡"),
];

/// What is given of neighbours.
const AROUND: [(&str, &str, &str); 9] = [
    ("cards", "how many", "数量"),
    ("known_bad", "how many known to be bad", "已知有问题的数量"),
    ("days_used", "days of use", "使用天数"),
    ("calls_out_day", "calls made a day", "日均主叫次数"),
    ("in_share", "share of calls that were received", "被叫占比"),
    ("short_share", "share of calls made that were short", "主叫中短通话占比"),
    ("new_peer_share", "share of peers that were new", "对端中新号码占比"),
    ("otp_day", "senders of codes a day", "日均验证码发送方数"),
    (
        "tick_share",
        "share of days with the same small data volume as the day before",
        "流量与前一日相同且很小的天数占比",
    ),
];

/// What a column says; none for a column of somebody else's table.
pub(crate) fn words(column: &str) -> Option<Text> {
    if let Some((_, en, zh)) = OWN.iter().find(|o| o.0 == column) {
        return Some(Text::new(*en, *zh));
    }
    let of = |link: &str| column.strip_prefix(link)?.strip_prefix('_');
    LINKS.iter().find_map(|(link, en, zh)| {
        let (_, what, what_zh) = AROUND.iter().find(|a| Some(a.0) == of(link))?;
        Some(Text::new(format!("{en}: {what}"), format!("{zh}：{what_zh}")))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use suyuan_model::scan::MemorySource;

    use super::*;

    #[test]
    fn every_column_of_the_table_has_words() {
        let table = suyuan_detect::card_features(&MemorySource::default(), i64::MAX, &mut |_| {}).unwrap();
        for c in &table.columns {
            assert!(words(c).is_some(), "{c}");
        }
        assert_eq!(table.columns.len(), OWN.len() + LINKS.len() * AROUND.len());
        assert_eq!(
            words("account_week_known_bad").unwrap().en,
            "cards of the same account and week: how many known to be bad"
        );
        assert_eq!((words("peers"), words("cell_peers")), (None, None));
    }
}
