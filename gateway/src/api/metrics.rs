//! Metrics in the text format of Prometheus, made of the snapshot.

use crate::control::Control;
use crate::snapshot::{Device, DeviceState, Snapshot};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use std::fmt::{Display, Write};

/// Get the metrics.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_metrics",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")),
)]
#[get("/metrics")]
pub async fn get_metrics(control: Data<Control>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(render(&control.snapshot()))
}

/// Serial numbers, addresses and names of people's equipment are left out: metrics are often collected
/// elsewhere.
pub(super) fn render(snapshot: &Snapshot) -> String {
    let mut text = Text::default();
    text.head(
        "gateway_start_time_seconds",
        "gauge",
        "When the program was started, in Unix time.",
    );
    text.value("", snapshot.started_at.timestamp());
    text.head(
        "gateway_queue_readings",
        "gauge",
        "Readings that the registry has not acknowledged.",
    );
    text.value("", snapshot.queue.readings);
    text.head(
        "gateway_queue_envelopes",
        "gauge",
        "Envelopes that hold them.",
    );
    text.value("", snapshot.queue.envelopes);
    text.head(
        "gateway_buffer_bytes",
        "gauge",
        "Space that the buffer takes.",
    );
    text.value("", snapshot.queue.bytes);
    text.head(
        "gateway_buffer_limit_bytes",
        "gauge",
        "Space that the buffer may take.",
    );
    text.value("", snapshot.queue.limit_bytes);
    if let Some(oldest) = snapshot.queue.oldest {
        text.head(
            "gateway_queue_oldest_age_seconds",
            "gauge",
            "How long ago the interval ended that waits longest.",
        );
        text.value("", (snapshot.taken_at - oldest).num_seconds());
    }
    text.head(
        "gateway_readings_accepted_total",
        "counter",
        "Readings that the registry acknowledged.",
    );
    text.value("", snapshot.uplink.readings_accepted);
    text.head(
        "gateway_sent_bytes_total",
        "counter",
        "Bytes of request bodies sent to the registry.",
    );
    text.value("", snapshot.uplink.bytes_sent);
    text.head(
        "gateway_envelopes_refused_total",
        "counter",
        "Envelopes refused for good.",
    );
    text.value("", snapshot.uplink.envelopes_refused);
    text.head("gateway_devices", "gauge", "Devices by state.");
    for state in DeviceState::ALL {
        let count = snapshot
            .devices
            .iter()
            .filter(|device| device.state == state)
            .count();
        text.value(&format!("{{state=\"{}\"}}", state.as_str()), count);
    }
    text.devices(
        snapshot,
        "device_samples_total",
        "counter",
        "Times a device was read.",
        |device| Some(device.samples),
    );
    text.devices(
        snapshot,
        "device_failures_total",
        "counter",
        "Times a device could not be read.",
        |device| Some(device.failures),
    );
    text.devices(
        snapshot,
        "device_energy_milliwatthours",
        "gauge",
        "The counter that certificates come from.",
        |device| device.last_sample.as_ref().map(|sample| sample.energy_mwh),
    );
    text.devices(
        snapshot,
        "device_power_watts",
        "gauge",
        "Power when a device was read last.",
        |device| {
            device
                .last_sample
                .as_ref()
                .and_then(|sample| sample.power_w)
        },
    );
    text.devices(
        snapshot,
        "device_last_sample_time_seconds",
        "gauge",
        "When a device was read last, in Unix time.",
        |device| {
            device
                .last_sample
                .as_ref()
                .map(|sample| sample.taken_at.timestamp())
        },
    );
    text.0
}

#[derive(Default)]
struct Text(String, &'static str);

impl Text {
    fn head(&mut self, name: &'static str, kind: &str, help: &str) {
        self.1 = name;
        // Writing to a text can not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn value(&mut self, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{}{labels} {value}", self.1);
    }

    fn devices<V: Display>(
        &mut self,
        snapshot: &Snapshot,
        name: &'static str,
        kind: &str,
        help: &str,
        value: impl Fn(&Device) -> Option<V>,
    ) {
        self.head(name, kind, help);
        for device in &snapshot.devices {
            if let Some(value) = value(device) {
                self.value(&format!("{{device=\"{}\"}}", device.device_id), value);
            }
        }
    }
}
