//! Pages of the manual that are read off the types: record kinds and output files.

use std::fmt::Write;

use suyuan_model::outcome::Lang;
use suyuan_model::{FieldType, Kind, KindSpec, PiiClass, Stage};

use crate::schema;

/// The page of all record kinds.
pub fn kinds(lang: Lang) -> String {
    let mut page = String::from(match lang {
        Lang::En => KINDS_HEAD_EN,
        Lang::Zh => KINDS_HEAD_ZH,
    });
    let mut stage = None;
    for kind in Kind::ALL {
        let spec = kind.spec();
        if stage != Some(spec.stage) {
            stage = Some(spec.stage);
            let _ = write!(page, "\n## {}\n", stage_name(spec.stage, lang));
        }
        one_kind(&mut page, spec, lang);
    }
    page
}

const KINDS_HEAD_EN: &str = "\
<!-- written by `cargo xtask docs` from the declarations in suyuan-model -->
# Record kinds

One row is one fact that a source system recorded. Every row also has `ts` (when it happened: RFC 3339
with offset in text formats, UTC microseconds inside), `source` (the source system) and `seq` (its whole
number in that system). `(ts, source, seq)` is the row's identity and its place in the total order:
reading the same row twice changes nothing. Where a file has no `source` or `seq`, its path without
suffix and the number of the row stand in. An unknown value is absent: leave the cell empty.

Fields marked PII become keyed tokens on the way in; the lake never holds them in clear. Beside the
token stands what cannot identify: `<field>_region6`, `_birth_year`, `_birth_month` (under 16 only),
`_sex`, `_valid` (whether the identity number's check digit, date and region hold), `_segment` (first
seven digits of a mobile number), `_surname` (a token). An identity or mobile number that stands in any
other text field becomes the same token there; names in such fields are not recognised, so keep them out
of notes and plans. **Bold** fields are required.
";

const KINDS_HEAD_ZH: &str = "\
<!-- 由 `cargo xtask docs` 根据 suyuan-model 的声明生成 -->
# 记录种类

一行是来源系统记下的一个事实。每行还有 `ts`（发生时间：文本格式为带时区偏移的 RFC 3339，内部为 UTC 微秒）、
`source`（来源系统）和 `seq`（该系统内的整数序号）。`(ts, source, seq)` 是行的身份，也是它在全序中的位置：
同一行读两次不改变任何结果。文件没有 `source` 或 `seq` 时，以去掉后缀的路径和行号代替。未知的值留空。

标为 PII 的字段在入库时变成带密钥的令牌，数据湖从不保存明文。令牌旁边保存不能识别个人的内容：
`<字段>_region6`、`_birth_year`、`_birth_month`（仅未满 16 岁）、`_sex`、`_valid`（证件号校验码、日期、
区划是否成立）、`_segment`（手机号前七位）、`_surname`（姓氏的令牌）。其他文本字段中出现的证件号或手机号
也会变成同样的令牌；这些字段里的姓名无法识别，请不要写进备注或套餐。**粗体**字段为必填。
";

fn stage_name(stage: Stage, lang: Lang) -> &'static str {
    match (stage, lang) {
        (Stage::Reference, Lang::En) => "Who and where",
        (Stage::Reference, Lang::Zh) => "主体与地点",
        (Stage::Acquisition, Lang::En) => "Acquisition (获取)",
        (Stage::Acquisition, Lang::Zh) => "获取",
        (Stage::Circulation, Lang::En) => "Circulation (流通)",
        (Stage::Circulation, Lang::Zh) => "流通",
        (Stage::Opening, Lang::En) => "Opening (开卡)",
        (Stage::Opening, Lang::Zh) => "开卡",
        (Stage::Use, Lang::En) => "Use and harm (使用)",
        (Stage::Use, Lang::Zh) => "使用与危害",
    }
}

fn one_kind(page: &mut String, spec: &KindSpec, lang: Lang) {
    let (title, doc, head) = match lang {
        Lang::En => (spec.name, spec.en_doc, "| field | type | what |"),
        Lang::Zh => (spec.zh, spec.zh_doc, "| 字段 | 类型 | 含义 |"),
    };
    let _ = write!(
        page,
        "\n### `{}` {}\n\n{doc}\n\n{head}\n|---|---|---|\n",
        spec.name,
        if title == spec.name { "" } else { title }
    );
    for f in spec.fields {
        let name = if f.required { format!("**{}**", f.name) } else { f.name.to_owned() };
        let what = if lang == Lang::En { f.en } else { f.zh };
        let _ = writeln!(page, "| {name} | {} | {what} |", type_name(f.ty, lang));
    }
    let groups: Vec<String> = spec.any_of.iter().map(|g| format!("`{}`", g.join("` + `"))).collect();
    match (groups.is_empty(), lang) {
        (true, _) => {}
        (false, Lang::En) => writeln!(page, "\nAt least one of: {}.", groups.join(", ")).unwrap_or(()),
        (false, Lang::Zh) => writeln!(page, "\n至少要有其一：{}。", groups.join("、")).unwrap_or(()),
    }
    let day = spec.fields.iter().any(|f| Some(f.name) == spec.ts_from && f.ty == FieldType::Day);
    let begins = match (day, lang) {
        (false, _) => "",
        (true, Lang::En) => " (a day begins at 00:00 in UTC+8)",
        (true, Lang::Zh) => "（日期按 UTC+8 零时）",
    };
    match (spec.ts_from, lang) {
        (None, _) => {}
        (Some(f), Lang::En) => writeln!(page, "\nWithout `ts`, `{f}` stands in{begins}.").unwrap_or(()),
        (Some(f), Lang::Zh) => writeln!(page, "\n没有 `ts` 时以 `{f}` 代替{begins}。").unwrap_or(()),
    }
}

fn type_name(ty: FieldType, lang: Lang) -> String {
    let pick = |en: &str, zh: &str| if lang == Lang::En { en.to_owned() } else { zh.to_owned() };
    match ty {
        FieldType::Id => pick("id", "编号"),
        FieldType::Iccid => "ICCID".to_owned(),
        FieldType::Imei => "IMEI".to_owned(),
        FieldType::Text => pick("text", "文本"),
        FieldType::Enum(values) => values.join(" \\| "),
        FieldType::Set(values) => {
            format!("{}: {}", pick("several of (`;` between)", "可多选（以 `;` 分隔）"), values.join(" \\| "))
        }
        FieldType::Pii(PiiClass::Person) => {
            pick("PII: identity number, mobile number or name", "PII：证件号、手机号或姓名")
        }
        FieldType::Pii(PiiClass::Msisdn) => pick("PII: mobile number", "PII：手机号"),
        FieldType::Pii(PiiClass::Name) => pick("PII: name", "PII：姓名或名称"),
        FieldType::Pii(PiiClass::Address) => pick("PII: address", "PII：地址"),
        FieldType::Pii(PiiClass::Contact) => pick("PII: telephone number or name", "PII：电话或姓名"),
        FieldType::Region => {
            pick("region (GB/T 2260, else ISO 3166-2)", "区划代码（GB/T 2260，境外 ISO 3166-2）")
        }
        FieldType::Time => pick("time (RFC 3339)", "时间（RFC 3339）"),
        FieldType::Day => pick("day (YYYY-MM-DD)", "日期（YYYY-MM-DD）"),
        FieldType::Int => pick("whole number", "整数"),
        FieldType::Real => pick("number", "数"),
        FieldType::Lat | FieldType::Lon => pick("degrees, WGS-84", "度，WGS-84"),
        FieldType::Score => pick("0 to 1", "0 到 1"),
        FieldType::Money => pick("yuan, two decimals", "元，两位小数"),
        FieldType::Bool => pick("true or false", "true 或 false"),
    }
}

/// The page of the output files: every type and field of the JSON Schemas, in English and with the
/// Chinese name of each file.
pub fn outputs() -> String {
    let mut page = String::from(OUTPUTS_HEAD);
    for file in schema::FILES {
        let schema = schema::of(file.name).expect("every file has its schema");
        let _ = write!(
            page,
            "\n## `{}` {}\n\n{} · {}\n\nSchema: [schema/{}.schema.json](schema/{}.schema.json)\n",
            file.output, file.zh, file.en, file.zh_doc, file.name, file.name
        );
        let defs = schema["$defs"].as_object();
        section(&mut page, schema["title"].as_str().unwrap_or(file.name), &schema);
        for (name, def) in defs.into_iter().flatten() {
            section(&mut page, name, def);
        }
    }
    page
}

const OUTPUTS_HEAD: &str = "\
<!-- written by `cargo xtask docs` from the types in suyuan-model -->
# Output files · 输出文件

What `suyuan run DIR --out OUT` writes, besides `report.zh.html` and `report.en.html`. The format has a
version (`format`, today `1`); within a version fields are only added. Probabilities lie between 0 and 1;
scores are natural logarithms of likelihood ratios; money is yuan with two decimals as text; times are
RFC 3339 UTC. Every list is sorted, and the same input, version and keys give the same bytes.
本页列出 `suyuan run` 写出的文件。格式带版本号，同一版本内只增加字段；概率在 0 到 1 之间；分值为似然比的自然对数；
金额为两位小数的文本（元）；时间为 UTC 的 RFC 3339。同样的输入、版本和密钥得到同样的字节。
";

fn section(page: &mut String, name: &str, def: &serde_json::Value) {
    let Some(fields) = def["properties"].as_object() else {
        if let Some(values) = def["oneOf"].as_array().or(def["enum"].as_array()) {
            let _ = write!(page, "\n### {name}\n\n{}\n\n", def["description"].as_str().unwrap_or(""));
            for v in values {
                let value = v["const"].as_str().or(v.as_str()).unwrap_or("");
                let _ = writeln!(page, "- `{value}` {}", v["description"].as_str().unwrap_or(""));
            }
        }
        return;
    };
    let _ = write!(
        page,
        "\n### {name}\n\n{}\n\n| field | type | what |\n|---|---|---|\n",
        def["description"].as_str().unwrap_or("")
    );
    for (field, spec) in fields {
        let what = spec["description"].as_str().unwrap_or("").replace('\n', " ");
        let _ = writeln!(page, "| {field} | {} | {what} |", type_of(spec));
    }
}

fn type_of(spec: &serde_json::Value) -> String {
    if let Some(r) = spec["$ref"].as_str() {
        return r.rsplit('/').next().unwrap_or(r).to_owned();
    }
    if let Some(all) = spec["anyOf"].as_array() {
        return all.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    match &spec["type"] {
        serde_json::Value::String(t) if t == "array" => match &spec["items"] {
            serde_json::Value::Null => "list".to_owned(),
            items => format!("list of {}", type_of(items)),
        },
        serde_json::Value::String(t) => t.clone(),
        serde_json::Value::Array(all) => {
            all.iter().filter_map(|t| t.as_str()).collect::<Vec<_>>().join(" or ")
        }
        _ => "value".to_owned(),
    }
}
