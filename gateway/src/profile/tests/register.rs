use super::*;

#[test]
fn values_that_stand_for_none_are_no_values() {
    let generation = Meaning::GenerationTotal;
    let sma = decode("sma", 3, generation, &[(30513, &[0xFFFF; 4])]);
    assert_eq!(sma, Err(Unreadable::Sentinel(u64::MAX)));
    let huawei = decode(
        "huawei_sun2000",
        3,
        Meaning::AcPower,
        &[(32080, &[0x7FFF, 0xFFFF])],
    );
    assert_eq!(huawei, Err(Unreadable::Sentinel(0x7FFF_FFFF)));
    let eastron = decode(
        "eastron_sdm630",
        4,
        Meaning::ExportTotal,
        &[(74, &[0x7FC0, 0])],
    );
    assert_eq!(eastron, Err(Unreadable::NotANumber(0x7FC0_0000)));
    let scale = decode(
        "solaredge",
        3,
        generation,
        &[(40093, &[0, 1]), (40095, &[0x8000])],
    );
    assert_eq!(scale, Err(Unreadable::Scale(NO_SCALE)));
    let unread = decode("solaredge", 3, generation, &[(40093, &[0, 1])]);
    assert_eq!(unread, Err(Unreadable::NotRead));
    let negative = decode(
        "eastron_sdm630",
        4,
        Meaning::ExportTotal,
        &[(74, &[0xBF80, 0])],
    );
    assert!(matches!(
        negative,
        Err(Unreadable::OutOfRange {
            value: -1_000_000,
            min: 0,
            ..
        })
    ));
}

#[test]
fn a_scale_register_holds_ten_at_most() {
    let of = |scale: i16| {
        let words: &[(u16, &[u16])] = &[(40093, &[0, 1]), (40095, &[scale.cast_unsigned()])];
        decode("solaredge", 3, Meaning::GenerationTotal, words)
    };
    assert_eq!(of(MAX_SCALE), Ok(Value(10_000_000_000_000)));
    assert_eq!(of(MAX_SCALE + 1), Err(Unreadable::Scale(11)));
    assert_eq!(of(-MAX_SCALE), Ok(Value(0)));
}

#[test]
fn a_value_and_its_scale_are_read_in_one_request() {
    let library = Library::embedded().unwrap();
    for profile in library.iter() {
        let selection = profile.select(&Facts::default());
        for point in &selection.points {
            let together = |block: &&Block| {
                block.holds(&point.register)
                    && point
                        .scale_register
                        .as_ref()
                        .is_none_or(|scale| block.holds(scale))
            };
            let blocks = selection.blocks.iter().filter(together).count();
            assert_eq!(blocks, 1, "{} {}", profile.id, point.meaning);
        }
    }
}

#[test]
fn blocks_are_as_few_as_the_limits_allow() {
    let library = Library::embedded().unwrap();
    let eastron = library.get("eastron_sdm630").unwrap();
    let starts: Vec<_> = eastron
        .select(&Facts::default())
        .blocks
        .iter()
        .map(|block| (block.start, block.count))
        .collect();
    assert_eq!(starts, [(0, 18), (52, 24), (342, 16)]);
}

#[test]
fn counters_know_where_they_wrap_and_how_fine_they_are() {
    let library = Library::embedded().unwrap();
    let counter = |profile: &str| {
        let selection = library.get(profile).unwrap().select(&Facts::default());
        selection
            .point(library.get(profile).unwrap().counters[0])
            .unwrap()
            .clone()
    };
    let huawei = counter("huawei_sun2000");
    assert_eq!(huawei.modulus(0), Some((1 << 32) * 10_000));
    assert_eq!(huawei.resolution(0, Value(0)), 10_000);
    let solaredge = counter("solaredge");
    assert_eq!(solaredge.modulus(1), Some((1 << 32) * 10_000));
    assert_eq!(solaredge.modulus(-3), Some(1 << 32));
    assert_eq!(solaredge.resolution(-4, Value(0)), 1);
    assert_eq!(counter("sma").modulus(0), None);
    // 2^24 Wh and more have steps of 2 Wh in a single.
    assert_eq!(counter("fronius_float").modulus(0), None);
    assert_eq!(
        counter("fronius_float").resolution(0, Value((1 << 24) * 1_000)),
        2_000
    );
}
