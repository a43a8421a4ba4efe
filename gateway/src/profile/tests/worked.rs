use super::*;

/// Numbers worked out by hand from the vendors' descriptions: profile, function, meaning, words by the address of the
/// first, value in thousandths. 123.456 kWh as a single is 123.45600128173828125, 0x4640E400 is 12,345.
const WORKED: &str = "
    huawei_sun2000        3 generation_total 32106=0012D687            12345670000
    huawei_sun2000_hybrid 3 generation_total 32106=0012D687            12345670000
    huawei_sun2000_hybrid 3 export_total     37119=00003039              123450000
    huawei_sun2000_hybrid 3 import_total     37121=00003039              123450000
    huawei_sun2000_hybrid 3 grid_power       37113=000003E8               -1000000
    sungrow_sh            4 import_total     13036=11710001             7000100000
    sungrow_sh            4 generation_total 13002=30390000             1234500000
    sungrow_sh            4 export_total     13045=30390000             1234500000
    sungrow_sh            4 charge_total     13040=30390000             1234500000
    sungrow_sh            4 discharge_total  13026=30390000             1234500000
    sungrow_sh_sf         4 generation_total 13002=30390000             1234500000
    sungrow_sg            4 generation_total 5003=30390000             12345000000
    deye_sg3p             3 import_total     522=86A00001              10000000000
    deye_sg3p             3 export_total     524=86A00001              10000000000
    deye_sg3p             3 generation_total 534=86A00001              10000000000
    deye_sg3p             3 battery_power    590=01F4                      -500000
    eastron_sdm630        4 import_total     72=42F6E979                 123456001
    eastron_sdm630        4 export_total     74=42F6E979                 123456001
    solaredge             3 ac_power         40083=10E10000                4321000
    solaredge             3 generation_total 40093=00003039;40095=0001   123450000
    solaredge             3 export_total     40226=00010000;40242=0001   655360000
    solaredge             3 grid_power       40206=01B0;40210=0001        -4320000
    fronius_sf            3 generation_total 40093=00003039;40095=0001   123450000
    fronius_float         3 generation_total 40101=4640E400               12345000
    sma                   3 generation_total 30513=0000000000010000       65536000
    sma                   3 import_total     30581=00003039               12345000
    growatt               4 generation_total 55=00003039                1234500000
    growatt_sph           4 generation_total 91=00003039                1234500000
    growatt_tlxh          4 generation_total 3053=00003039              1234500000
    goodwe_et             3 generation_total 35191=00003039             1234500000
    goodwe_et             3 import_total     36017=4640E400               12345000
    solis                 4 generation_total 3008=00003039             12345000000
    solis                 4 import_total     3282=00003039               123450000
    solis_hybrid          4 generation_total 33029=00003039            12345000000
    solax                 4 generation_total 148=30390000               1234500000
    solax                 4 import_total     74=30390000                 123450000
    sofar_g3              3 generation_total 1670=00003039              1234500000
    sofar_g3              3 import_total     1678=00003039              1234500000
    ferroamp              4 generation_total 5064=E4004640             12345000000
    ferroamp              4 export_total     3064=E4004640             12345000000
";

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// `32106=0012D687;32108=0001` as words at their addresses.
fn words(text: &str) -> Vec<(u16, Vec<u16>)> {
    let runs = text.split(';').map(|run| {
        let (start, digits) = run.split_once('=').unwrap();
        let bytes = hex::decode(digits).unwrap();
        let words = bytes
            .chunks(2)
            .map(|word| u16::from_be_bytes([word[0], word[1]]));
        (number(start), words.collect())
    });
    runs.collect()
}

#[test]
fn worked_encodings_decode_to_what_they_say_and_every_counter_has_one() {
    let mut worked = Vec::new();
    for line in WORKED.trim().lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [profile, function, meaning, registers, value] = fields[..] else {
            panic!("{line}");
        };
        let meaning = Meaning::from_name(meaning).unwrap();
        let runs = words(registers);
        let runs: Vec<_> = runs
            .iter()
            .map(|(start, words)| (*start, &words[..]))
            .collect();
        let decoded = decode(profile, number(function), meaning, &runs);
        assert_eq!(decoded, Ok(Value(number(value))), "{line}");
        worked.push((profile, meaning));
    }
    for profile in Library::embedded().unwrap().iter() {
        if profile.protocol == Protocol::Modbus {
            for counter in &profile.counters {
                let case = (profile.id.as_str(), *counter);
                assert!(worked.contains(&case), "{case:?}");
            }
        }
    }
}
