//! Distances on the ground and the coordinate systems of Chinese maps.
//!
//! Records hold WGS-84 degrees. Maps and handsets sold in China report GCJ-02, shifted by 100 to 700
//! metres inside China and equal to WGS-84 outside; Baidu's BD-09 is GCJ-02 shifted once more. The shift has
//! no published inverse; here it is undone by iteration, to better than a millionth of a degree.
//!
//! Positions are `(latitude, longitude)` in degrees. Blind to: which system a number is in. Nothing in a
//! position says so; the source's mapping does.

/// Mean radius of the earth, kilometres (IUGG).
const EARTH_KM: f64 = 6371.0088;
/// Semi-major axis of the Krasovsky ellipsoid that GCJ-02 uses, metres.
const AXIS: f64 = 6_378_245.0;
/// Its first eccentricity squared.
const ECCENTRICITY: f64 = 0.006_693_421_622_965_943;
/// The shift of BD-09's angle.
const BAIDU: f64 = std::f64::consts::PI * 3000.0 / 180.0;
/// Rounds of the inverse; each gains three digits.
const ROUNDS: usize = 8;

/// Kilometres along the great circle between two positions.
pub fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat1, lat2) = (a.0.to_radians(), b.0.to_radians());
    let half_lat = ((lat2 - lat1) / 2.0).sin();
    let half_lon = ((b.1 - a.1).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lon * half_lon;
    2.0 * EARTH_KM * h.sqrt().min(1.0).asin()
}

/// Whether latitude and longitude are degrees at all: finite, -90 to 90 and -180 to 180.
pub fn is_position(lat: f64, lon: f64) -> bool {
    (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)
}

/// The rectangle inside which GCJ-02 shifts.
fn shifted(lat: f64, lon: f64) -> bool {
    (0.8293..=55.8271).contains(&lat) && (72.004..=137.8347).contains(&lon)
}

/// The shift of GCJ-02 at a WGS-84 position, degrees.
fn shift(lat: f64, lon: f64) -> (f64, f64) {
    use std::f64::consts::PI;
    let (x, y) = (lon - 105.0, lat - 35.0);
    let wave =
        |v: f64, big: f64, small: f64, k: f64| big * (v * PI / k).sin() + small * (v * PI / (k * 2.5)).sin();
    let common = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let root = x.abs().sqrt();
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + common
        + (20.0 * (y * PI).sin() + 40.0 * (y / 3.0 * PI).sin()) * 2.0 / 3.0
        + (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin()) * 2.0 / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + common
        + (20.0 * (x * PI).sin() + 40.0 * (x / 3.0 * PI).sin()) * 2.0 / 3.0
        + wave(x, 150.0, 300.0, 12.0) * 2.0 / 3.0;
    let phi = lat.to_radians();
    let magic = 1.0 - ECCENTRICITY * phi.sin() * phi.sin();
    let meridian = AXIS * (1.0 - ECCENTRICITY) / (magic * magic.sqrt());
    let parallel = AXIS / magic.sqrt() * phi.cos();
    ((north / meridian).to_degrees(), (east / parallel).to_degrees())
}

/// WGS-84 to GCJ-02.
pub fn wgs84_to_gcj02(lat: f64, lon: f64) -> (f64, f64) {
    if !shifted(lat, lon) {
        return (lat, lon);
    }
    let (north, east) = shift(lat, lon);
    (lat + north, lon + east)
}

/// GCJ-02 to WGS-84.
pub fn gcj02_to_wgs84(lat: f64, lon: f64) -> (f64, f64) {
    if !shifted(lat, lon) {
        return (lat, lon);
    }
    let mut guess = (lat, lon);
    for _ in 0..ROUNDS {
        let (north, east) = shift(guess.0, guess.1);
        guess = (lat - north, lon - east);
    }
    guess
}

/// BD-09 (Baidu) to GCJ-02; good to a metre.
pub fn bd09_to_gcj02(lat: f64, lon: f64) -> (f64, f64) {
    if !shifted(lat, lon) {
        return (lat, lon);
    }
    let (x, y) = (lon - 0.0065, lat - 0.006);
    let radius = x.hypot(y) - 0.000_02 * (y * BAIDU).sin();
    let angle = y.atan2(x) - 0.000_003 * (x * BAIDU).cos();
    (radius * angle.sin(), radius * angle.cos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: (f64, f64), b: (f64, f64), by: f64) -> bool {
        (a.0 - b.0).abs() < by && (a.1 - b.1).abs() < by
    }

    #[test]
    fn known_shifts() {
        // The test positions of googollee/eviltransform.
        for (wgs, gcj) in [
            ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
            ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
            ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
        ] {
            assert!(near(wgs84_to_gcj02(wgs.0, wgs.1), gcj, 1e-9), "{wgs:?}");
            assert!(near(gcj02_to_wgs84(gcj.0, gcj.1), wgs, 1e-9), "{gcj:?}");
        }
        assert_eq!(wgs84_to_gcj02(48.85, 2.35), (48.85, 2.35), "nothing is shifted outside China");
        // Tiananmen as Baidu's and as GCJ-02 maps print it.
        assert!(near(bd09_to_gcj02(39.915, 116.404), (39.90866, 116.39762), 1e-4));
    }

    #[test]
    fn known_distances() {
        let (beijing, shanghai) = ((39.9042, 116.4074), (31.2304, 121.4737));
        assert!((distance_km(beijing, shanghai) - 1067.0).abs() < 3.0);
        assert!((distance_km((0.0, 0.0), (0.0, 180.0)) - std::f64::consts::PI * EARTH_KM).abs() < 1e-6);
        assert!(!is_position(f64::NAN, 0.0) && !is_position(91.0, 0.0) && is_position(-90.0, 180.0));
    }

    proptest! {
        #[test]
        fn there_and_back(lat in 18.0f64..53.0, lon in 74.0f64..135.0) {
            let (a, b) = wgs84_to_gcj02(lat, lon);
            prop_assert!(near(gcj02_to_wgs84(a, b), (lat, lon), 1e-6));
            prop_assert!(distance_km((lat, lon), (a, b)) < 1.5);
        }

        #[test]
        fn distance_is_a_distance(a in -90.0f64..90.0, b in -180.0f64..180.0, c in -90.0f64..90.0, d in -180.0f64..180.0) {
            let there = distance_km((a, b), (c, d));
            prop_assert!((0.0..20_016.0).contains(&there));
            prop_assert!((there - distance_km((c, d), (a, b))).abs() < 1e-9);
            prop_assert!(distance_km((a, b), (a, b)) == 0.0);
        }
    }
}
