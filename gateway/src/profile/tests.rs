#![allow(clippy::unwrap_used)]

use super::*;

/// Decodes one point of a built-in profile from words at its own address.
fn decode(profile: &str, meaning: Meaning, words: &[(u16, &[u16])]) -> Result<Value, Unreadable> {
    decode_as(profile, &Facts::default(), meaning, words)
}

fn decode_as(
    profile: &str,
    facts: &Facts,
    meaning: Meaning,
    words: &[(u16, &[u16])],
) -> Result<Value, Unreadable> {
    let library = Library::embedded().unwrap();
    let selection = library.get(profile).unwrap().select(facts);
    let point = selection.point(meaning).unwrap();
    let mut registers = Registers::default();
    for (start, words) in words {
        let block = Block {
            function: point.register.function,
            start: *start,
            count: u16::try_from(words.len()).unwrap(),
        };
        registers.add(block, words.to_vec());
    }
    point.decode(&registers)
}

const KWH: i64 = 1_000_000;

#[test]
fn every_built_in_profile_keeps_the_rules() {
    let library = Library::embedded().unwrap();
    let ids: Vec<_> = library.iter().map(|profile| profile.id.as_str()).collect();
    for id in ["huawei_sun2000", "sungrow_sh", "eastron_sdm630", "sunspec"] {
        assert!(ids.contains(&id), "{id} is missing in {ids:?}");
    }
}

#[test]
fn worked_encodings_decode_to_what_they_say() {
    use Meaning::{AcPower, ExportTotal, GenerationTotal, ImportTotal};
    for (profile, meaning, words, value) in [
        (
            "huawei_sun2000",
            GenerationTotal,
            &[(32106, &[0x0012_u16, 0xD687][..])][..],
            1_234_567 * KWH / 100,
        ),
        (
            "sungrow_sh",
            ImportTotal,
            &[(13036, &[0x1171, 0x0001])],
            70_001 * KWH / 10,
        ),
        (
            "deye_sg3p",
            ImportTotal,
            &[(522, &[0x86A0, 0x0001])],
            10_000 * KWH,
        ),
        // 123.456 kWh is 123.45600128173828125 as a single.
        (
            "eastron_sdm630",
            ImportTotal,
            &[(72, &[0x42F6, 0xE979])],
            123_456_001,
        ),
        ("solaredge", AcPower, &[(40083, &[0x10E1, 0])], 4_321_000),
        (
            "solaredge",
            ExportTotal,
            &[(40226, &[0x0001, 0x0000]), (40242, &[1])],
            655_360_000,
        ),
    ] {
        assert_eq!(
            decode(profile, meaning, words),
            Ok(Value(value)),
            "{profile} {meaning}"
        );
    }
}
