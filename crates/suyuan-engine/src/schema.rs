//! The JSON Schema of each output file, made from its type.

use schemars::generate::SchemaSettings;
use serde_json::Value;
use suyuan_model::outcome::{Cases, FORMAT, Finding, Reject, Run, Trace};
use suyuan_model::risk::Risk;

/// An output file that has a schema.
#[derive(Debug)]
pub struct File {
    /// Name of the schema.
    pub name: &'static str,
    /// Name of the file in the output folder.
    pub output: &'static str,
    /// One line in English.
    pub en: &'static str,
    /// Name in Chinese.
    pub zh: &'static str,
    /// One line in Chinese.
    pub zh_doc: &'static str,
}

/// The output files, in the order of the path.
pub const FILES: [File; 6] = [
    File {
        name: "finding",
        output: "findings.ndjson",
        en: "One finding a line: what, who, when, the rows that prove it, what else could explain it.",
        zh: "发现",
        zh_doc: "每行一条线索：何事、何人、何时、证明它的行、其他可能的解释。",
    },
    File {
        name: "review",
        output: "review.ndjson",
        en: "One entity a line: what the findings of independent record families add up to, and whether a person should look.",
        zh: "复核名单",
        zh_doc: "每行一个主体：各独立记录族的线索合计、是否应由人工复核。",
    },
    File {
        name: "sources",
        output: "sources.json",
        en: "The trace: sources with probabilities, operators, rings.",
        zh: "溯源结果",
        zh_doc: "来源及其概率、实际操作人、团伙。",
    },
    File {
        name: "case",
        output: "case.json",
        en: "The cases: actors with roles, cards, fraud cases, losses, chain, legal thresholds.",
        zh: "案件",
        zh_doc: "人员与角色、卡、诈骗案件、损失、链条、法律门槛。",
    },
    File {
        name: "reject",
        output: "rejects.ndjson",
        en: "One row that did not fit a line: file, line, field, reason, remedy, sealed raw text.",
        zh: "未入库的行",
        zh_doc: "每行一条未入库的原始记录：文件、行号、字段、原因、办法、密封的原文。",
    },
    File {
        name: "run",
        output: "run.json",
        en: "What the run did: versions, hashes of inputs, counts.",
        zh: "运行记录",
        zh_doc: "版本、输入文件哈希、计数。",
    },
];

/// The schema of that name (JSON Schema 2020-12).
pub fn of(name: &str) -> Option<Value> {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let schema = match name {
        "finding" => generator.into_root_schema_for::<Finding>(),
        "review" => generator.into_root_schema_for::<Risk>(),
        "sources" => generator.into_root_schema_for::<Trace>(),
        "case" => generator.into_root_schema_for::<Cases>(),
        "reject" => generator.into_root_schema_for::<Reject>(),
        "run" => generator.into_root_schema_for::<Run>(),
        _ => return None,
    };
    let mut value = schema.to_value();
    value["$id"] = format!("urn:suyuan:{name}:{FORMAT}").into();
    Some(value)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_has_a_schema_with_its_version() {
        for f in super::FILES {
            let schema = super::of(f.name).unwrap();
            assert!(schema["properties"].is_object(), "{}", f.name);
            assert!(schema["$id"].as_str().unwrap().ends_with(":1"));
        }
    }
}
