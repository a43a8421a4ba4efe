#![allow(clippy::unwrap_used)]

use super::*;
use crate::meter::slave::Slave;
use crate::profile::{Meaning, Registers, Unreadable, Value};
use crate::transport::Wire;

/// Registers of a model, all "not implemented" but those set.
struct Sketch(Vec<u16>);

impl Sketch {
    fn new(id: u16, length: u16) -> Self {
        let mut words = vec![0x8000; usize::from(length) + 2];
        (words[0], words[1]) = (id, length);
        Self(words)
    }

    fn set(mut self, offset: usize, words: &[u16]) -> Self {
        self.0[offset..offset + words.len()].copy_from_slice(words);
        self
    }

    fn text(self, offset: usize, text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        let words: Vec<_> = bytes
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        self.set(offset, &words)
    }
}

fn common(maker: &str) -> Sketch {
    let mut sketch = Sketch::new(1, 66);
    sketch.0[2..].fill(0);
    sketch
        .text(2, maker)
        .text(18, "Model 10")
        .text(42, "1.2.3")
        .text(50, "SN-0042")
}

fn single(value: f32) -> [u16; 2] {
    let bits = value.to_bits();
    [(bits >> 16) as u16, (bits & 0xFFFF) as u16]
}

fn device(base: u16, models: Vec<Sketch>) -> Slave {
    let slave = Slave::new(Wire::Tcp);
    slave.set(1, 3, base, &MARKER);
    let mut words: Vec<u16> = models.into_iter().flat_map(|model| model.0).collect();
    words.extend([0xFFFF, 0]);
    slave.set(1, 3, base + 2, &words);
    slave
}

/// Walks the device and reads what was found.
async fn read(slave: &Slave) -> (Found, Vec<(Meaning, Result<Value, Unreadable>)>) {
    let limits = Limits::default();
    let mut session = Session::open(slave, &limits, None).await.unwrap();
    let found = discover(&mut session, 1, &limits).await.unwrap();
    let mut registers = Registers::default();
    for block in &found.selection.blocks {
        registers.add(*block, session.read(1, *block, &limits).await.unwrap());
    }
    let values = found.selection.points.iter();
    let values = values
        .map(|point| (point.meaning, point.decode(&registers)))
        .collect();
    (found, values)
}

fn value(
    values: &[(Meaning, Result<Value, Unreadable>)],
    meaning: Meaning,
) -> Result<i64, Unreadable> {
    let (_, value) = values.iter().find(|(name, _)| *name == meaning).unwrap();
    value.map(|value| value.0)
}

fn inverter(id: u16) -> Sketch {
    Sketch::new(id, 50)
        .set(14, &[0x10E1, 0])
        .set(16, &[4_998, 0xFFFE])
        .set(24, &[0x0001, 0x0000, 1])
        .set(31, &[4_400, 0])
        .set(38, &[4])
}

fn meter(id: u16) -> Sketch {
    Sketch::new(id, 105)
        .set(18, &[231, 77, 77, 77, 1])
        .set(38, &[0, 0x3039])
        .set(46, &[0, 0x0BB8])
        .set(54, &[0])
}

#[tokio::test(start_paused = true)]
async fn integer_models_are_found_and_read_with_their_scales() {
    for (inverter_id, meter_id) in [(101, 201), (102, 202), (103, 203), (103, 204)] {
        let models = vec![common("Fronius"), inverter(inverter_id), meter(meter_id)];
        let (found, values) = read(&device(40_000, models)).await;
        assert_eq!(found.maker.as_deref(), Some("Fronius"));
        assert_eq!(found.facts.serial.as_deref(), Some("SN-0042"));
        assert_eq!(found.facts.model.as_deref(), Some("Model 10"));
        assert_eq!(found.facts.firmware.as_deref(), Some("1.2.3"));
        assert_eq!(value(&values, Meaning::AcPower), Ok(4_321_000));
        assert_eq!(value(&values, Meaning::GridFrequency), Ok(49_980));
        assert_eq!(value(&values, Meaning::GenerationTotal), Ok(655_360_000));
        assert_eq!(value(&values, Meaning::GridPower), Ok(2_310_000));
        assert_eq!(value(&values, Meaning::ExportTotal), Ok(12_345_000));
        assert_eq!(value(&values, Meaning::ImportTotal), Ok(3_000_000));
        assert_eq!(value(&values, Meaning::Status), Ok(4));
    }
}

#[tokio::test(start_paused = true)]
async fn floating_point_models_are_found_and_read() {
    for (inverter_id, meter_id) in [(111, 211), (112, 212), (113, 213), (113, 214)] {
        let inverter = Sketch::new(inverter_id, 60)
            .set(22, &single(4_321.5))
            .set(32, &single(12_345.0))
            .set(38, &single(f32::NAN));
        let meter = Sketch::new(meter_id, 124)
            .set(28, &single(-500.0))
            .set(60, &single(777.0));
        let (_, values) = read(&device(40_000, vec![common("Fronius"), inverter, meter])).await;
        assert_eq!(value(&values, Meaning::AcPower), Ok(4_321_500));
        assert_eq!(value(&values, Meaning::GenerationTotal), Ok(12_345_000));
        assert!(matches!(
            value(&values, Meaning::DcPower),
            Err(Unreadable::NotANumber(_))
        ));
        assert_eq!(value(&values, Meaning::GridPower), Ok(-500_000));
        assert_eq!(value(&values, Meaning::ExportTotal), Ok(777_000));
    }
}

#[tokio::test(start_paused = true)]
async fn strings_resources_and_batteries_are_found_and_read() {
    let mut strings = Sketch::new(160, 48)
        .set(2, &[0xFFFF, 0xFFFF, 0, 0])
        .set(8, &[2]);
    for (string, watts) in [(0, 2_250), (1, 2_230)] {
        strings = strings.set(10 + string * 20 + 9, &[37, 6_000, watts, 0, 5_000]);
    }
    let resource = Sketch::new(701, 153)
        .set(10, &[0x10E1])
        .set(17, &[0, 50])
        .set(19, &[0, 0, 0, 0x3039, 0, 0, 0, 7])
        .set(115, &[0, 0])
        .set(120, &[1]);
    let direct = Sketch::new(714, 43)
        .set(6, &[4_400, 0, 0, 0, 99])
        .set(17, &[0, 0]);
    let battery = Sketch::new(802, 62)
        .set(11, &[730])
        .set(47, &[500])
        .set(56, &[0xFFFF])
        .set(63, &[0]);
    let models = vec![common("Maker"), resource, strings, direct, battery];
    let (found, values) = read(&device(0, models)).await;
    let ids: Vec<_> = found.models.iter().map(|model| model.id).collect();
    assert_eq!(ids, [1, 701, 160, 714, 802]);
    assert_eq!(value(&values, Meaning::AcPower), Ok(4_321_000));
    assert_eq!(value(&values, Meaning::GridFrequency), Ok(50_000));
    assert_eq!(value(&values, Meaning::GenerationTotal), Ok(123_450_000));
    assert_eq!(value(&values, Meaning::AbsorbedTotal), Ok(70_000));
    assert_eq!(value(&values, Meaning::String1Power), Ok(2_250_000));
    assert_eq!(value(&values, Meaning::String2Power), Ok(2_230_000));
    assert_eq!(value(&values, Meaning::String2Voltage), Ok(600_000));
    assert_eq!(value(&values, Meaning::String2Total), Ok(5_000_000));
    assert!(
        values
            .iter()
            .all(|(meaning, _)| *meaning != Meaning::String3Power)
    );
    assert_eq!(value(&values, Meaning::DcPower), Ok(4_400_000));
    assert_eq!(value(&values, Meaning::DcTotal), Ok(99_000));
    assert_eq!(value(&values, Meaning::BatteryCharge), Ok(73_000));
    assert_eq!(value(&values, Meaning::BatteryPower), Ok(500_000));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_implemented_has_no_value() {
    let bare = Sketch::new(103, 50)
        .set(2, &[0xFFFF])
        .set(24, &[0, 0, 0])
        .set(38, &[0xFFFF]);
    let (_, values) = read(&device(50_000, vec![common("Maker"), bare])).await;
    assert_eq!(
        value(&values, Meaning::AcPower),
        Err(Unreadable::Sentinel(0x8000))
    );
    assert_eq!(
        value(&values, Meaning::AcCurrent),
        Err(Unreadable::Sentinel(0xFFFF))
    );
    assert_eq!(
        value(&values, Meaning::GenerationTotal),
        Err(Unreadable::Sentinel(0))
    );
    assert_eq!(
        value(&values, Meaning::Status),
        Err(Unreadable::Sentinel(0xFFFF))
    );
    // Its number is there and its scale is not: never ten times or one time by guess.
    assert_eq!(
        value(&values, Meaning::VoltageL1),
        Err(Unreadable::Scale(i16::MIN))
    );
}

#[tokio::test(start_paused = true)]
async fn a_scale_that_changes_at_run_time_is_followed() {
    let slave = device(40_000, vec![common("Maker"), inverter(103)]);
    let (found, _) = read(&slave).await;
    let model = found.models[1];
    slave.set(1, 3, model.address + 14, &[432, 1]);
    let (_, values) = read(&slave).await;
    assert_eq!(value(&values, Meaning::AcPower), Ok(4_320_000));
}

#[tokio::test(start_paused = true)]
async fn meters_of_makers_that_count_the_other_way_are_turned() {
    let (_, values) = read(&device(
        40_000,
        vec![common("SolarEdge"), inverter(103), meter(203)],
    ))
    .await;
    assert_eq!(value(&values, Meaning::GridPower), Ok(-2_310_000));
    assert_eq!(value(&values, Meaning::ExportTotal), Ok(12_345_000));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_too_short_has_the_points_that_fit() {
    let short = Sketch::new(103, 15).set(14, &[0x10E1, 0]);
    let (found, values) = read(&device(40_000, vec![common("Maker"), short])).await;
    assert_eq!(value(&values, Meaning::AcPower), Ok(4_321_000));
    assert!(found.selection.point(Meaning::GenerationTotal).is_none());
}

async fn refused(slave: &Slave) -> SunSpecError {
    let limits = Limits::default();
    let mut session = Session::open(slave, &limits, None).await.unwrap();
    discover(&mut session, 1, &limits).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_device_without_marker_or_known_model_is_refused() {
    let none = Slave::new(Wire::Tcp);
    none.set(1, 3, 40_000, &[1, 2]);
    assert!(matches!(refused(&none).await, SunSpecError::NoMarker));
    let strange = device(40_000, vec![common("Maker"), Sketch::new(64_110, 8)]);
    let error = refused(&strange).await;
    assert_eq!(
        error.to_string(),
        "of the device's SunSpec models [1, 64110] none is known"
    );
}

#[tokio::test(start_paused = true)]
async fn models_that_do_not_end_are_refused() {
    let models = |count: usize| {
        let mut models = vec![inverter(103)];
        models.extend((1..count).map(|_| Sketch::new(9, 1)));
        models
    };
    let (found, _) = read(&device(40_000, models(MAX_MODELS))).await;
    assert_eq!(found.models.len(), MAX_MODELS);
    assert!(matches!(
        refused(&device(40_000, models(MAX_MODELS + 1))).await,
        SunSpecError::Endless(_)
    ));
    let beyond = device(40_000, vec![]);
    beyond.set(1, 3, 40_002, &[103, 60_000]);
    assert!(matches!(refused(&beyond).await, SunSpecError::Endless(_)));
}
