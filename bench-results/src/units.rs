//! Times, sizes and counts as people read them.

/// Nanoseconds to three digits, with a unit: `12.3 µs`.
pub fn time(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// Bytes to three digits, with a unit: `12.3 MiB`.
pub fn size(bytes: u64) -> String {
    let (value, unit) = match bytes {
        0..1_024 => return format!("{bytes} B"),
        1_024..1_048_576 => (bytes as f64 / 1024.0, "KiB"),
        1_048_576..1_073_741_824 => (bytes as f64 / 1_048_576.0, "MiB"),
        _ => (bytes as f64 / 1_073_741_824.0, "GiB"),
    };
    format!("{} {unit}", three_digits(value))
}

/// A whole number with its thousands apart: `12,888`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut parted = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            parted.push(',');
        }
        parted.push(digit);
    }
    parted
}

/// Something a second: whole above 100, three digits below.
pub fn rate(per_s: f64) -> String {
    if per_s >= 100.0 { format!("{}/s", count(per_s.round() as u64)) } else { format!("{}/s", three_digits(per_s)) }
}

/// A duration in whole seconds or minutes: `about 2 min`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{} s", s.ceil().max(1.0)),
        s => format!("{} min", (s / 60.0).round()),
    }
}

fn three_digits(value: f64) -> String {
    let decimals = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

/// A digest, as records and tables name it.
pub fn digest(digest: u64) -> String {
    format!("{digest:#018x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(
            [time(999), time(1_234), time(12_345_678), time(61_000_000_000)],
            ["999 ns", "1.23 µs", "12.3 ms", "61.0 s"]
        );
        assert_eq!([size(10), size(4096), size(12 << 20)], ["10 B", "4.00 KiB", "12.0 MiB"]);
        assert_eq!([count(7), count(700), count(12_888), count(1_000_000)], ["7", "700", "12,888", "1,000,000"]);
        assert_eq!([rate(2506.4), rate(1.5)], ["2,506/s", "1.50/s"]);
    }
}
