#![allow(clippy::unwrap_used)]

use super::obis::{ObisError, Registers};
use super::telegram::{MAX_TELEGRAM_BYTES, Scanner, Telegram, TelegramError};
use proptest::prelude::*;

/// The example of DSMR 5.0.2, appendix, shortened, with the checksum of what is left.
fn body() -> String {
    [
        "/ISk5\\2MT382-1000",
        "",
        "1-3:0.2.8(50)",
        "0-0:1.0.0(101209113020W)",
        "0-0:96.1.1(4B384547303034303436333935353037)",
        "1-0:1.8.1(123456.789*kWh)",
        "1-0:1.8.2(123456.789*kWh)",
        "1-0:2.8.1(123456.789*kWh)",
        "1-0:2.8.2(000000.211*kWh)",
        "0-0:96.14.0(0002)",
        "1-0:1.7.0(01.193*kW)",
        "1-0:2.7.0(00.000*kW)",
        "1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)(0000000240*s)(101208151004W)(0000000301*s)",
        "0-0:96.13.0(303132333435363738393A3B3C3D3E3F)",
        "1-0:32.7.0(220.1*V)",
        "0-1:24.2.1(101209112500W)(12785.123*m3)",
        "",
    ]
    .join("\r\n")
}

fn registers(lines: &[&str]) -> Result<Registers, ObisError> {
    let body = format!("/XMX5LG\r\n\r\n{}\r\n", lines.join("\r\n"));
    Registers::read(&Telegram::parse(Telegram::seal(&body).as_bytes()).unwrap())
}

#[test]
fn the_example_of_the_standard_is_read() {
    let read = Registers::read(&Telegram::parse(Telegram::seal(&body()).as_bytes()).unwrap());
    assert_eq!(
        read.unwrap(),
        Registers {
            identification: "ISk5\\2MT382-1000".to_owned(),
            serial: "K8EG004046395507".to_owned(),
            version: Some("50".to_owned()),
            import_mwh: Some(246_913_578_000),
            export_mwh: Some(123_457_000_000),
            resolution_mwh: 1_000,
            import_mw: Some(1_193_000),
            export_mw: Some(0),
        }
    );
}

#[test]
fn the_checksum_is_the_one_of_the_standard() {
    // CRC-16/ARC of "123456789" is BB3D in every catalogue; of a telegram it goes from / to !.
    let sealed = Telegram::seal("/123");
    assert_eq!(sealed, format!("/123!{:04X}\r\n", arc(b"/123!")));
    assert_eq!(arc(b"123456789"), 0xBB3D);
}

/// Bit by bit, as DSMR describes it.
fn arc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xA001
            } else {
                crc >> 1
            }
        })
    })
}

#[test]
fn a_total_counts_before_the_sum_of_its_tariffs() {
    let read = registers(&["1-0:2.8.0(00010.5*kWh)", "1-0:2.8.1(00003*kWh)"]).unwrap();
    assert_eq!(read.export_mwh, Some(10_500_000));
    let read = registers(&["1-0:2.8.1(1*Wh)", "1-0:2.8.4(00003*kWh)"]).unwrap();
    assert_eq!(read.export_mwh, Some(3_001_000));
    assert_eq!(read.import_mwh, None);
}

#[test]
fn a_meter_without_an_equipment_identifier_goes_by_its_first_line() {
    let read = registers(&["1-0:2.8.0(1.000*kWh)"]).unwrap();
    assert_eq!(read.serial, "XMX5LG");
    let read = registers(&["0-0:96.1.0(ABC123)"]).unwrap();
    assert_eq!(read.serial, "ABC123");
}

#[test]
fn a_line_that_can_not_be_meant_is_refused_with_its_code() {
    for (line, reason) in [
        (
            "1-0:2.8.1(abc*kWh)",
            "1-0:2.8.1: \"abc*kWh\" is not a number",
        ),
        ("1-0:2.8.1(-1*kWh)", "is not a number"),
        ("1-0:2.8.1(1.0000001*kWh)", "is not a number"),
        ("1-0:2.8.1(1234567890123456*kWh)", "is not a number"),
        ("1-0:2.8.1(.5*kWh)", "is not a number"),
        ("1-0:2.8.1(1)", "is not a number"),
        ("1-0:2.8.1(1*m3)", "the unit is \"m3\", expected kWh or Wh"),
        ("1-0:2.7.0(1*kWh)", "the unit is \"kWh\", expected kW or W"),
    ] {
        let refused = registers(&[line]).unwrap_err().to_string();
        assert!(refused.contains(reason), "{line}: {refused}");
    }
    assert_eq!(
        registers(&["1-0:2.8.1(1*kWh)", "1-0:2.8.1(2*kWh)"]),
        Err(ObisError::Repeated {
            code: "1-0:2.8.1".to_owned()
        })
    );
    assert!(registers(&["1-0:2.8.1(1*kWh)", "1-0:2.8.1(1.0*kWh)"]).is_ok());
}

#[test]
fn a_number_may_have_as_many_digits_as_the_limit() {
    let read = registers(&["1-0:2.8.1(999999999999.999*kWh)"]).unwrap();
    assert_eq!(read.export_mwh, Some(999_999_999_999_999_000));
}

#[test]
fn a_stream_that_begins_within_a_telegram_gives_the_next_ones() {
    let mut scanner = Scanner::default();
    scanner.push(b"0-0:96.14.0(0002)\r\n!ABCD\r\n");
    assert_eq!(scanner.next(), None);
    let telegram = Telegram::seal(&body());
    scanner.push(telegram.as_bytes());
    scanner.push(telegram.as_bytes());
    assert!(scanner.next().unwrap().is_ok());
    assert!(scanner.next().unwrap().is_ok());
    assert_eq!(scanner.next(), None);
}

#[test]
fn a_telegram_that_was_cut_off_does_not_spoil_the_next() {
    let telegram = Telegram::seal(&body());
    let mut scanner = Scanner::default();
    scanner.push(&telegram.as_bytes()[..200]);
    assert_eq!(scanner.next(), None);
    scanner.push(telegram.as_bytes());
    assert_eq!(scanner.next(), Some(Err(TelegramError::CutOff)));
    assert!(scanner.next().unwrap().is_ok());
}

#[test]
fn a_telegram_without_its_checksum_or_with_another_is_refused() {
    assert_eq!(
        Telegram::parse(b"/A\r\n\r\n!\r\n"),
        Err(TelegramError::NoChecksum)
    );
    assert_eq!(
        Telegram::parse(b"/A\r\n!12"),
        Err(TelegramError::NoChecksum)
    );
    assert_eq!(Telegram::parse(b"/A\r\n"), Err(TelegramError::NoChecksum));
    assert_eq!(Telegram::parse(b"{}"), Err(TelegramError::NoStart));
    let text = Telegram::seal(&body()).replace("000000.211", "000000.212");
    assert!(matches!(
        Telegram::parse(text.as_bytes()),
        Err(TelegramError::Checksum { .. })
    ));
}

#[test]
fn a_telegram_may_be_as_long_as_the_limit_and_not_longer() {
    let of = |bytes: usize| {
        Telegram::parse(Telegram::seal(&format!("/{}", "x".repeat(bytes - 2))).as_bytes())
    };
    assert!(of(MAX_TELEGRAM_BYTES).is_ok());
    assert_eq!(of(MAX_TELEGRAM_BYTES + 1), Err(TelegramError::TooLong));
    let mut endless = Scanner::default();
    endless.push(b"/");
    for _ in 0..3 {
        endless.push(&[b'x'; MAX_TELEGRAM_BYTES]);
        assert_eq!(endless.next(), Some(Err(TelegramError::TooLong)));
        endless.push(b"/");
    }
}

#[test]
fn lines_of_an_adapter_are_a_telegram_with_or_without_the_empty_one() {
    let text = Telegram::seal(&body());
    let lines: Vec<&str> = text.lines().collect();
    assert!(Telegram::from_lines(&lines).is_ok());
    let without: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    assert!(Telegram::from_lines(&without).is_ok());
    assert!(Telegram::from_lines(&without[1..]).is_err());
    assert!(Telegram::from_lines::<&str>(&[]).is_err());
}

proptest! {
    #[test]
    fn energy_is_read_as_it_is_written(import in 0_i64..1_000_000_000, parts in prop::collection::vec(0_i64..1_000_000_000, 1..=4)) {
        let written = |wh: i64| format!("{:06}.{:03}*kWh", wh / 1000, wh % 1000);
        let mut lines = vec![format!("1-0:1.8.0({})", written(import))];
        for (tariff, wh) in parts.iter().enumerate() {
            lines.push(format!("1-0:2.8.{}({})", tariff + 1, written(*wh)));
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let read = registers(&lines).unwrap();
        prop_assert_eq!(read.import_mwh, Some(import * 1000));
        prop_assert_eq!(read.export_mwh, Some(parts.iter().sum::<i64>() * 1000));
    }

    #[test]
    fn however_a_stream_is_cut_each_telegram_comes_once(
        cuts in prop::collection::vec(1_usize..300, 1..40), telegrams in 1_usize..4,
    ) {
        let stream = Telegram::seal(&body()).repeat(telegrams);
        let (mut scanner, mut rest, mut found) = (Scanner::default(), stream.as_bytes(), 0);
        let mut cuts = cuts.into_iter().cycle();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            rest = after;
            scanner.push(piece);
            for telegram in scanner.by_ref() {
                telegram.unwrap();
                found += 1;
            }
        }
        prop_assert_eq!(found, telegrams);
    }

    #[test]
    fn a_changed_byte_is_noticed(at: prop::sample::Index, to in 32_u8..127) {
        let good = Telegram::seal(&body());
        let mut bytes = good.clone().into_bytes();
        // Checksum digits may be written in either case.
        let at = at.index(bytes.len() - 6);
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        prop_assert!(Telegram::parse(&bytes).is_err());
    }

    #[test]
    fn hostile_bytes_are_never_a_panic(pieces in prop::collection::vec("[/!0-9A-F(.*)kWh:\\-\r\n\u{e9}]{0,60}", 0..20)) {
        let mut scanner = Scanner::default();
        for piece in &pieces {
            scanner.push(piece.as_bytes());
            for telegram in scanner.by_ref().flatten() {
                let _ = Registers::read(&telegram);
            }
        }
        let sealed = Telegram::seal(&format!("/{}", pieces.concat().replace(['/', '!'], "")));
        if let Ok(telegram) = Telegram::parse(sealed.as_bytes()) {
            let _ = Registers::read(&telegram);
        }
    }
}
