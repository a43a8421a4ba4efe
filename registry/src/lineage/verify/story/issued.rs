//! How the first bundle came to be: issued for a reading, for what storage released, or elsewhere.

use super::{Issued, Named, SECONDS_PER_HOUR, Teller, is_serial};
use crate::lineage::verify::family::Family;
use schemas::api::certificate::LineageEvent;
use schemas::bundle::HashedAttributes;
use schemas::event::import::BundlesImported;
use schemas::event::issuance::{BundlesIssued, IssuanceTerms};
use schemas::event::storage::StorageCertificatesIssued;

impl Teller {
    pub(super) fn issuance(
        &mut self,
        event: &LineageEvent,
        issued: &BundlesIssued,
        family: &Family<'_>,
    ) {
        let root = &family.root.attributes;
        if !is_as_hashed(&issued.terms, root) {
            self.broken("the terms of the issuance are not those of the bundle");
        }
        if !is_serial(issued.first_certificate_id) || issued.first_bundle_id != family.root.id {
            return self.broken("the issuance is not that of the first bundle");
        }
        for bundle in issued.bundles() {
            let (start, end) = (bundle.interval.start(), bundle.interval.end());
            if (start, end)
                != (
                    root.production_starting_interval,
                    root.production_ending_interval,
                )
            {
                self.broken("the issuance is for another interval than the bundle");
            }
            self.issued.push(Issued {
                at: event.recorded_at,
                bundle: Named {
                    id: bundle.bundle_id,
                    start: bundle.start,
                    end: bundle.end,
                    quantity: None,
                    hash: None,
                },
                account_id: issued.account_id,
                device_id: issued.device_id,
                metadata_id: issued.metadata_id,
                expiry: issued.terms.expiry,
                is_imported: false,
            });
        }
    }

    /// An issuance for energy released from storage: its source has the terms, and is hashed alike.
    pub(super) fn released(
        &mut self,
        event: &LineageEvent,
        issued: &StorageCertificatesIssued,
        family: &Family<'_>,
    ) {
        let root = &family.root.attributes;
        if !root.is_storage || !is_serial(issued.first_certificate_id) {
            return self.broken("the issuance for storage is not that of the first bundle");
        }
        for (allocation, source, bundle) in issued.sources() {
            let Some(bundle) = bundle else { continue };
            let interval = (
                root.production_starting_interval,
                root.production_ending_interval,
            );
            if (allocation.discharged.start(), allocation.discharged.end()) != interval {
                self.broken("the issuance is for another interval than the bundle");
            }
            if bundle.end.0 - bundle.start.0 >= source.wh.0 {
                self.broken("more is issued for storage than was cancelled for it");
            }
            self.issued.push(Issued {
                at: event.recorded_at,
                bundle: Named {
                    id: bundle.bundle_id,
                    start: bundle.start,
                    end: bundle.end,
                    quantity: None,
                    hash: None,
                },
                account_id: issued.account_id,
                device_id: issued.device_id,
                metadata_id: root.metadata_id,
                expiry: issued.expiry,
                is_imported: false,
            });
        }
    }

    /// What entered from another registry, issued there.
    pub(super) fn imported(&mut self, imported: &BundlesImported, family: &Family<'_>) {
        let root = &family.root.attributes;
        let [lot] = imported.lots.as_slice() else {
            return self.broken("the import is not of one issuance");
        };
        let [bundle] = lot.bundles.as_slice() else {
            return self.broken("the import is not of one bundle");
        };
        if !is_as_hashed(&lot.terms, root) || lot.is_storage != root.is_storage {
            self.broken("the terms of the import are not those of the bundle");
        }
        if !is_serial(bundle.start) || !is_serial(bundle.end) || bundle.length_s > SECONDS_PER_HOUR
        {
            return self.broken("the import is not that of the first bundle");
        }
        let interval = bundle
            .interval()
            .map(|interval| (interval.start(), interval.end()));
        let produced = (
            root.production_starting_interval,
            root.production_ending_interval,
        );
        if interval != Some(produced) {
            self.broken("the import is for another interval than the bundle");
        }
        self.issued.push(Issued {
            at: lot.issued_at,
            bundle: Named {
                id: imported.first_bundle_id,
                start: bundle.start,
                end: bundle.end,
                quantity: None,
                hash: None,
            },
            account_id: imported.account_id,
            device_id: lot.device_id,
            metadata_id: lot.metadata_id,
            expiry: lot.terms.expiry,
            is_imported: true,
        });
    }
}

/// Whether the terms of an issuance are those that the hash covers.
fn is_as_hashed(terms: &IssuanceTerms, root: &HashedAttributes) -> bool {
    terms.energy_source == root.energy_source
        && terms.energy_carrier == root.energy_carrier
        && terms.registry_configuration == root.registry_configuration
        && terms.issuance_post_energy_carrier_conversion
            == root.issuance_post_energy_carrier_conversion
        && terms
            .emissions_factor_production_device
            .map(|factor| factor.to_string())
            == root.emissions_factor_production_device
        && terms.emissions_factor_source == root.emissions_factor_source
}
