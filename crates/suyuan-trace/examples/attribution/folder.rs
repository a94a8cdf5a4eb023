//! A made-up world as a folder, so that another program can be asked the same question, or ask its own here.
//!
//! `touches.u32` holds rows of thing, column and day, `region.u32` the region and `harm.f64` the day of the known
//! harm of each thing (little endian, without heads); `world.json` the rest, with the truth.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use suyuan_trace::attribute::Clock;

use crate::world::{Leak, Touch, Who, World};

/// Writes the world.
pub fn write(dir: &Path, w: &World) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let rows = w.touches.iter().flat_map(|t| [t.thing, t.column, u32::from(t.day)]);
    fs::write(dir.join("touches.u32"), rows.flat_map(u32::to_le_bytes).collect::<Vec<u8>>())?;
    let regions = w.region.iter().flat_map(|r| r.to_le_bytes());
    fs::write(dir.join("region.u32"), regions.collect::<Vec<u8>>())?;
    let harm = w.harm.iter().flat_map(|h| h.to_le_bytes());
    fs::write(dir.join("harm.f64"), harm.collect::<Vec<u8>>())?;
    let leaks: Vec<Value> = (w.leaks.iter())
        .map(|l| {
            json!({"accounts": l.accounts, "terminal": l.terminal, "from": l.window.0, "until": l.window.1,
                   "harmed": l.harmed})
        })
        .collect();
    let who: Vec<Value> = w.who.iter().map(|c| json!([c.whole, c.outlet])).collect();
    let rest = json!({"who": who, "outlets": w.outlets, "horizon": w.horizon, "by_age": w.clock == Clock::Age,
                      "leaks": leaks});
    fs::write(dir.join("world.json"), rest.to_string())
}

/// Reads the world.
pub fn read(dir: &Path) -> Result<World, Box<dyn std::error::Error>> {
    let words = |name: &str| -> std::io::Result<Vec<u32>> {
        Ok(fs::read(dir.join(name))?
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect())
    };
    let rest: Value = serde_json::from_slice(&fs::read(dir.join("world.json"))?)?;
    let number = |v: &Value| v.as_u64().map(|x| x as u32);
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let touches = words("touches.u32")?
        .chunks_exact(3)
        .map(|r| Touch { thing: r[0], column: r[1], day: r[2] as u16 })
        .collect();
    let harm = fs::read(dir.join("harm.f64"))?
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(std::array::from_fn(|i| b[i])))
        .collect();
    Ok(World {
        who: list(&rest["who"]).iter().map(|w| Who { whole: number(&w[0]), outlet: number(&w[1]) }).collect(),
        touches,
        region: words("region.u32")?,
        outlets: list(&rest["outlets"]).iter().filter_map(number).collect(),
        harm,
        horizon: rest["horizon"].as_f64().ok_or("no horizon")?,
        clock: if rest["by_age"] == true { Clock::Age } else { Clock::Calendar },
        leaks: list(&rest["leaks"])
            .iter()
            .map(|l| Leak {
                accounts: list(&l["accounts"]).iter().filter_map(number).collect(),
                terminal: number(&l["terminal"]),
                window: (l["from"].as_f64().unwrap_or(0.0), l["until"].as_f64().unwrap_or(0.0)),
                harmed: number(&l["harmed"]).unwrap_or(0),
            })
            .collect(),
    })
}
