//! Fits and scores one table many times, for evaluations: `splits TABLE LABEL ID [EDGES.csv]`.
//!
//! Each line of standard input is one job: `{"rows": [ids], "train": [ids], "signals": [..], "ratios": [..],
//! "graph": false, "odd": false}`. Only labels of `train` are shown to the model; the answer is one line with
//! the probability (or, with `odd`, the score without labels) of each of `rows`.
#![allow(clippy::unwrap_used, reason = "a tool of the bench: it may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufRead;

use suyuan_score::calibrate::probability;
use suyuan_score::unsupervised::{Baseline, Signal};
use suyuan_score::{Features, Graph, Options, Roles, Table, train};

fn strings(job: &serde_json::Value, key: &str) -> Vec<String> {
    job[key].as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let roles = Roles { label: Some(args[1].clone()), id: Some(args[2].clone()), ..Roles::default() };
    let all = Table::read(File::open(&args[0]).unwrap(), &args[0], &roles, Features::All).unwrap();
    let graph = args.get(3).map(|p| Graph::read(File::open(p).unwrap(), p).unwrap());
    let at: BTreeMap<&str, u32> = all.ids.iter().enumerate().map(|(i, id)| (id.as_str(), i as u32)).collect();
    for line in std::io::stdin().lock().lines() {
        let job: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let places = |key| strings(&job, key).iter().map(|id| at[id.as_str()]).collect::<Vec<u32>>();
        let signals = |key| strings(&job, key).iter().map(|s| Signal::parse(s).unwrap()).collect::<Vec<_>>();
        let (rows, shown) = (places("rows"), places("train"));
        let mut table = all.only(&rows);
        let mut known = vec![false; all.rows()];
        shown.iter().for_each(|r| known[*r as usize] = true);
        for (label, r) in table.labels.iter_mut().zip(&rows) {
            *label = label.filter(|_| known[*r as usize]);
        }
        let said: Vec<f64> = if job["odd"] == true {
            let base = Baseline::of(&table, &signals("signals")).unwrap();
            base.score(&table).unwrap().iter().map(|o| o.score).collect()
        } else {
            let graph = graph.as_ref().filter(|_| job["graph"] == true);
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let (signals, ratios) = (signals("signals"), signals("ratios"));
            let options = Options { threads, signals, ratios, roles: roles.clone(), ..Options::default() };
            let model = train(&table, graph, &options).unwrap();
            model.log_odds(&table, graph).unwrap().into_iter().map(probability).collect()
        };
        println!("{}", serde_json::to_string(&said).unwrap());
    }
}
