//! Farms of a list of touches: `farms FILE`, lines `user,item,day` (numbers from zero) in; farms as JSON lines out.
//!
//! Every line is an occasion of its own, all items are of one family, all users of one stratum. Called by
//! `cargo xtask bench farms`.

use std::io::{BufRead, BufReader, Error, ErrorKind};

use suyuan_trace::farm::{Graph, Params, Touch, find};

fn main() -> Result<(), Error> {
    let path = std::env::args().nth(1).ok_or_else(|| Error::new(ErrorKind::InvalidInput, "farms FILE"))?;
    let mut g = Graph::default();
    for (n, line) in BufReader::new(std::fs::File::open(path)?).lines().enumerate() {
        let line = line?;
        let mut parts = line.split(',').map(str::parse::<i32>);
        let (Some(Ok(user)), Some(Ok(item)), Some(Ok(day))) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::new(ErrorKind::InvalidData, format!("line {}: not user,item,day", n + 1)));
        };
        g.touches.push(Touch { user: user as u32, item: item as u32, event: n as u32, day });
    }
    g.users = vec![0; g.touches.iter().map(|t| t.user as usize + 1).max().unwrap_or(0)];
    g.items = vec![0; g.touches.iter().map(|t| t.item as usize + 1).max().unwrap_or(0)];
    for f in find(&g, &Params::default()).farms {
        let members: Vec<(u32, f64)> = f.members.iter().map(|m| (m.user, m.probability)).collect();
        println!(
            "{}",
            serde_json::json!({ "members": members, "items": f.items, "days": f.days, "rate": f.rate })
        );
    }
    Ok(())
}
