//! Bodies of the actions on bundles.

use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::code;
use crate::id::{AccountId, BundleId, DeviceId, UserId};
use crate::life_cycle::{ActionType, QuantityMode};
use rust_decimal::Decimal;
use utoipa::ToSchema;

/// What any action asks, whatever body it came in.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The account that holds the bundles.
    pub source_id: Named<AccountId>,
    /// The user in whose name it is asked.
    pub user_id: Option<Named<UserId>>,
    /// The bundles.
    pub granular_certificate_bundle_ids: Vec<BundleId>,
    /// So many Wh of each, or of all together.
    pub certificate_quantity: Option<WattHours>,
    /// Such a share of each, or of all together; in (0, 1], and only without a quantity.
    pub certificate_bundle_percentage: Option<ExactNumber>,
    /// Of each or of all together.
    pub certificate_quantity_mode: QuantityMode,
    /// Kept because the contract has it.
    pub localise_time: bool,
    /// Receiving account (transfer).
    pub target_id: Option<AccountId>,
    /// Who benefits (cancel, claim).
    pub beneficiary: Option<String>,
    /// The beneficiary's account (cancel).
    pub beneficiary_account_id: Option<AccountId>,
    /// The storage device that charged the energy (cancel for storage).
    pub storage_device_id: Option<DeviceId>,
    /// The same by its identifier in its grid.
    pub storage_local_device_identifier: Option<String>,
    /// Why (withdraw, lock, unlock).
    pub reason: Option<String>,
    /// Name of the receiving registry (export).
    pub receiving_registry: Option<String>,
}

/// The body of one kind of action.
pub trait ActionRequest: FromFields + 'static {
    /// The action it asks for.
    const ACTION: ActionType;

    /// What it asks.
    fn asked(self) -> Asked;
}

/// Code of a quantity given together with a percentage; the ledger's own.
const QUANTITY_AND_PERCENTAGE: &str = "quantity_and_percentage";

/// The rules of the contract that concern a body by itself, in its words.
fn check(fields: &mut Fields<'_>, action: ActionType, share: Option<ExactNumber>) {
    if let Some(named) = fields.optional::<String>("action_type")
        && named != action.as_str()
    {
        fields.refuse(
            "action_type",
            code::UNKNOWN_VALUE,
            "Value error, `action_type` cannot be set explicitly.",
        );
    }
    check_amounts(fields, share);
}

/// The rules of the contract that concern quantity and percentage.
pub(super) fn check_amounts(fields: &mut Fields<'_>, share: Option<ExactNumber>) {
    if fields.has("certificate_quantity") && fields.has("certificate_bundle_percentage") {
        fields.refuse(
            "certificate_bundle_percentage",
            QUANTITY_AND_PERCENTAGE,
            "Value error, Can only pass one of `certificate_quantity` or `certificate_bundle_percentage`.",
        );
    }
    let rule = match share {
        Some(ExactNumber(share)) if share <= Decimal::ZERO => "Input should be greater than 0",
        Some(ExactNumber(share)) if share > Decimal::ONE => {
            "Input should be less than or equal to 1"
        }
        _ => return,
    };
    fields.refuse(
        "certificate_bundle_percentage",
        code::OUT_OF_RANGE,
        format!("`certificate_bundle_percentage`: {rule}"),
    );
}

macro_rules! action_requests {
    ($(
        $(#[$doc:meta])*
        $name:ident($action:ident) {
            $(required { $($(#[$rdoc:meta])* $required:ident: $rtype:ty,)* })?
            $(optional { $($(#[$odoc:meta])* $optional:ident: $otype:ty,)* })?
        }
        example $example:tt
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, ToSchema)]
        #[schema(example = json!($example))]
        pub struct $name {
            /// The account that holds the bundles.
            #[schema(value_type = i64)]
            pub source_id: Named<AccountId>,
            /// Must be the caller's own id where given, unless the caller administers users.
            #[schema(value_type = Option<i64>)]
            pub user_id: Option<Named<UserId>>,
            /// The bundles, each once, at most 10,000; all of them or none are acted on.
            #[schema(value_type = Vec<i64>, min_items = 1, max_items = 10_000)]
            pub granular_certificate_bundle_ids: Vec<BundleId>,
            /// So many Wh; what is more than a bundle holds takes it whole. Not together with a
            /// percentage.
            #[schema(value_type = Option<i64>, minimum = 1)]
            pub certificate_quantity: Option<WattHours>,
            /// Share p with 0 < p <= 1, in exact decimal arithmetic, rounded down to whole Wh. Not
            /// together with a quantity.
            #[schema(value_type = Option<f64>, maximum = 1, exclusive_minimum = 0)]
            pub certificate_bundle_percentage: Option<ExactNumber>,
            /// Whether quantity and percentage concern each listed bundle (`per_bundle`, default) or
            /// all of them together, in the order listed (`total`).
            #[schema(required = false)]
            pub certificate_quantity_mode: QuantityMode,
            /// Accepted and without effect: the registry counts in UTC.
            #[schema(required = false)]
            pub localise_time: bool,
            $($($(#[$rdoc])* pub $required: $rtype,)*)?
            $($($(#[$odoc])* pub $optional: Option<$otype>,)*)?
        }

        impl FromFields for $name {
            fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
                let source_id = fields.required("source_id");
                let user_id = fields.optional("user_id");
                let granular_certificate_bundle_ids =
                    fields.required("granular_certificate_bundle_ids");
                let certificate_quantity = fields.optional("certificate_quantity");
                let certificate_bundle_percentage =
                    fields.optional("certificate_bundle_percentage");
                let certificate_quantity_mode =
                    fields.or("certificate_quantity_mode", QuantityMode::PerBundle);
                let localise_time = fields.or("localise_time", true);
                check(fields, Self::ACTION, certificate_bundle_percentage);
                $($(let $required = fields.required(stringify!($required));)*)?
                $($(let $optional = fields.optional(stringify!($optional));)*)?
                Some(Self {
                    source_id: source_id?,
                    user_id,
                    granular_certificate_bundle_ids: granular_certificate_bundle_ids?,
                    certificate_quantity,
                    certificate_bundle_percentage,
                    certificate_quantity_mode,
                    localise_time,
                    $($($required: $required?,)*)?
                    $($($optional,)*)?
                })
            }
        }

        impl ActionRequest for $name {
            const ACTION: ActionType = ActionType::$action;

            fn asked(self) -> Asked {
                let none = Asked {
                    source_id: self.source_id,
                    user_id: self.user_id,
                    granular_certificate_bundle_ids: self.granular_certificate_bundle_ids,
                    certificate_quantity: self.certificate_quantity,
                    certificate_bundle_percentage: self.certificate_bundle_percentage,
                    certificate_quantity_mode: self.certificate_quantity_mode,
                    localise_time: self.localise_time,
                    target_id: None,
                    beneficiary: None,
                    beneficiary_account_id: None,
                    storage_device_id: None,
                    storage_local_device_identifier: None,
                    reason: None,
                    receiving_registry: None,
                };
                Asked {
                    $($($required: Some(self.$required),)*)?
                    $($($optional: self.$optional,)*)?
                    ..none
                }
            }
        }
    )+};
}

action_requests! {
    /// Moves active bundles to an account that accepts transfers from theirs.
    TransferRequest(Transfer) {
        required {
            /// The receiving account; it must have whitelisted the source.
            #[schema(value_type = i64)]
            target_id: AccountId,
        }
    }
    example {"source_id": 1, "target_id": 2, "granular_certificate_bundle_ids": [11, 12], "certificate_quantity": 250}

    /// Retires active or reserved bundles for a beneficiary.
    CancelRequest(Cancel) {
        optional {
            /// Who benefits; the name of the source account where absent.
            #[schema(max_length = 500)]
            beneficiary: String,
            /// The beneficiary's account in this registry: it alone may claim.
            #[schema(value_type = Option<i64>)]
            beneficiary_account_id: AccountId,
        }
    }
    example {"source_id": 1, "granular_certificate_bundle_ids": [11], "certificate_bundle_percentage": 0.75, "beneficiary": "Example Data Centre"}

    /// Retires active or reserved bundles for what a storage device of the account charged.
    CancelForStorageRequest(CancelForStorage) {
        optional {
            /// The storage device; it or its identifier must be there.
            #[schema(value_type = Option<i64>)]
            storage_device_id: DeviceId,
            /// The storage device by its identifier in its grid.
            #[schema(max_length = 500)]
            storage_local_device_identifier: String,
        }
    }
    example {"source_id": 1, "granular_certificate_bundle_ids": [11], "storage_local_device_identifier": "BATTERY-1"}

    /// Claims cancelled bundles, by the recorded beneficiary's side.
    ClaimRequest(Claim) {
        optional {
            /// Must be the recorded beneficiary where given.
            #[schema(max_length = 500)]
            beneficiary: String,
        }
    }
    example {"source_id": 1, "granular_certificate_bundle_ids": [11]}

    /// Sets active bundles aside.
    ReserveRequest(Reserve) {}
    example {"source_id": 1, "granular_certificate_bundle_ids": [11]}

    /// Makes reserved bundles active again.
    ReleaseRequest(Release) {}
    example {"source_id": 1, "granular_certificate_bundle_ids": [11]}

    /// Freezes bundles; the issuing body does.
    LockRequest(Lock) {
        optional {
            /// Why.
            #[schema(max_length = 500)]
            reason: String,
        }
    }
    example {"source_id": 1, "granular_certificate_bundle_ids": [11], "reason": "metering dispute"}

    /// Ends a lock; the issuing body does.
    UnlockRequest(Unlock) {
        optional {
            /// Why.
            #[schema(max_length = 500)]
            reason: String,
        }
    }
    example {"source_id": 1, "granular_certificate_bundle_ids": [11]}

    /// Takes bundles back for good; the issuing body does.
    WithdrawRequest(Withdraw) {
        optional {
            /// Why.
            #[schema(max_length = 500)]
            reason: String,
        }
    }
    example {"source_id": 1, "granular_certificate_bundle_ids": [11], "reason": "issued in error"}

    /// Offers active bundles to another registry.
    ExportRequest(Export) {
        required {
            /// Name of the registry that is to import them.
            #[schema(value_type = String, min_length = 1, max_length = 100)]
            receiving_registry: String,
        }
    }
    example {"source_id": 1, "granular_certificate_bundle_ids": [11], "receiving_registry": "fr"}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::api::problem::FieldError;

    fn read<T: ActionRequest>(body: &str) -> Result<Asked, Vec<FieldError>> {
        Fields::from_json(body.as_bytes())
            .unwrap()
            .read::<T>()
            .map(T::asked)
    }

    #[test]
    fn a_percentage_is_the_decimal_that_was_written() {
        let body = r#"{"source_id":1,"target_id":2,"granular_certificate_bundle_ids":[3],
                       "certificate_bundle_percentage":0.57,"created_at":"ignored"}"#;
        let asked = read::<TransferRequest>(body).unwrap();
        assert_eq!(
            asked.certificate_bundle_percentage,
            Some(ExactNumber(Decimal::new(57, 2)))
        );
        assert_eq!(asked.target_id, Some(AccountId(2)));
        assert_eq!(asked.certificate_quantity_mode, QuantityMode::PerBundle);
        assert!(asked.localise_time);
    }

    #[test]
    fn every_rule_a_body_breaks_is_named() {
        for (fields, pointer, text) in [
            (
                r#""certificate_bundle_percentage":1.5"#,
                "/certificate_bundle_percentage",
                "less than or equal to 1",
            ),
            (
                r#""certificate_bundle_percentage":0"#,
                "/certificate_bundle_percentage",
                "greater than 0",
            ),
            (
                r#""certificate_bundle_percentage":0.5,"certificate_quantity":5"#,
                "/certificate_bundle_percentage",
                "Can only pass one of",
            ),
            (
                r#""action_type":"cancel""#,
                "/action_type",
                "`action_type` cannot be set explicitly.",
            ),
            (
                r#""certificate_quantity":1.5"#,
                "/certificate_quantity",
                "whole number",
            ),
            (
                r#""certificate_quantity_mode":"each""#,
                "/certificate_quantity_mode",
                "per_bundle, total",
            ),
        ] {
            let body = format!(
                r#"{{"source_id":1,"target_id":2,"granular_certificate_bundle_ids":[3],{fields}}}"#
            );
            let errors = read::<TransferRequest>(&body).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert_eq!(errors[0].pointer.as_deref(), Some(pointer));
            assert!(errors[0].detail.contains(text), "{}", errors[0].detail);
        }
    }

    #[test]
    fn missing_source_and_target_are_both_named() {
        let errors =
            read::<TransferRequest>(r#"{"granular_certificate_bundle_ids":[3]}"#).unwrap_err();
        let pointers: Vec<_> = errors
            .iter()
            .filter_map(|error| error.pointer.as_deref())
            .collect();
        assert_eq!(pointers, ["/source_id", "/target_id"]);
    }

    #[test]
    fn the_action_of_the_route_may_be_named() {
        let body =
            r#"{"source_id":1,"granular_certificate_bundle_ids":[3],"action_type":"cancel"}"#;
        assert!(read::<CancelRequest>(body).is_ok());
    }
}
