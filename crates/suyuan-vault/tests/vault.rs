//! The vault from outside: what holds for every key set, and what a damaged one says.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use suyuan_model::{PiiClass, time};
use suyuan_vault::{PiiFault, SEAL_FILE, TOKEN_FILE, Token, TokenKind, Vault, VaultError};
use tempfile::TempDir;

/// 2020-03-01 in China.
const NOW: i64 = 18_322 * time::DAY;
const PHONE: &str = "13800138000";
const ID: &str = "11010519491231002X";

fn vault() -> (TempDir, Vault) {
    let dir = TempDir::new().unwrap();
    let vault = Vault::create(&dir.path().join("keys")).unwrap();
    (dir, vault)
}

fn token(vault: &Vault, class: PiiClass, value: &str) -> Token {
    vault.tokenise(class, value, NOW).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in [TOKEN_FILE, SEAL_FILE] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

#[test]
fn one_key_set_one_token() {
    let (dir, one) = vault();
    let again = Vault::open(&dir.path().join("keys")).unwrap();
    assert_eq!(token(&one, PiiClass::Person, ID), token(&again, PiiClass::Person, ID));
    assert_eq!((one.id(), one.seal_text(b"raw")), (again.id(), again.seal_text(b"raw")));

    let (_other_dir, other) = vault();
    let (a, b) = (token(&one, PiiClass::Person, ID), token(&other, PiiClass::Person, ID));
    assert_ne!((one.id(), &a.text, &a.seal), (other.id(), &b.text, &b.seal));
    assert!(matches!(other.open_original(&a.text, &a.seal.0), Err(VaultError::Sealed)));
    assert!(matches!(other.open_text(&one.seal_text(b"raw")), Err(VaultError::Sealed)));
}

#[test]
fn a_token_has_its_form() {
    let (_dir, vault) = vault();
    let t = token(&vault, PiiClass::Person, ID);
    let (head, tail) = t.text.split_once('-').unwrap();
    assert_eq!((head, tail.len()), ("idn1", 26));
    assert!(tail.bytes().all(|c| c.is_ascii_lowercase() || (b'2'..=b'7').contains(&c)));
    assert!(vault.id().starts_with("keys1-"));
}

#[test]
fn one_phone_one_token_in_every_field() {
    let (_dir, vault) = vault();
    let classes = [PiiClass::Msisdn, PiiClass::Contact, PiiClass::Person];
    let spellings = [PHONE, "+86 138 0013 8000", "8613800138000", "１３８００１３８０００"];
    let first = token(&vault, PiiClass::Msisdn, PHONE);
    assert_eq!((first.kind, first.segment.as_deref()), (TokenKind::Tel, Some("1380013")));
    for class in classes {
        assert!(spellings.iter().all(|s| token(&vault, class, s) == first), "{class:?}");
    }
    let (name, contact) = (token(&vault, PiiClass::Name, "李四"), token(&vault, PiiClass::Contact, "李 四"));
    assert_eq!(name, contact);
    // A number is not a name, even where it stands in a name's field.
    assert_ne!(token(&vault, PiiClass::Name, PHONE).text[4..], first.text[4..]);
}

#[test]
fn an_identity_number_leaves_only_what_does_not_identify() {
    let (_dir, vault) = vault();
    let t = token(&vault, PiiClass::Person, ID);
    assert_eq!((t.kind, t.valid, t.sex, t.birth_year), (TokenKind::Idn, Some(true), Some("f"), Some(1949)));
    assert_eq!((t.region6.as_deref(), t.birth_month, t.segment.as_deref()), (Some("110105"), None, None));
    let old = token(&vault, PiiClass::Person, "110105491231002");
    assert_eq!((&old.text, old.valid), (&t.text, None), "the old form has no check digit");
    assert_eq!(token(&vault, PiiClass::Person, "110105194912310021").valid, Some(false));
    let no_such_day = token(&vault, PiiClass::Person, "110105194902310021");
    assert_eq!((no_such_day.valid, no_such_day.birth_year), (Some(false), None));
    assert_eq!(token(&vault, PiiClass::Person, "999999199001010013").region6, None);
}

#[test]
fn the_month_of_birth_is_told_of_children_only() {
    let (_dir, vault) = vault();
    let month = |born: &str, when: &str| {
        let body = format!("330681{born}001");
        let digit = suyuan_model::identity::check_digit(&body).unwrap();
        let ts = time::parse(when).unwrap();
        vault.tokenise(PiiClass::Person, &format!("{body}{digit}"), ts).unwrap().birth_month
    };
    assert_eq!(month("20040615", "2020-06-14T23:59:59+08:00"), Some(6), "fifteen");
    assert_eq!(month("20040615", "2020-06-15T00:00:00+08:00"), None, "sixteen, by China's clock");
    assert_eq!(month("20190615", "2020-06-15T00:00:00+08:00"), Some(6));
    assert_eq!(
        month("20190615", "2018-06-15T00:00:00+08:00"),
        None,
        "not born yet: a forged or mistaken number"
    );
}

#[test]
fn surnames_are_tokens_of_their_own() {
    let (_dir, vault) = vault();
    let surname = |name: &str| token(&vault, PiiClass::Name, name).surname;
    assert!(surname("张三").unwrap().starts_with("sur1-"));
    assert_eq!(surname("张三"), surname("张伟"));
    assert_ne!(surname("张三"), surname("李四"));
    assert_eq!(surname("某某劳务有限公司"), None);
    assert_ne!(surname("欧阳修").unwrap()[4..], token(&vault, PiiClass::Name, "欧阳").text[4..]);
}

#[test]
fn addresses_give_their_region() {
    let (_dir, vault) = vault();
    let t = token(&vault, PiiClass::Address, "浙江绍兴诸暨市暨阳街道1号");
    assert_eq!((t.kind, t.region6.as_deref()), (TokenKind::Adr, Some("330681")));
    assert_eq!(t, token(&vault, PiiClass::Address, "浙江省绍兴市诸暨市，暨阳街道１号"));
}

#[test]
fn originals_come_back_whole_or_masked() {
    let (_dir, vault) = vault();
    for (class, value, whole, masked) in [
        (PiiClass::Person, "11010519491231002x", ID, "1101************2X"),
        (PiiClass::Msisdn, "+86 13800138000", PHONE, "138****8000"),
        (PiiClass::Name, "张三", "张三", "张*"),
        (PiiClass::Address, "诸暨市暨阳街道1号", "浙江省绍兴市诸暨市暨阳街道1号", "浙江省绍兴市诸暨市***"),
        (PiiClass::Person, "E12345678", "E12345678", "*********"),
    ] {
        let t = token(&vault, class, value);
        assert_eq!(vault.open_original(&t.text, &t.seal.0).unwrap().expose(), whole);
        assert_eq!(vault.masked(&t.text, &t.seal.0).unwrap(), masked);
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let (_dir, vault) = vault();
    let t = token(&vault, PiiClass::Msisdn, PHONE);
    for bit in 0..t.seal.0.len() * 8 {
        let mut seal = t.seal.0.clone();
        seal[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(vault.open_original(&t.text, &seal), Err(VaultError::Sealed)), "bit {bit}");
    }
    for cut in 0..t.seal.0.len() {
        assert!(vault.open_original(&t.text, &t.seal.0[..cut]).is_err(), "cut to {cut}");
    }
    let sealed = vault.seal_text(b"line 7, 13800138000");
    assert_eq!(vault.open_text(&sealed).unwrap(), b"line 7, 13800138000");
    for at in 0..sealed.len() {
        let mut bytes = sealed.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(vault.open_text(std::str::from_utf8(&bytes).unwrap()).is_err(), "character {at}");
    }
}

#[test]
fn a_seal_opens_for_its_own_token_only() {
    let (_dir, vault) = vault();
    let (a, b) = (token(&vault, PiiClass::Msisdn, PHONE), token(&vault, PiiClass::Msisdn, "13800138001"));
    assert!(matches!(vault.open_original(&b.text, &a.seal.0), Err(VaultError::Sealed)));
    // The nonce is the token's first 12 bytes; the last four are bound as well.
    let mut tail = a.text.clone().into_bytes();
    tail[26] = if tail[26] == b'a' { b'b' } else { b'a' };
    assert!(matches!(
        vault.open_original(&String::from_utf8(tail).unwrap(), &a.seal.0),
        Err(VaultError::Sealed)
    ));
    let other_kind = a.text.replace("tel", "nam");
    assert!(matches!(vault.open_original(&other_kind, &a.seal.0), Err(VaultError::Sealed)));
    let other_epoch = a.text.replace("tel1", "tel2");
    assert!(matches!(
        vault.open_original(&other_epoch, &a.seal.0),
        Err(VaultError::Epoch { epoch: 2, have: 1 })
    ));
    for text in
        ["", "tel1", "tel1-", "tel01-aaaaaaaaaaaaaaaaaaaaaaaaaa", "xyz1-aaaaaaaaaaaaaaaaaaaaaaaaaa", PHONE]
    {
        assert!(matches!(vault.open_original(text, &a.seal.0), Err(VaultError::NotAToken)), "{text}");
    }
}

#[test]
fn nothing_in_clear_is_printed() {
    let (dir, vault) = vault();
    let values = [
        (PiiClass::Person, ID),
        (PiiClass::Msisdn, PHONE),
        (PiiClass::Name, "张三丰"),
        (PiiClass::Address, "某路77号"),
    ];
    let mut printed = format!("{vault:?}");
    for (class, value) in values {
        let t = token(&vault, class, value);
        let original = vault.open_original(&t.text, &t.seal.0).unwrap();
        let fault = vault.open_original(&t.text, b"short").unwrap_err();
        printed += &format!("{t:?} {original:?} {fault} {fault:?}");
    }
    let (other_dir, other) = self::vault();
    printed += &format!("{:?}", other.open_text(&vault.seal_text(b"secret line")));
    printed += &format!("{:?}", vault.open_original(PHONE, &[]));
    for masked in ["138****8000", "张*", "1101**********002X"] {
        let fault = vault.tokenise(PiiClass::Person, masked, NOW).unwrap_err();
        assert_eq!(fault, PiiFault::Masked);
        printed += &format!("{fault} {fault:?} {:?} {:?}", fault.reason(), fault.remedy());
    }
    printed += &format!("{}", vault.tokenise(PiiClass::Msisdn, "secret", NOW).unwrap_err());
    for clear in [ID, "19491231", PHONE, "0013800", "三丰", "77号", "secret line", "secret", "张*", "****"]
    {
        assert!(!printed.contains(clear), "{clear} in {printed}");
    }
    let keys = fs::read_to_string(dir.path().join("keys").join(TOKEN_FILE)).unwrap();
    let key = keys.lines().find_map(|l| l.strip_prefix("key ")).unwrap();
    assert!(!printed.contains(key));
    drop(other_dir);
}

#[test]
fn many_threads_one_answer() {
    let (_dir, vault) = vault();
    let alone: Vec<Token> =
        (0..500).map(|i| token(&vault, PiiClass::Msisdn, &format!("138{i:08}"))).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (i, one) in alone.iter().enumerate() {
                    assert_eq!(token(&vault, PiiClass::Contact, &format!("138{i:08}")), *one);
                    assert!(vault.open_original(&one.text, &one.seal.0).is_ok());
                }
            });
        }
    });
}

#[cfg(unix)]
#[test]
fn key_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, _vault) = vault();
    let keys = dir.path().join("keys");
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys), 0o700);
    for file in [TOKEN_FILE, SEAL_FILE] {
        assert_eq!(mode(&keys.join(file)), 0o600);
    }
    fs::set_permissions(keys.join(SEAL_FILE), fs::Permissions::from_mode(0o644)).unwrap();
    let fault = Vault::open(&keys).unwrap_err();
    assert!(fault.to_string().contains("(mode 644); run `chmod 600`"), "{fault}");
}

#[test]
fn keys_are_never_overwritten() {
    let (dir, vault) = vault();
    let keys = dir.path().join("keys");
    assert!(matches!(Vault::create(&keys), Err(VaultError::Exists(_))));
    fs::remove_file(keys.join(TOKEN_FILE)).unwrap();
    assert!(
        matches!(Vault::create(&keys), Err(VaultError::Exists(p)) if p.ends_with(SEAL_FILE)),
        "one is enough"
    );
    assert!(!keys.join(TOKEN_FILE).exists());
    drop(vault);
}

#[test]
fn a_missing_or_mixed_key_set_is_told() {
    let (dir, _one) = vault();
    let (other, _two) = vault();
    let keys = dir.path().join("keys");
    let fault = Vault::open(&dir.path().join("nowhere")).unwrap_err().to_string();
    assert!(fault.contains("nowhere/token.key") && fault.contains("suyuan init"), "{fault}");

    let mixed = dir.path().join("mixed");
    copy(&keys, &mixed);
    fs::copy(other.path().join("keys").join(SEAL_FILE), mixed.join(SEAL_FILE)).unwrap();
    assert!(matches!(Vault::open(&mixed), Err(VaultError::Mixed(_))));
    fs::copy(keys.join(TOKEN_FILE), mixed.join(SEAL_FILE)).unwrap();
    assert!(Vault::open(&mixed).unwrap_err().to_string().contains("under this one's name"));
    fs::remove_file(mixed.join(SEAL_FILE)).unwrap();
    assert!(matches!(Vault::open(&mixed), Err(VaultError::Missing(p)) if p.ends_with(SEAL_FILE)));
    fs::create_dir(mixed.join(SEAL_FILE)).unwrap();
    assert!(Vault::open(&mixed).is_err(), "a folder in place of a file");
}

#[test]
fn every_damaged_byte_of_a_key_file_is_found() {
    let (dir, vault) = vault();
    let keys = dir.path().join("keys");
    for file in [TOKEN_FILE, SEAL_FILE] {
        let path = keys.join(file);
        let whole = fs::read(&path).unwrap();
        let start = whole.windows(7).position(|w| w == b"format ").unwrap();
        for at in start..whole.len() {
            for bad in [whole[at] ^ 1, b'\n', 0xff] {
                if bad != whole[at] {
                    let mut bytes = whole.clone();
                    bytes[at] = bad;
                    fs::write(&path, &bytes).unwrap();
                    let fault = Vault::open(&keys).unwrap_err();
                    assert!(matches!(fault, VaultError::Damaged { .. }), "{file} byte {at}: {fault}");
                }
            }
            fs::write(&path, &whole[..at]).unwrap();
            assert!(matches!(Vault::open(&keys), Err(VaultError::Damaged { .. })), "{file} cut at {at}");
        }
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(Vault::open(&keys).unwrap().id(), vault.id());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_sealed_is_what_the_token_names(a in "\\PC{1,40}", b in "\\PC{1,40}", phone in "1[3-9][0-9]{9}") {
        let (_dir, vault) = vault();
        let classes = [PiiClass::Person, PiiClass::Name, PiiClass::Address, PiiClass::Contact];
        for class in classes {
            let tokens: Vec<Token> = [&a, &b, &phone].iter().filter_map(|v| vault.tokenise(class, v, NOW).ok()).collect();
            for t in &tokens {
                let original = vault.open_original(&t.text, &t.seal.0).unwrap();
                // The sealed text is the normal one: tokenised again it is the same token.
                prop_assert_eq!(&vault.tokenise(class, original.expose(), NOW).unwrap().text, &t.text);
            }
            // No nonce is used for two texts: equal tokens have equal seals.
            for (x, y) in tokens.iter().zip(tokens.iter().skip(1)) {
                prop_assert_eq!(x.text == y.text, x.seal == y.seal);
            }
        }
    }

    #[test]
    fn any_bytes_seal_and_open(raw: Vec<u8>) {
        let (_dir, vault) = vault();
        prop_assert_eq!(vault.open_text(&vault.seal_text(&raw)).unwrap(), raw);
    }

    #[test]
    fn no_text_makes_opening_panic(token in "(idn1-[a-z2-7]{26})|.{0,40}", seal: Vec<u8>, text in "[A-Za-z0-9+/=]{0,80}") {
        let (_dir, vault) = vault();
        prop_assert!(vault.open_original(&token, &seal).is_err());
        let _ = vault.open_text(&text);
    }
}
