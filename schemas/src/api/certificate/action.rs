//! A stored action.

use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::event::action::{BundleAction, Part};
use crate::id::{AccountId, ActionId, BundleId, CertificateId, DeviceId, RuleId, UserId};
use crate::life_cycle::{ActionType, CertificateStatus, QuantityMode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// An action that was taken: what was asked, and what became of every bundle it touched.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ActionRead, example = json!({
    "id": 7, "created_at": "2024-11-18T12:00:00.2Z", "action_type": "transfer", "source_id": 1,
    "target_id": 2, "user_id": 3, "beneficiary": null, "beneficiary_account_id": null, "reason": null, "rule_id": null, "storage_device_id": null,
    "granular_certificate_bundle_ids": [11], "certificate_quantity": 250,
    "certificate_bundle_percentage": null, "certificate_quantity_mode": "per_bundle",
    "localise_time": true, "action_request_datetime": "2024-11-18T12:00:00.1Z",
    "action_completed_datetime": "2024-11-18T12:00:00.2Z", "certificate_bundle_status": "Active",
    "outcome": "completed", "total_certificate_volume": 250,
    "bundles": [{
        "bundle_id": 11, "acted_on": 21, "certificate_bundle_id_range_start": 1,
        "certificate_bundle_id_range_end": 250, "bundle_quantity": 250,
        "remainder": {
            "bundle_id": 22, "certificate_bundle_id_range_start": 251,
            "certificate_bundle_id_range_end": 1000, "bundle_quantity": 750,
            "certificate_bundle_status": "Active"
        }
    }],
    "children": [21, 22]
}))]
pub struct Action {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: ActionId,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
    /// What was done.
    pub action_type: ActionType,
    /// The account that held the bundles.
    #[schema(value_type = i64)]
    pub source_id: AccountId,
    /// The account that holds them since (transfer).
    #[schema(value_type = Option<i64>)]
    pub target_id: Option<AccountId>,
    /// Who asked; null where the registry acted by itself.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Who benefits (cancel, claim).
    pub beneficiary: Option<String>,
    /// The beneficiary's account in this registry (cancel).
    #[schema(value_type = Option<i64>)]
    pub beneficiary_account_id: Option<AccountId>,
    /// Why (withdraw, lock, unlock).
    pub reason: Option<String>,
    /// The recurring rule by which the registry acted; null where somebody asked for the action.
    #[schema(value_type = Option<i64>)]
    pub rule_id: Option<RuleId>,
    /// The storage device it was for (cancel for storage, use for storage).
    #[schema(value_type = Option<i64>)]
    pub storage_device_id: Option<DeviceId>,
    /// What an export, its confirmation or its taking back is about; null for other actions.
    pub export: Option<ActionExport>,
    /// The bundles acted on, as listed in the request.
    #[schema(value_type = Vec<i64>)]
    pub granular_certificate_bundle_ids: Vec<BundleId>,
    /// Quantity asked for in Wh.
    #[schema(value_type = Option<i64>)]
    pub certificate_quantity: Option<WattHours>,
    /// Share asked for.
    #[schema(value_type = Option<f64>)]
    pub certificate_bundle_percentage: Option<ExactNumber>,
    /// Whether quantity or share were meant per bundle or in total.
    pub certificate_quantity_mode: QuantityMode,
    /// As in the request.
    pub localise_time: bool,
    /// When the request arrived.
    pub action_request_datetime: DateTime<Utc>,
    /// When the action was decided and durable.
    pub action_completed_datetime: DateTime<Utc>,
    /// State of what was acted on afterwards; null where it differs from bundle to bundle (unlock).
    pub certificate_bundle_status: Option<CertificateStatus>,
    /// `completed`: an action that can not be taken whole is refused and not stored.
    #[schema(example = "completed")]
    pub outcome: &'static str,
    /// Wh acted on over all bundles.
    #[schema(value_type = i64)]
    pub total_certificate_volume: WattHours,
    /// What became of each listed bundle.
    pub bundles: Vec<ActionPart>,
    /// Ids of the bundles that splits made, in order.
    #[schema(value_type = Vec<i64>)]
    pub children: Vec<BundleId>,
}

/// An export to another registry, as an action on it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActionExport {
    /// The action that offered the bundles.
    #[schema(value_type = i64)]
    pub export_id: ActionId,
    /// Name of the registry they are offered to.
    pub receiving_registry: String,
    /// What that one knows its import by (confirm).
    pub receiving_reference: Option<String>,
}

/// What of one listed bundle was acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActionPart {
    /// The listed bundle.
    #[schema(value_type = i64)]
    pub bundle_id: BundleId,
    /// The bundle that carries the outcome: the listed one, or the child split from it.
    #[schema(value_type = i64)]
    pub acted_on: BundleId,
    /// First certificate acted on.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// Last certificate acted on, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// Wh acted on.
    #[schema(value_type = i64)]
    pub bundle_quantity: WattHours,
    /// The child that stayed as the listed bundle was; null where that was taken whole.
    pub remainder: Option<Remainder>,
}

/// What stayed of a bundle that was split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Remainder {
    /// Its id.
    #[schema(value_type = i64)]
    pub bundle_id: BundleId,
    /// First certificate.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// Last certificate, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// Wh it holds.
    #[schema(value_type = i64)]
    pub bundle_quantity: WattHours,
    /// Its state: the parent's before the split.
    pub certificate_bundle_status: CertificateStatus,
}

impl From<&Part> for ActionPart {
    fn from(part: &Part) -> Self {
        Self {
            bundle_id: part.bundle_id,
            acted_on: part.acted_on(),
            certificate_bundle_id_range_start: part.start,
            certificate_bundle_id_range_end: part.end,
            bundle_quantity: part.quantity(),
            remainder: part.split.map(|split| Remainder {
                bundle_id: split.rest,
                certificate_bundle_id_range_start: part.end.plus(1),
                certificate_bundle_id_range_end: split.rest_end,
                bundle_quantity: WattHours(split.rest_end.0 - part.end.0),
                certificate_bundle_status: split.rest_status,
            }),
        }
    }
}

/// State that an action leaves what it acted on in, where it is always the same.
const fn status_after(action_type: ActionType) -> Option<CertificateStatus> {
    Some(match action_type {
        ActionType::Transfer | ActionType::Release | ActionType::TakeBackExport => {
            CertificateStatus::Active
        }
        ActionType::Cancel => CertificateStatus::Cancelled,
        ActionType::Claim => CertificateStatus::Claimed,
        ActionType::Reserve => CertificateStatus::Reserved,
        ActionType::Lock => CertificateStatus::Locked,
        ActionType::Withdraw => CertificateStatus::Withdrawn,
        ActionType::Expire => CertificateStatus::Expired,
        ActionType::CancelForStorage | ActionType::UseForStorage => {
            CertificateStatus::CancelledForStorage
        }
        ActionType::Export => CertificateStatus::ExportOffered,
        ActionType::ConfirmExport => CertificateStatus::Exported,
        ActionType::Unlock => return None,
    })
}

impl Action {
    /// The action as recorded at `recorded_at`.
    #[must_use]
    pub fn of(action: BundleAction, recorded_at: DateTime<Utc>) -> Self {
        let splits = action.parts.iter().filter_map(|part| part.split);
        Self {
            id: action.action_id,
            created_at: recorded_at,
            action_type: action.action_type,
            source_id: action.source_id,
            target_id: action.target_id,
            user_id: action.user_id,
            beneficiary_account_id: action.beneficiary_account_id,
            export: action.export.as_ref().map(|export| ActionExport {
                export_id: export.offer_id.unwrap_or(action.action_id),
                receiving_registry: export.receiving_registry.clone(),
                receiving_reference: export.receiving_reference.clone(),
            }),
            granular_certificate_bundle_ids: action
                .parts
                .iter()
                .map(|part| part.bundle_id)
                .collect(),
            certificate_quantity: action.certificate_quantity,
            certificate_bundle_percentage: action.certificate_bundle_percentage.map(ExactNumber),
            certificate_quantity_mode: action.quantity_mode,
            localise_time: action.localise_time,
            action_request_datetime: action.requested_at,
            action_completed_datetime: recorded_at,
            certificate_bundle_status: status_after(action.action_type),
            outcome: "completed",
            total_certificate_volume: action.total(),
            bundles: action.parts.iter().map(ActionPart::from).collect(),
            children: splits.flat_map(|split| [split.taken, split.rest]).collect(),
            beneficiary: action.beneficiary,
            reason: action.reason,
            rule_id: action.rule_id,
            storage_device_id: action.storage_device_id,
        }
    }
}

/// An action without what became of each bundle.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ActionSummary {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: ActionId,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
    /// What was done.
    pub action_type: ActionType,
    /// The account that held the bundles.
    #[schema(value_type = i64)]
    pub source_id: AccountId,
    /// The account that holds them since (transfer).
    #[schema(value_type = Option<i64>)]
    pub target_id: Option<AccountId>,
    /// Who asked; null where the registry acted by itself.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Who benefits (cancel, claim).
    pub beneficiary: Option<String>,
    /// The beneficiary's account in this registry (cancel).
    #[schema(value_type = Option<i64>)]
    pub beneficiary_account_id: Option<AccountId>,
    /// Why (withdraw, lock, unlock).
    pub reason: Option<String>,
    /// The recurring rule by which the registry acted; null where somebody asked for the action.
    #[schema(value_type = Option<i64>)]
    pub rule_id: Option<RuleId>,
    /// The storage device it was for (cancel for storage, use for storage).
    #[schema(value_type = Option<i64>)]
    pub storage_device_id: Option<DeviceId>,
    /// Quantity asked for in Wh.
    #[schema(value_type = Option<i64>)]
    pub certificate_quantity: Option<WattHours>,
    /// Share asked for.
    #[schema(value_type = Option<f64>)]
    pub certificate_bundle_percentage: Option<ExactNumber>,
    /// Whether quantity or share were meant per bundle or in total.
    pub certificate_quantity_mode: QuantityMode,
    /// As in the request.
    pub localise_time: bool,
    /// When the request arrived.
    pub action_request_datetime: DateTime<Utc>,
    /// When the action was decided and durable.
    pub action_completed_datetime: DateTime<Utc>,
    /// `completed`.
    #[schema(example = "completed")]
    pub outcome: &'static str,
    /// Number of bundles acted on.
    pub num_granular_certificate_bundles: i32,
    /// Wh acted on over all bundles.
    #[schema(value_type = i64)]
    pub total_certificate_volume: WattHours,
}

/// Which actions of a list are wanted.
#[derive(Debug, Clone, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ActionQuery {
    /// The account that is source or target; all that the caller may see where absent.
    #[param(value_type = Option<i64>)]
    pub account_id: Option<Named<AccountId>>,
    /// What was done.
    pub action_type: Option<ActionType>,
}

impl FromFields for ActionQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            account_id: fields.optional("account_id"),
            action_type: fields.optional("action_type"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::event::action::Split;

    #[test]
    fn the_parts_of_a_split_partition_the_parent() {
        let part = Part {
            bundle_id: BundleId(11),
            start: CertificateId(1),
            end: CertificateId(250),
            split: Some(Split {
                taken: BundleId(21),
                rest: BundleId(22),
                rest_end: CertificateId(1000),
                rest_status: CertificateStatus::Active,
            }),
            origin: None,
        };
        let shown = ActionPart::from(&part);
        let rest = shown.remainder.unwrap();
        assert_eq!(shown.acted_on, BundleId(21));
        assert_eq!(
            shown.bundle_quantity + rest.bundle_quantity,
            WattHours(1000)
        );
        assert_eq!(rest.certificate_bundle_id_range_start, CertificateId(251));
        assert_eq!(rest.certificate_bundle_id_range_end, CertificateId(1000));
    }
}
