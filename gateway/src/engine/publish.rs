//! Telling what the gateway is at.

use super::Engine;
use crate::snapshot::{Queue, Snapshot, Uplink, UplinkState};
use std::collections::HashMap;
use std::sync::Arc;

impl Engine {
    /// Publishes what the gateway is at. If the buffer fails, what was told of it last stands.
    pub(super) async fn publish_now(&self) {
        let before = Arc::clone(&self.publish.borrow());
        let queue = match self.buffer.usage().await {
            Ok(usage) => Queue {
                readings: usage.readings,
                envelopes: usage.envelopes,
                bytes: usage.bytes,
                limit_bytes: usage.share,
                oldest: usage.oldest,
            },
            Err(error) => {
                tracing::warn!(%error, "the buffer can not be looked at");
                before.queue.clone()
            }
        };
        let streams = self.buffer.streams().await.unwrap_or_default();
        let streams: HashMap<_, _> = streams.iter().map(|one| (one.device, one)).collect();
        let uplink = self.uplink().clone();
        let stopped = || Uplink {
            state: UplinkState::Stopped,
            ..Uplink::default()
        };
        let snapshot = {
            let devices = self.devices();
            let shown = self.config();
            let devices = shown
                .devices
                .iter()
                .filter_map(|config| devices.get(&config.id));
            Snapshot {
                taken_at: self.clock.wall(),
                clock: self.clock_check.state(),
                queue,
                uplink: uplink.map_or_else(stopped, |uplink| uplink.report()),
                devices: devices
                    .map(|device| device.snapshot(streams.get(&device.config.id).copied()))
                    .collect(),
                ..Snapshot::clone(&before)
            }
        };
        self.publish.send_replace(Arc::new(snapshot));
    }

    /// Changes what is told of who the gateway is.
    pub fn set_identity(&self, change: impl FnOnce(&mut Snapshot)) {
        self.publish
            .send_modify(|snapshot| change(Arc::make_mut(snapshot)));
    }
}
