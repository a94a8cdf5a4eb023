//! How many values a core tokenises and seals in a second: `cargo run --profile demo -p suyuan-vault --example speed`.

use std::time::Instant;

use suyuan_model::PiiClass;
use suyuan_model::identity::check_digit;
use suyuan_vault::Vault;

/// Values of each sort; enough for a second's work.
const VALUES: u32 = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let vault = Vault::create(&dir.path().join("keys"))?;
    let ids = (0..VALUES).map(|i| {
        let body =
            format!("3306811{:03}{:02}{:02}{:03}", 950 + i % 50, 1 + i % 12, 1 + i / 12 % 28, i / 336 % 1000);
        let check = check_digit(&body).unwrap_or('0');
        format!("{body}{check}")
    });
    measure(
        &vault,
        "mobile numbers",
        PiiClass::Msisdn,
        (0..VALUES).map(|i| format!("138{:08}", i * 97 % 100_000_000)),
    )?;
    measure(&vault, "identity numbers", PiiClass::Person, ids)?;
    measure(
        &vault,
        "names",
        PiiClass::Name,
        (0..VALUES).map(|i| format!("张{}", char::from_u32(0x4e00 + i % 20_000).unwrap_or('三'))),
    )?;
    measure(
        &vault,
        "addresses",
        PiiClass::Address,
        (0..VALUES).map(|i| format!("浙江省绍兴市诸暨市暨阳街道{i}号")),
    )?;
    Ok(())
}

fn measure(
    vault: &Vault,
    what: &str,
    class: PiiClass,
    values: impl Iterator<Item = String>,
) -> Result<(), Box<dyn std::error::Error>> {
    let values: Vec<String> = values.collect();
    let start = Instant::now();
    let mut bytes = 0;
    for value in &values {
        let token = vault.tokenise(class, value, 0)?;
        bytes += token.text.len() + token.seal.0.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{what}: {:.2} M/s on one core ({bytes} bytes of tokens and seals)",
        values.len() as f64 / seconds / 1e6
    );
    Ok(())
}
