//! The report's own words, in both languages.
//!
//! One entry holds both readings, so a word that is missing in one language does not compile.

use suyuan_model::outcome::{
    ChainStage, Confidence, EntityKind, Family, Lang, Level, Outcome, Question, Reached, Role, Text, Tie,
};

/// How the report speaks a language.
pub(crate) trait Reading: Copy {
    /// The language's tag for the `lang` attribute.
    fn tag(self) -> &'static str;
    /// One of two readings.
    fn pick<T>(self, en: T, zh: T) -> T;
    /// A text's reading.
    fn of(self, t: &Text) -> &str;
    /// The report's words.
    fn words(self) -> &'static Words;
    /// What a kind of thing is called.
    fn kind(self, kind: EntityKind) -> &'static str;
    /// A role along the chain.
    fn role(self, role: Role) -> &'static str;
    /// A stage of the chain.
    fn stage(self, stage: ChainStage) -> &'static str;
    /// A family of records.
    fn family(self, family: Family) -> &'static str {
        let (en, zh) = family.name();
        self.pick(en, zh)
    }

    fn mark(self, mark: &str) -> Option<&'static str>;
    /// A level of attention.
    fn level(self, level: Level) -> &'static str;
    /// How sure a threshold is.
    fn confidence(self, c: Confidence) -> &'static str;
    /// The outcome of a check, with a sign so that colour is never alone.
    fn outcome(self, o: Outcome) -> &'static str;
    /// How a count stands to a threshold.
    fn reached(self, r: Reached) -> &'static str;
    /// A question of the trace.
    fn question(self, q: Question) -> &'static str;
    /// A tie between people of a dense group.
    fn tie(self, t: Tie) -> &'static str;
}

impl Reading for Lang {
    fn tag(self) -> &'static str {
        self.pick("en", "zh-CN")
    }

    fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    fn of(self, t: &Text) -> &str {
        self.pick(&t.en, &t.zh)
    }

    fn words(self) -> &'static Words {
        self.pick(&EN, &ZH)
    }

    fn kind(self, kind: EntityKind) -> &'static str {
        let (en, zh) = match kind {
            EntityKind::Account => ("account", "工号"),
            EntityKind::Device => ("device", "终端"),
            EntityKind::Outlet => ("outlet", "网点"),
            EntityKind::Agent => ("agent", "代理商"),
            EntityKind::Card => ("card", "卡"),
            EntityKind::Person => ("person", "人员"),
            EntityKind::Party => ("party", "主体"),
            EntityKind::Collector => ("collector", "采集人"),
            EntityKind::Employer => ("employer", "用人单位"),
            EntityKind::Face => ("face cluster", "人脸簇"),
            EntityKind::Background => ("background", "图像背景"),
            EntityKind::FraudCase => ("fraud case", "诈骗案件"),
            EntityKind::Object => ("object", "访问对象"),
            EntityKind::Recipient => ("recipient", "接收方"),
            EntityKind::Address => ("address", "网络地址"),
            EntityKind::Imei => ("handset", "手机"),
            EntityKind::Cell => ("radio cell", "基站小区"),
            EntityKind::Home => ("declared address", "登记地址"),
            EntityKind::Contact => ("declared contact", "登记联系人"),
            EntityKind::Ring => ("the ring", "团伙整体"),
        };
        self.pick(en, zh)
    }

    fn role(self, role: Role) -> &'static str {
        let (en, zh) = match role {
            Role::StockAgent => ("blank-card source", "白卡来源"),
            Role::CredentialOwner => ("login owner", "工号持有人"),
            Role::Operator => ("operator", "借号操作人"),
            Role::Harvester => ("collector", "信息采集人"),
            Role::Seller => ("data seller", "信息出售方"),
            Role::Opener => ("card opener", "开卡人"),
            Role::Organiser => ("organiser", "组织者"),
            Role::Courier => ("courier", "传递人"),
            Role::User => ("card user", "用卡人"),
            Role::LookupInsider => ("unexplained look-ups", "无理由查询"),
            Role::Source => ("probable leak source", "疑似泄露来源"),
            Role::Device => ("device", "设备"),
            Role::Outlet => ("outlet", "网点"),
        };
        self.pick(en, zh)
    }

    fn stage(self, stage: ChainStage) -> &'static str {
        match stage {
            ChainStage::Acquisition => self.pick("Acquisition", "获取"),
            ChainStage::Circulation => self.pick("Circulation", "流通"),
            ChainStage::Use => self.pick("Use", "使用"),
        }
    }

    fn family(self, family: Family) -> &'static str {
        let (en, zh) = match family {
            Family::Login => ("logins", "登录"),
            Family::Location => ("places", "位置"),
            Family::Device => ("devices", "设备"),
            Family::Stock => ("stock", "卡库存"),
            Family::Identity => ("faces and captures", "人像与采集"),
            Family::Opening => ("openings", "开卡"),
            Family::Access => ("data access", "信息访问"),
            Family::Use => ("use of cards", "用卡"),
            Family::Money => ("money", "资金"),
            Family::Outcome => ("harm", "后果"),
            Family::Exhibit => ("exhibits", "证据材料"),
            Family::Score => ("learnt scores", "学习评分"),
        };
        self.pick(en, zh)
    }

    fn mark(self, mark: &str) -> Option<&'static str> {
        let (en, zh) = match mark {
            "unlisted" => ("on no asset list", "不在资产清单"),
            "foreign" => ("of another city's outlet", "属于外地网点"),
            "override" => ("opening place changed shortly before", "此前不久改写开卡位置"),
            "place_against_cell" => ("declared place against the cell", "申报位置与基站不符"),
            "other_province" => ("logged in from another province", "外省登录"),
            "overlap" => ("beside another session of the account", "与该工号另一会话同时在线"),
            "old_capture" => ("captured long before", "早已采集的人像"),
            "captured_under_pretext" => ("captured under a pretext", "以其他事由采集"),
            "capture_device" => ("captured on the same device", "在同一设备上采集"),
            "background_reused" => ("background comes back", "背景重复出现"),
            "image_reused" => ("image comes back", "图像重复使用"),
            "employer_in_bulk" => ("in bulk for one employer", "同一单位批量开卡"),
            "same_person_again" => ("one person again and again", "同一人反复开卡"),
            "dropped_by_opener" => ("given up by the opener", "由开卡工号销卡"),
            "away_from_custodian" => ("away from the custodian", "离开保管网点"),
            "moved_to_party" => ("moved to a party of the case", "流转至涉案主体"),
            "as_the_rings" => ("opened as fast and on the same plan as the ring's", "用时与套餐同团伙开卡"),
            "from_where_the_rings" => ("holder from where the ring's are from", "被登记人来源地同团伙"),
            "fraud_report" => ("named in a fraud report", "见于涉诈案件"),
            "disowned" => ("disowned by the holder", "本人否认或认证失败"),
            "leaked_before" => ("opened after the person's identity leaked", "身份信息泄露后被开卡"),
            "sighting" => ("found where it should not be", "在不应出现处被发现"),
            _ => return None,
        };
        Some(self.pick(en, zh))
    }

    fn level(self, level: Level) -> &'static str {
        let (en, zh) = match level {
            Level::Informational => ("for information", "提示"),
            Level::Low => ("low", "低"),
            Level::Medium => ("medium", "中"),
            Level::High => ("high", "高"),
            Level::Critical => ("critical", "最高"),
        };
        self.pick(en, zh)
    }

    fn confidence(self, c: Confidence) -> &'static str {
        let (en, zh) = match c {
            Confidence::Primary => ("primary text", "原文"),
            Confidence::Secondary => ("secondary source", "二手来源"),
            Confidence::Engineering => ("engineering default", "工程默认值"),
            Confidence::Unconfirmed => ("not confirmed", "未确认"),
        };
        self.pick(en, zh)
    }

    fn outcome(self, o: Outcome) -> &'static str {
        match o {
            Outcome::Supported => self.pick("● holds", "● 成立"),
            Outcome::Excluded => self.pick("○ excluded", "○ 已排除"),
            Outcome::NotCheckable => self.pick("? cannot be checked", "? 无法核查"),
        }
    }

    fn reached(self, r: Reached) -> &'static str {
        match r {
            Reached::Yes => self.pick("● reached", "● 达到"),
            Reached::Perhaps => self.pick("◐ perhaps", "◐ 可能达到"),
            Reached::No => self.pick("○ not reached", "○ 未达到"),
        }
    }

    fn question(self, q: Question) -> &'static str {
        match q {
            Question::CardOpening => {
                self.pick("Through whom were the fraud cards opened?", "涉诈卡经由谁开出？")
            }
            Question::HolderIdentity => {
                self.pick("Where did the holders' identities leak?", "被登记人的身份信息从何处泄露？")
            }
            Question::VictimData => {
                self.pick("Where did the fraud victims' data leak?", "诈骗被害人的信息从何处泄露？")
            }
        }
    }

    fn tie(self, t: Tie) -> &'static str {
        let (en, zh) = match t {
            Tie::Counter => ("a counter", "办理网点"),
            Tie::Device => ("a device on no asset list", "不在资产清单的设备"),
            Tie::Capture => ("who took the identity", "身份采集人"),
            Tie::Image => ("a face or image background", "人像或图像背景"),
            Tie::Home => ("a declared home, contact or employer", "登记的住址、联系人或单位"),
            Tie::Use => ("a handset", "用卡手机"),
            Tie::Money => ("a payee", "收款方"),
        };
        self.pick(en, zh)
    }
}

macro_rules! words {
    ($( $key:ident: $en:literal, $zh:literal; )+) => {
        /// The report's words in one language.
        pub(crate) struct Words { $( pub(crate) $key: &'static str ),+ }
        static EN: Words = Words { $( $key: $en ),+ };
        static ZH: Words = Words { $( $key: $zh ),+ };
    };
}

words! {
    product: "Suyuan · case report", "溯源 · 案件报告";
    lead_not_verdict: "Leads for people to check; not a verdict", "供核查的线索，不是结论";
    zone: "Times are China Standard Time (UTC+8); money in yuan.", "时间均为北京时间（UTC+8）；金额单位为元。";
    contents: "Contents", "目录";
    case_: "Case", "案件";
    all_cases: "All cases", "全部案件";
    nothing: "Nothing to report", "没有可报告的内容";
    leads_only: "No case, but leads to look at", "没有成案，但有线索可查";
    other_findings: "Findings that belong to no case", "未归入案件的线索";
    probability: "Probability", "概率";
    ring_probability: "Probability that the ring is real", "团伙存在的概率";
    leak_probability: "Probability that data leaked through it", "信息由此泄露的概率";
    looked_up: "persons touched in all", "接触过的人员";
    looked_up_most: "persons touched, by the source with most", "接触过的人员（最多的一个来源）";
    harmed_expected: "harmed at the base rate", "按基准率预期受害（人）";
    harmed_through: "harmed through it", "经由其受害（人）";
    cards: "Cards", "卡";
    cards_opened: "cards opened", "开卡（张）";
    persons_named: "persons named on them", "被登记人（人）";
    fraud_cards: "cards used in fraud", "涉诈卡（张）";
    fraud_cases: "fraud cases", "诈骗案件（起）";
    loss_yuan: "reported loss, yuan", "报告损失（元）";
    actors_n: "actors", "行为主体（个）";
    diagram: "The chain in one picture", "链条图";
    legend_recorded: "recorded in rows", "有记录";
    legend_inferred: "inferred, with probability", "推断（附概率）";
    legend_exhibits: "dashed frame: exhibits only", "虚线框：仅见于证据材料";
    legend_numbers: "figures on arrows: quantity", "箭头数字：数量";
    chain: "Chain", "链条";
    chain_note: "The same links as in the picture, in words.", "与链条图相同的各环节，以文字列出。";
    stage: "Stage", "环节";
    from: "From", "来自";
    to: "To", "去向";
    what: "What", "内容";
    quantity: "Quantity", "数量";
    basis: "Basis", "依据";
    recorded: "recorded", "有记录";
    inferred: "inferred", "推断";
    when: "When", "时间";
    asked_at: "Noticed at this row, which is no evidence itself", "触发行（本身不作依据）";
    rows: "Rows", "依据行";
    actors: "Actors", "行为主体";
    actors_note: "An account or device is not a person. Each role is a lead with its probability.", "工号或终端不等于人。每个角色都是附有概率的线索。";
    actor: "Actor", "主体";
    roles: "Role", "角色";
    reasons: "Reasons", "理由";
    also_known: "also", "又作";
    exhibits_only: "shown by exhibits only", "仅见于证据材料";
    sources: "Sources", "来源";
    sources_note: "What came through a source, against what would be expected at the base rate for as many things handled.", "经该来源的受害数，与同等经手量按基准率预期之数比较。";
    source: "Source", "来源";
    harmed: "Harmed", "受害";
    expected: "Expected", "预期";
    exposure: "Handled in all", "经手总数";
    lift: "Lift", "倍数";
    base_rate: "Base rate", "基准率";
    listed: "listed at 5 % false discoveries", "列入（错误发现率5%）";
    not_listed: "not listed at 5 % false discoveries", "未列入（错误发现率5%）";
    finer: "Signal carried by", "信号载体";
    credible_set: "Cannot be told apart from (share)", "不能与之区分的对象（份额）";
    counter: "What speaks against it", "反面证据";
    partner: "Looked at the same records while it leaked (the same records, which proves no leak)", "泄露期间查询相同记录（不等于有责）";
    repeated_inside: "repeated inside the window", "窗口内重复";
    repeated_outside: "outside it", "窗口外重复";
    by_chance: "by chance", "偶然概率";
    harms: "Persons harmed through a source", "经由来源受害的人员";
    harms_note: "Each was touched by the source before the harm. The responsibility is the probability that the harm came through it and not by chance or through another source, given that it is one; those below .05 are not listed.", "均在受害前被该来源接触过。责任概率是指在其确为来源时，该受害经由它而非偶然或其他来源造成的概率；低于0.05者不列。";
    responsibility: "Responsibility", "责任概率";
    last_touch: "Last touched before", "受害前最后一次接触";
    harm_at: "Harmed", "受害时间";
    operators: "Operators and owners of logins", "工号的操作人与持有人";
    operators_note: "Probability that the rows below were made by somebody else than the registered holder.", "下列记录并非登记持有人本人操作的概率。";
    login: "Login", "工号";
    owner: "Registered holder", "登记持有人";
    operator: "Who worked under it", "实际操作";
    unknown: "unknown", "未知";
    fraud: "Fraud cases", "诈骗案件";
    fraud_note: "Each case number counts once, and its loss once.", "每个案件编号只计一次，损失只计一次。";
    no_fraud: "No fraud report names a card or a victim of this case.", "没有涉诈案件报告涉及本案的卡或被害人。";
    case_no: "Case number", "案件编号";
    reported: "Reported", "报案时间";
    cards_used: "Cards used", "涉案卡";
    total: "Total", "合计";
    ways: "From a person's data to the fraud", "从个人信息到诈骗";
    ways_note: "For each card used in fraud the most probable way, in order of time. The share is among the ways that the records allow, data from outside them among these; opening, use and report are recorded, which look-up or capture came before is inferred.", "对每张涉诈卡列出最可能的路径，按时间先后。份额是在记录所容许的各路径（含信息来自记录之外）中所占的比例；开卡、用卡和报案有记录，此前经由哪次查询或采集为推断。";
    way_steps: "Steps", "步骤";
    way_share: "Share", "份额";
    groups: "Dense groups of people", "密集人群";
    other_groups: "Dense groups that belong to no case", "未归入案件的密集人群";
    groups_note: "People who share the same few items beyond what their activity explains. The probability is that of belonging to the group, given that it is one; sharing is not acting, and people whose identity was misused stand here too.", "共用同一批物品、且超出其活动量所能解释的人员。概率是指在该群组成立时属于该群组的概率；共用不等于实施，身份被冒用的人也在其中。";
    explained: "explained by the records", "记录可以解释";
    group_members: "Members", "成员";
    group_items: "Shared items", "共用物品";
    group_item: "Shared item", "共用物品";
    group_tie: "Shared as", "关联方式";
    group_ties: "Tied by", "关联方式";
    group_people: "All people on it then", "同期接触者总数";
    group_others: "On an item, not a member", "接触过但不属成员";
    group_days: "Days on its items", "接触天数";
    card: "Card (ICCID)", "卡（ICCID）";
    opened: "Opened", "开卡时间";
    persons: "persons", "人员";
    person: "Person (token)", "被登记人（令牌）";
    marks: "Marks", "关联标记";
    marks_note: "Marks tie a card to the ring; at least two must come from different families of records.", "标记把卡与团伙关联起来；至少两个标记须来自不同类别的记录。";
    by_month: "Openings by month (dark: used in fraud)", "按月开卡数（深色：涉诈）";
    card_sample: "Cards used in fraud, and a sample of the others (every card is in the appendix).", "涉诈卡及其余卡的抽样（全部卡见附录）。";
    all_cards: "Appendix: all cards", "附录：全部卡";
    not_printed: "rows not printed here; they are in case.json", "行未在此列出，见 case.json";
    legal: "Legal thresholds", "法律标准对照";
    legal_note: "Counts held against numeric lines of the law. Whether a line is reached in law is for judgment; knowledge, purpose and joint acts must be proved besides.", "将计数与法律的数额数量标准对照。是否达到标准以司法认定为准；明知、目的和共同行为须另行证明。";
    provision: "Provision", "条款";
    lower_upper: "Lower – upper", "下限—上限";
    threshold: "Line", "标准";
    result: "Result", "对照结果";
    in_force: "in force then", "行为时有效";
    not_in_force: "not in force then", "行为时未施行或已失效";
    findings: "Findings", "线索";
    findings_note: "Rules that held, with their rows, how often that happens anyway, and what would clear them.", "触发的规则及其依据行、平时发生的频率，以及可以排除的情形。";
    clears: "What would clear it", "可以排除的情形";
    cannot_tell_apart: "Cannot tell", "不能判断";
    rule: "Rule", "规则";
    other_explanations: "What else could explain it", "其他可能的解释";
    other_explanations_note: "Explanations checked against the records, from sources and findings of this case.", "对照记录逐一核查的其他解释，来自本案的来源与线索。";
    explanation: "Explanation", "解释";
    check: "Check", "核查结果";
    detail: "Detail", "说明";
    none_checked: "No other explanation was checked.", "没有核查过的其他解释。";
    cannot_tell: "What the records cannot tell", "记录不能说明的事项";
    exhibits: "Exhibits", "证据材料";
    requests: "What to ask for next", "下一步应调取的材料";
    other_sources: "Sources that belong to no case", "未归入案件的来源";
    involved: "Also involved", "另涉及";
    remarks: "Remarks", "说明";
    method: "Method, versions and hashes", "方法、版本与校验值";
    method_text: "Records were taken in once, identities replaced by keyed tokens, and everything here was computed from one snapshot of them by dated rules. The same records, rules and laws give the same bytes. A hash shows that a file is unchanged since intake, not that its content was true when recorded.", "记录一次性读入，身份以密钥令牌替代；本报告全部内容由同一快照的记录依注明日期的规则计算得出。相同的记录、规则和法律得到逐字节相同的结果。校验值只说明文件自读入后未被改动，不说明其内容在记录时真实。";
    version: "Program version", "程序版本";
    snapshot: "Snapshot", "快照";
    key_set: "Key set", "密钥集";
    input_files: "Input files", "输入文件";
    file: "File", "文件";
    read: "Read", "读取";
    taken: "Taken in", "收入";
    known: "Known already", "已有";
    rejected: "Kept aside", "搁置";
    rules: "Rules (hash)", "规则（校验值）";
    models: "Learnt scores, by the day that they are dated (hash)", "学习评分，按截止日（校验值）";
    laws: "Law packs (hash)", "法律数据（校验值）";
    rows_by_kind: "Rows by kind", "各类记录行数";
    evidence: "Appendix: evidence", "附录：依据";
    evidence_sets: "Evidence sets", "依据集合";
    evidence_sets_note: "Every figure leads to a set; a set names its rows by number.", "每个数字指向一个集合；集合按编号列出其行。";
    evidence_rows: "Rows", "依据行";
    set: "Set", "集合";
    about: "About", "关于";
    record: "Record", "记录";
    record_id: "Source / number", "来源系统/编号";
    time: "Time", "时间";
    file_line: "File:line", "文件:行";
    of_in_all: "rows in all", "行（总数）";
    first_shown: "the earliest are listed", "列出最早的部分";
    none: "none", "无";
    persons_cluster: "persons", "被采集人";
    looked_up_cluster: "persons looked up", "被查询人";
    cards_cluster: "opened cards", "已实名卡";
    fraud_cluster: "fraud cases", "诈骗案件";
    of_them_fraud: "used in fraud", "涉诈";
    more_actors: "more", "其余";
    no_cases: "cases found", "个案件";
}
