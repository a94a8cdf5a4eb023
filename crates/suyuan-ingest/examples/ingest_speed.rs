//! Prints rows/s and MB/s of parsing, tokenising and sealing `opening` and `usage` rows from CSV.
//!
//! `cargo run --profile demo -p suyuan-ingest --example ingest_speed -- [ROWS | FOLDER] [THREADS]`

use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use arrow_array::RecordBatch;
use suyuan_ingest::*;
use suyuan_model::Kind;
use suyuan_model::outcome::Text;
use suyuan_vault::Vault;

#[derive(Default)]
struct Count {
    rows: u64,
    originals: u64,
    rejects: u64,
}

impl Sink for Count {
    fn begin_file(&mut self, _: &FileInfo) -> Result<Take, SinkError> {
        Ok(Take::Read { file_id: 1 })
    }
    fn batch(&mut self, _: Kind, batch: RecordBatch) -> Result<(), SinkError> {
        self.rows += batch.num_rows() as u64;
        Ok(())
    }
    fn originals(&mut self, batch: RecordBatch) -> Result<(), SinkError> {
        self.originals += batch.num_rows() as u64;
        Ok(())
    }
    fn reject(&mut self, row: RejectRow) -> Result<(), SinkError> {
        eprintln!("{row:?}");
        self.rejects += 1;
        Ok(())
    }
    fn end_file(&mut self, _: &FileSummary) -> Result<(), SinkError> {
        Ok(())
    }
    fn unreadable(&mut self, name: &str, _: &Text, _: &Text) -> Result<(), SinkError> {
        eprintln!("unreadable {name}");
        Ok(())
    }
}

fn opening(out: &mut impl Write, rows: u64) -> std::io::Result<()> {
    writeln!(
        out,
        "ts,card,msisdn,subject,account,device,outlet,region6,gps_source,lat,lon,cell_region6,ip,id_read_mode,captured_at,liveness,match_score,employer,address,contact,plan,channel,duration_s"
    )?;
    for n in 0..rows {
        let (h, m, s) = (n / 3600 % 24, n / 60 % 60, n % 60);
        writeln!(
            out,
            "2020-03-01T{h:02}:{m:02}:{s:02}+08:00,{},139{:08},33068119{:02}0{}{:02}{:03}X,ZJ{:06},T-{:05},W-{:04},330681,device,29.71{:04},120.23{:04},330681,10.{}.{}.{},reader,2020-03-01T{h:02}:{m:02}:00+08:00,0.9{},0.8{},示例公司{},浙江省诸暨市某某街道{}号,138{:08},套餐{},门店,{}",
            89_860_000_000_000_000_000u128 + u128::from(n),
            n * 7919 % 100_000_000,
            50 + n % 50,
            1 + n % 9,
            10 + n % 18,
            n % 1000,
            n % 5_000,
            n % 9_000,
            n % 2_000,
            n % 10_000,
            n % 9_999,
            n % 255,
            n / 255 % 255,
            n % 17,
            n % 100,
            n % 89,
            n % 300,
            n % 50_000,
            n * 6007 % 100_000_000,
            n % 20,
            60 + n % 400
        )?;
    }
    Ok(())
}

fn usage(out: &mut impl Write, rows: u64) -> std::io::Result<()> {
    writeln!(
        out,
        "card,day,imei,calls_out,calls_in,calls_short,peers,peers_new,sms_out,sms_in,data_mb,first_region6,main_region6,main_cell"
    )?;
    for n in 0..rows {
        writeln!(
            out,
            "{},2020-{:02}-{:02},8612340412345{:02},{},{},{},{},{},{},{},{},330681,330602,460-00-{:05}",
            89_860_000_000_000_000_000u128 + u128::from(n / 30),
            1 + n / 28 % 12,
            1 + n % 28,
            n % 100,
            n % 40,
            n % 20,
            n % 5,
            n % 30,
            n % 4,
            n % 9,
            n % 11,
            n % 900,
            n % 60_000
        )?;
    }
    Ok(())
}

fn measure(vault: &Vault, path: &Path, threads: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = 0;
    let threads = NonZeroUsize::new(threads).ok_or("at least one thread")?;
    let plan = Plan::of(&[path.to_owned()], None)?;
    for file in &plan.files {
        bytes += std::fs::metadata(&file.path)?.len();
    }
    let mut count = Count::default();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    Intake::new(vault, Options::new(threads, None)).run(&plan, &mut count)?;
    let (s, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let rows = count.rows as f64;
    println!(
        "{}: {} rows, {} originals, {} rejects, {threads} threads, {s:.2} s: {:.0} rows/s, {:.1} MB/s; {cpu:.2} s of CPU: {:.0} rows/s a core",
        path.file_name().unwrap_or_default().to_string_lossy(),
        count.rows,
        count.originals,
        count.rejects,
        rows / s,
        bytes as f64 / s / 1e6,
        rows / cpu
    );
    Ok(())
}

/// User and system time of this process (Linux; a tick is 10 ms).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = |n: usize| stat.split(' ').nth(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(13) + ticks(14)) / 100.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let first = args.next().unwrap_or_else(|| "1000000".to_owned());
    let threads: usize = args.next().map_or(Ok(2), |a| a.parse())?;
    let dir = std::env::temp_dir().join("suyuan-ingest-speed");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    let vault = Vault::create(&dir.join("keys"))?;
    if Path::new(&first).is_dir() {
        measure(&vault, Path::new(&first), threads)?;
        std::fs::remove_dir_all(&dir)?;
        return Ok(());
    }
    let rows: u64 = first.parse()?;
    let (a, b) = (dir.join("opening.csv"), dir.join("usage.csv"));
    opening(&mut BufWriter::new(std::fs::File::create(&a)?), rows)?;
    usage(&mut BufWriter::new(std::fs::File::create(&b)?), rows)?;
    for path in [&a, &b] {
        measure(&vault, path, 1)?;
        measure(&vault, path, threads)?;
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        println!("{}", status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or(""));
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
