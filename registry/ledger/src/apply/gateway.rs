//! Folding what concerns gateways and their envelopes.

use super::Fold;
use crate::entry::{Entry, Gateway, GatewayCode, GatewayKey, GatewayStream, KnownEnvelope};
use crate::key::{Key, key_digest};
use crate::state::NotLoaded;
use schemas::event::gateway::{
    EnvelopeAccepted, GatewayCodeIssued, GatewayDevicesChanged, GatewayEnrolled, GatewayKeyAdded,
    GatewayKeyRevoked,
};
use schemas::gateway::KeyId;
use schemas::id::{DeviceId, GatewayId};

pub(super) fn touched_by_enrolment(event: &GatewayEnrolled, keys: &mut Vec<Key>) {
    keys.push(Key::GatewayCode(event.code));
    keys.extend(event.device_ids.iter().copied().map(Key::GatewayStream));
}

pub(super) fn touched_by_new_key(event: &GatewayKeyAdded, keys: &mut Vec<Key>) {
    keys.push(Key::Gateway(event.gateway_id));
    keys.push(Key::GatewayKey(key_digest(event.replaces)));
}

pub(super) fn touched_by_devices(event: &GatewayDevicesChanged, keys: &mut Vec<Key>) {
    let devices = event.added.iter().chain(&event.removed);
    keys.extend(devices.copied().map(Key::GatewayStream));
}

impl Fold<'_, '_> {
    pub(super) fn gateway_code_issued(&mut self, event: &GatewayCodeIssued) {
        self.create(
            Key::GatewayCode(event.code),
            Entry::GatewayCode(Box::new(GatewayCode {
                account_id: event.account_id,
                device_ids: event.device_ids.clone(),
                expires_at: event.expires_at,
                used_by: None,
            })),
        );
    }

    pub(super) fn gateway_enrolled(&mut self, event: &GatewayEnrolled) -> Result<(), NotLoaded> {
        let (gateway_id, key_id) = (event.gateway_id, event.key_id);
        self.create(
            Key::Gateway(gateway_id),
            Entry::Gateway(Gateway {
                account_id: event.account_id,
                is_revoked: false,
                keys: 1,
            }),
        );
        self.new_gateway_key(gateway_id, key_id);
        let code = Key::GatewayCode(event.code);
        if let Some(Some(Entry::GatewayCode(code))) = self.changes.edit(code, self.position)? {
            code.used_by = Some((gateway_id, key_id));
        }
        for device_id in &event.device_ids {
            self.stream(*device_id, |stream| stream.gateway_id = Some(gateway_id))?;
        }
        self.counters(|counters| counters.gateway = gateway_id.plus(1))
    }

    pub(super) fn gateway_key_added(&mut self, event: &GatewayKeyAdded) -> Result<(), NotLoaded> {
        self.gateway(event.gateway_id, |gateway| gateway.keys += 1)?;
        self.gateway_key(event.replaces, |key| {
            key.accepted_until = Some(event.accepted_until);
        })?;
        self.new_gateway_key(event.gateway_id, event.key_id);
        Ok(())
    }

    pub(super) fn gateway_key_revoked(
        &mut self,
        event: &GatewayKeyRevoked,
    ) -> Result<(), NotLoaded> {
        self.gateway_key(event.key_id, |key| key.is_revoked = true)
    }

    pub(super) fn gateway_devices_changed(
        &mut self,
        event: &GatewayDevicesChanged,
    ) -> Result<(), NotLoaded> {
        for device_id in &event.added {
            self.stream(*device_id, |stream| {
                stream.gateway_id = Some(event.gateway_id);
            })?;
        }
        for device_id in &event.removed {
            self.stream(*device_id, |stream| stream.gateway_id = None)?;
        }
        Ok(())
    }

    pub(super) fn envelope_accepted(&mut self, event: &EnvelopeAccepted) -> Result<(), NotLoaded> {
        self.create(
            Key::Envelope(event.device_id, event.sequence),
            Entry::Envelope(Box::new(KnownEnvelope {
                hash: event.hash.clone(),
                position: self.position,
                outcome: event.outcome.clone(),
            })),
        );
        self.stream(event.device_id, |stream| {
            stream.next_sequence = event.sequence + 1;
            stream.hash = Some(event.hash.clone());
        })
    }

    fn new_gateway_key(&mut self, gateway_id: GatewayId, key_id: KeyId) {
        self.create(
            Key::GatewayKey(key_digest(key_id)),
            Entry::GatewayKey(GatewayKey {
                key_id,
                gateway_id,
                accepted_until: None,
                is_revoked: false,
            }),
        );
    }

    pub(super) fn gateway(
        &mut self,
        id: GatewayId,
        change: impl FnOnce(&mut Gateway),
    ) -> Result<(), NotLoaded> {
        if let Some(Some(Entry::Gateway(gateway))) =
            self.changes.edit(Key::Gateway(id), self.position)?
        {
            change(gateway);
        }
        Ok(())
    }

    fn gateway_key(
        &mut self,
        id: KeyId,
        change: impl FnOnce(&mut GatewayKey),
    ) -> Result<(), NotLoaded> {
        let key = Key::GatewayKey(key_digest(id));
        if let Some(Some(Entry::GatewayKey(key))) = self.changes.edit(key, self.position)? {
            change(key);
        }
        Ok(())
    }

    /// A device that no gateway has metered yet has no stream.
    fn stream(
        &mut self,
        id: DeviceId,
        change: impl FnOnce(&mut GatewayStream),
    ) -> Result<(), NotLoaded> {
        if let Some(slot) = self.changes.edit(Key::GatewayStream(id), self.position)? {
            let mut stream = match slot.take() {
                Some(Entry::GatewayStream(stream)) => stream,
                _ => GatewayStream::default(),
            };
            change(&mut stream);
            *slot = Some(Entry::GatewayStream(stream));
        }
        Ok(())
    }
}
