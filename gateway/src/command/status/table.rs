//! What the gateway is at, for people.

use chrono::{DateTime, Utc};
use gateway::buffer::{Stream, Usage};
use gateway::config::Config;
use gateway::enrolment::Enrolment;
use gateway::snapshot::{Device, Snapshot, UplinkState};
use schemas::gateway::ClockState;
use std::fmt::Write;

/// Bytes, to the unit below which they are easily read.
fn bytes(amount: u64) -> String {
    match amount {
        0..10_240 => format!("{amount} B"),
        10_240..10_485_760 => format!("{} KiB", amount >> 10),
        _ => format!("{} MiB", amount >> 20),
    }
}

/// A day and moment, by the second.
fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A moment, by the second.
fn moment(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

/// A running gateway.
pub(super) fn running(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    let registry = snapshot.registry.as_deref().unwrap_or("its registry");
    let gateway = snapshot.gateway_id.map_or_else(
        || "not enrolled, so readings wait".to_owned(),
        |id| format!("gateway {id} at {registry}"),
    );
    let clock = serde_json::to_value(snapshot.clock).unwrap_or_default();
    let clock = clock.as_str().unwrap_or_default();
    line(
        &mut text,
        &format!(
            "{gateway}, up since {}, now {}, clock {clock}",
            rfc3339(snapshot.started_at),
            moment(snapshot.taken_at)
        ),
    );
    if snapshot.clock == ClockState::Unsynchronised {
        let doubt = "clock    nobody sets it, so readings are doubtful and nothing is issued for them: have it set \
                     (NTP), or see clock_check";
        line(&mut text, doubt);
    }
    let queue = &snapshot.queue;
    let oldest = queue.oldest.map_or(String::new(), |at| {
        format!(", the oldest of {}", rfc3339(at))
    });
    line(
        &mut text,
        &format!(
            "buffer   {} readings wait{oldest}; {} of {} used",
            queue.readings,
            bytes(queue.bytes),
            bytes(queue.limit_bytes)
        ),
    );
    let uplink = &snapshot.uplink;
    let state = match uplink.state {
        UplinkState::Idle => "idle",
        UplinkState::Sending => "sending",
        UplinkState::Waiting => "waiting",
        UplinkState::Stopped => "stopped",
    };
    let next = uplink
        .next_attempt_at
        .map_or(String::new(), |at| format!(", next try {}", moment(at)));
    line(
        &mut text,
        &format!(
            "uplink   {state}{next}; {} readings accepted, {} envelopes refused, {} sent",
            uplink.readings_accepted,
            uplink.envelopes_refused,
            bytes(uplink.bytes_sent)
        ),
    );
    if let Some(error) = &uplink.last_error {
        line(&mut text, &format!("         {error}"));
    }
    for device in &snapshot.devices {
        line(&mut text, &device_line(device));
        if let Some(error) = &device.last_error {
            line(&mut text, &format!("         {error}"));
        }
        if let Some(hold) = &device.hold {
            line(
                &mut text,
                &format!(
                    "         not sent since {}: envelope {} was refused, {}: {}",
                    rfc3339(hold.since),
                    hold.sequence,
                    hold.code,
                    hold.detail
                ),
            );
        }
    }
    text.trim_end().to_owned()
}

fn line(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

fn device_line(device: &Device) -> String {
    let state = device.state.as_str().replace('_', " ");
    let read = device.last_sample.as_ref().map_or(String::new(), |sample| {
        let power = sample
            .power_w
            .map_or(String::new(), |power| format!(", {power} W"));
        let wh = sample.energy_mwh.div_euclid(1_000);
        format!("; {wh} Wh{power} at {}", moment(sample.taken_at))
    });
    let sent = device
        .sequence
        .map_or(String::new(), |sequence| format!("; envelope {sequence}"));
    format!(
        "device   {} {} at {}: {state} since {}{read}{sent}",
        device.device_id,
        device.profile,
        device.connection,
        moment(device.since)
    )
}

/// A gateway that is not running.
pub(super) fn at_rest(
    config: &Config,
    enrolment: Option<&Enrolment>,
    kept: Option<&(Usage, Vec<Stream>)>,
) -> String {
    let mut text = String::new();
    match enrolment {
        Some(one) => line(
            &mut text,
            &format!(
                "gateway {} at {}, key {}: not running",
                one.gateway_id, one.registry, one.key_id
            ),
        ),
        None => line(&mut text, "not enrolled, not running"),
    }
    if let Some((usage, streams)) = kept {
        let oldest = usage.oldest.map_or(String::new(), |at| {
            format!(", the oldest of {}", rfc3339(at))
        });
        line(
            &mut text,
            &format!(
                "buffer   {} readings wait{oldest}; {} of {} used",
                usage.readings,
                bytes(usage.bytes),
                bytes(usage.share)
            ),
        );
        for stream in streams {
            let hold = stream.hold.as_ref().map_or(String::new(), |hold| {
                format!("; not sent since {}: {}", rfc3339(hold.since), hold.code)
            });
            line(
                &mut text,
                &format!(
                    "device   {}: envelope {} is next, {} readings without one{hold}",
                    stream.device, stream.next_sequence, stream.waiting
                ),
            );
        }
    }
    line(
        &mut text,
        &format!("{} devices are configured", config.devices.len()),
    );
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_nobody_sets_is_told_with_what_comes_of_it() {
        let shown = |clock: &str| {
            let snapshot = serde_json::json!({
                "version": "0.1.0", "taken_at": "2026-06-21T12:00:00Z", "started_at": "2026-06-21T11:00:00Z",
                "clock": clock, "devices": [],
                "queue": {"readings": 0, "envelopes": 0, "bytes": 0, "limit_bytes": 0},
                "uplink": {"state": "idle", "readings_accepted": 0, "bytes_sent": 0, "envelopes_refused": 0},
            });
            running(&serde_json::from_value(snapshot).expect("a snapshot"))
        };
        assert!(shown("unsynchronised").contains("readings are doubtful"));
        for clock in ["synchronised", "unknown"] {
            assert!(!shown(clock).contains("doubtful"), "{}", shown(clock));
        }
    }

    #[test]
    fn amounts_are_shown_in_the_unit_that_is_read_easily() {
        let shown = [0, 10_239, 10_240, 10_485_759, 10_485_760, 1 << 30].map(bytes);
        assert_eq!(
            shown,
            [
                "0 B",
                "10239 B",
                "10 KiB",
                "10239 KiB",
                "10 MiB",
                "1024 MiB"
            ]
        );
    }
}
