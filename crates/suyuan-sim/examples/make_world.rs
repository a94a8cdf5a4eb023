//! Makes a world: `make_world WORLD SIZE SEED OUT TRUTH`.

use std::path::Path;

use suyuan_sim::{Size, World, generate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [world, size, seed, out, truth] = args.as_slice() else {
        return Err("use: make_world WORLD SIZE SEED OUT TRUTH".into());
    };
    let world = match World::embedded(world) {
        Ok(world) => world,
        Err(_) if Path::new(world).exists() => World::parse(&std::fs::read_to_string(world)?)?,
        Err(e) => return Err(e.into()),
    };
    let summary =
        generate(&world, Size::by_name(size)?, seed.parse()?, Path::new(out), Path::new(truth), &mut |_| {})?;
    for (kind, rows) in &summary.rows {
        println!("{kind:16} {rows:>10}");
    }
    println!("{:16} {:>10}", "all", summary.total());
    Ok(())
}
