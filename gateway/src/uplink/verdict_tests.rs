#![allow(clippy::unwrap_used)]
use super::*;
use schemas::WattHours;
use schemas::gateway::PublicKey;

fn present() -> KeyId {
    PublicKey::ed25519(&[1; 32]).key_id()
}

fn sent(device: i64, sequence: i64) -> Outgoing {
    Outgoing {
        device: DeviceId(device),
        sequence,
        key: present(),
        readings: 1,
        compact: String::new(),
    }
}

fn receipt(index: usize, status: EnvelopeStatus, code: Option<&str>) -> EnvelopeReceipt {
    EnvelopeReceipt {
        index,
        status,
        device_id: None,
        sequence: None,
        code: code.map(str::to_owned),
        detail: code.map(|code| format!("because of {code}")),
        expected_sequence: None,
        retry_after_s: None,
        position: None,
        accepted_readings: 0,
        repeated_readings: 0,
        refused_readings: Vec::new(),
        doubtful_readings: 0,
        issued_bundles: 0,
        issued_wh: WattHours::ZERO,
    }
}

fn refused(index: usize, code: &str) -> EnvelopeReceipt {
    receipt(index, EnvelopeStatus::Refused, Some(code))
}

#[test]
fn accepted_and_repeated_are_both_done() {
    let batch = [sent(1, 4), sent(2, 9)];
    let receipts = [
        receipt(0, EnvelopeStatus::Accepted, None),
        receipt(1, EnvelopeStatus::Repeated, None),
    ];
    let done = |device, sequence| Verdict::Done {
        device: DeviceId(device),
        sequence,
    };
    assert_eq!(read(&batch, &receipts, present()), [done(1, 4), done(2, 9)]);
}

#[test]
fn the_first_refusal_of_a_device_decides_and_other_devices_go_on() {
    let batch = [sent(1, 4), sent(1, 5), sent(2, 1), sent(1, 6)];
    let mut gap = refused(1, "sequence_gap");
    gap.expected_sequence = Some(4);
    let mut later = refused(0, "clock_in_future");
    later.retry_after_s = Some(90);
    let receipts = [
        later,
        gap.clone(),
        receipt(2, EnvelopeStatus::Accepted, None),
        gap,
    ];
    let verdicts = read(&batch, &receipts, present());
    assert_eq!(
        verdicts,
        [
            Verdict::Hold {
                device: DeviceId(1),
                sequence: 4,
                code: "clock_in_future".into(),
                detail: "because of clock_in_future".into(),
                wait: Some(Duration::from_secs(90)),
            },
            Verdict::Done {
                device: DeviceId(2),
                sequence: 1
            }
        ]
    );
}

#[test]
fn a_gap_before_an_envelope_is_filled_and_one_after_it_is_not_guessed_at() {
    let verdict = |expected| {
        let mut gap = refused(0, "sequence_gap");
        gap.expected_sequence = expected;
        read(&[sent(1, 5)], &[gap], present()).remove(0)
    };
    let device = DeviceId(1);
    assert_eq!(
        verdict(Some(3)),
        Verdict::Resend {
            device,
            expected: 3
        }
    );
    for expected in [Some(5), Some(6), None] {
        assert!(
            matches!(verdict(expected), Verdict::Hold { .. }),
            "{expected:?}"
        );
    }
}

#[test]
fn a_key_that_is_not_taken_stops_everything_unless_there_is_a_newer_one() {
    for code in ["gateway_key_unknown", "gateway_key_revoked"] {
        let stop = read(&[sent(1, 5)], &[refused(0, code)], present());
        assert!(
            matches!(&stop[..], [Verdict::Stop { .. }]),
            "{code}: {stop:?}"
        );
        let newer = PublicKey::ed25519(&[2; 32]).key_id();
        let anew = read(&[sent(1, 5)], &[refused(0, code)], newer);
        let device = DeviceId(1);
        assert_eq!(
            anew,
            [Verdict::Anew {
                device,
                sequence: 5
            }]
        );
    }
    let revoked = read(&[sent(1, 5)], &[refused(0, "gateway_revoked")], present());
    assert!(matches!(&revoked[..], [Verdict::Stop { .. }]));
}

#[test]
fn every_other_refusal_holds_the_device() {
    for code in [
        "envelope_signature_invalid",
        "envelope_context_wrong",
        "envelope_malformed",
        "envelope_replayed",
        "envelope_chain_broken",
        "device_not_found",
        "not_the_gateways_device",
        "of_a_later_version",
    ] {
        let verdicts = read(&[sent(1, 5)], &[refused(0, code)], present());
        assert!(
            matches!(
                &verdicts[..],
                [Verdict::Hold {
                    sequence: 5,
                    wait: None,
                    ..
                }]
            ),
            "{code}: {verdicts:?}"
        );
    }
}

#[test]
fn a_receipt_for_nothing_that_was_sent_is_passed_over() {
    let receipts = [receipt(7, EnvelopeStatus::Accepted, None)];
    assert_eq!(read(&[sent(1, 1)], &receipts, present()), []);
}
