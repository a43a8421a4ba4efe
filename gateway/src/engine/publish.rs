//! Telling what the gateway is at.

use super::Engine;
use crate::snapshot::{Queue, Snapshot, Uplink, UplinkState};
use std::collections::HashMap;
use std::sync::Arc;

impl Engine {
    /// Publishes what the gateway is at. If the buffer fails, what was told of it last stands.
    pub async fn publish_now(&self) {
        let usage = self.buffer.usage().await;
        let queue = usage
            .map(|usage| Queue {
                readings: usage.readings,
                envelopes: usage.envelopes,
                bytes: usage.bytes,
                limit_bytes: usage.share,
                oldest: usage.oldest,
            })
            .inspect_err(|error| tracing::warn!(%error, "the buffer can not be looked at"));
        let streams = self.buffer.streams().await.unwrap_or_default();
        let streams: HashMap<_, _> = streams.iter().map(|one| (one.device, one)).collect();
        let uplink = self.uplink().clone();
        let stopped = || Uplink {
            state: UplinkState::Stopped,
            ..Uplink::default()
        };
        let uplink = uplink.map_or_else(stopped, |uplink| uplink.report());
        let devices = {
            let devices = self.devices();
            let shown = self.config();
            let devices = shown
                .devices
                .iter()
                .filter_map(|config| devices.get(&config.id));
            devices
                .map(|device| device.snapshot(streams.get(&device.config.id).copied()))
                .collect()
        };
        // In one step, so that who the gateway came to be meanwhile stays told.
        self.publish.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.taken_at = self.clock.wall();
            snapshot.clock = self.clock_check.state();
            if let Ok(queue) = queue {
                snapshot.queue = queue;
            }
            snapshot.uplink = uplink;
            snapshot.devices = devices;
        });
    }

    /// Changes what is told of who the gateway is.
    pub fn set_identity(&self, change: impl FnOnce(&mut Snapshot)) {
        self.publish
            .send_modify(|snapshot| change(Arc::make_mut(snapshot)));
    }
}
