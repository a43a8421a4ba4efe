//! Actions on bundles. Each answer is made from the event that records the action.

use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Caller, May, Origin, State, Write, may};
use crate::read::storage as stored;
use crate::sequencer::Receipt;
use actix_web::{HttpResponse, post};
use ledger::command::{ActOnBundles, Amount};
use ledger::refusal::Code;
use ledger::{Command, Event};
use schemas::api::certificate::{
    Action, ActionRequest, Asked, CancelForStorageRequest, CancelRequest, ClaimRequest,
    ExportRequest, LockRequest, ReleaseRequest, ReserveRequest, TransferRequest, UnlockRequest,
    WithdrawRequest,
};
use schemas::event::LedgerEvent;
use schemas::id::{AccountId, DeviceId};
use schemas::life_cycle::ActionType;

/// Has an action decided for a member of the source account.
async fn act_as_member<T: ActionRequest>(write: Write<may::Trade, T>) -> Answer<HttpResponse> {
    let Write {
        caller,
        body,
        origin,
    } = write;
    let asked = body.asked();
    caller.acts_as(asked.user_id)?;
    let source_id = caller.member_of(asked.source_id).await?;
    let command = command(caller.state(), T::ACTION, source_id, asked);
    accepted(origin.execute(caller.state(), command).await?)
}

/// Has a cancellation for a storage device decided, which the request names by id or identifier.
async fn act_for_storage<T: ActionRequest>(write: Write<may::Trade, T>) -> Answer<HttpResponse> {
    let Write {
        caller,
        body,
        origin,
    } = write;
    let mut asked = body.asked();
    caller.acts_as(asked.user_id)?;
    let account_id = caller.member_of(asked.source_id).await?;
    if asked.storage_device_id.is_none() {
        let identifier = asked.storage_local_device_identifier.take();
        let found = storage_device(&caller, &origin, account_id, identifier.as_deref()).await?;
        asked.storage_device_id = Some(found);
    }
    let command = command(caller.state(), T::ACTION, account_id, asked);
    accepted(origin.execute(caller.state(), command).await?)
}

async fn storage_device(
    caller: &Caller<may::Trade>,
    origin: &Origin,
    account_id: AccountId,
    identifier: Option<&str>,
) -> Answer<DeviceId> {
    const FIELD: &str = "/storage_local_device_identifier";
    let identifier = identifier.ok_or_else(|| {
        let rule = "`storage_device_id` or `storage_local_device_identifier` is required";
        Problem::new(EdgeCode::RequestInvalid, rule).at(FIELD)
    })?;
    let client = origin.client(caller.state()).await?;
    match stored::storage_devices(&client, account_id, identifier).await?[..] {
        [only] => Ok(only),
        [] => Err(Problem::new(
            Code::DeviceNotFound,
            format!("account {account_id} has no storage device with identifier {identifier:?}"),
        )
        .at(FIELD)),
        [_, _, ..] => Err(Problem::new(
            EdgeCode::RequestInvalid,
            format!(
                "account {account_id} has several storage devices with identifier {identifier:?}; name one by \
                 storage_device_id"
            ),
        )
        .at(FIELD)),
    }
}

/// Has an action of the issuing body decided, which need not be a member of the source account.
async fn act_as_issuing_body<C: May, T: ActionRequest>(write: Write<C, T>) -> Answer<HttpResponse> {
    let Write {
        caller,
        body,
        origin,
    } = write;
    let asked = body.asked();
    caller.acts_as(asked.user_id)?;
    let source_id = caller.supervises(asked.source_id)?;
    let command = command(caller.state(), T::ACTION, source_id, asked);
    accepted(origin.execute(caller.state(), command).await?)
}

fn command(state: &State, action_type: ActionType, source_id: AccountId, asked: Asked) -> Command {
    let mode = asked.certificate_quantity_mode;
    let amount = match (
        asked.certificate_quantity,
        asked.certificate_bundle_percentage,
    ) {
        (Some(quantity), _) => Amount::Quantity(quantity, mode),
        (None, Some(share)) => Amount::Percentage(share.0, mode),
        (None, None) => Amount::Whole,
    };
    Command::ActOnBundles(ActOnBundles {
        action_type,
        source_id,
        bundle_ids: asked.granular_certificate_bundle_ids,
        amount,
        target_id: asked.target_id,
        beneficiary: asked.beneficiary,
        beneficiary_account_id: asked.beneficiary_account_id,
        storage_device_id: asked.storage_device_id,
        reason: asked.reason,
        receiving_registry: asked.receiving_registry,
        here: state.exchange.registry().to_owned(),
        localise_time: asked.localise_time,
    })
}

pub(super) fn accepted(receipt: Receipt) -> Answer<HttpResponse> {
    let recorded_at = receipt.recorded_at;
    let recorded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::BundlesActed(action)) => Some(action),
            _ => None,
        });
    let action = recorded.ok_or_else(|| Problem::internal(&"an action left no event"))?;
    Ok(HttpResponse::Accepted().json(Action::of(action, recorded_at)))
}

macro_rules! actions {
    ($(
        $(#[$doc:meta])*
        $name:ident at $path:literal takes $body:ident, by who may $may:ident through $act:ident
        answers { $($status:literal: $codes:literal),+ $(,)? }
    )+) => {$(
        $(#[$doc])*
        #[utoipa::path(
            tag = "Certificates",
            operation_id = stringify!($name),
            request_body = $body,
            responses(
                (status = 202, description = "The action as recorded.", body = Action),
                $((status = $status, description = $codes),)+
            ),
        )]
        #[post($path)]
        pub async fn $name(write: Write<may::$may, $body>) -> Answer<HttpResponse> {
            $act(write).await
        }
    )+};
}

actions! {
    /// Transfer bundles.
    ///
    /// Moves active bundles, whole or in part, to an account that has whitelisted the source. A bundle of
    /// which only a part moves is split into two new ones.
    transfer_certificates at "/certificate/transfer" takes TransferRequest, by who may Trade through act_as_member
    answers {
        404: "account_not_found, bundle_not_found",
        409: "transfer_disabled, bundle_state, bundle_expired",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, not_whitelisted, \
              account_closed, split_too_small, quantity_exceeds_total",
    }

    /// Cancel bundles.
    ///
    /// Retires active or reserved bundles, whole or in part, for a beneficiary. What is cancelled never
    /// moves again.
    cancel_certificates at "/certificate/cancel" takes CancelRequest, by who may Trade through act_as_member
    answers {
        404: "account_not_found, bundle_not_found",
        409: "bundle_state, bundle_expired",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, account_closed, \
              split_too_small, quantity_exceeds_total",
    }

    /// Cancel bundles for storage.
    ///
    /// Retires active or reserved bundles, whole or in part, for what a storage device of the account
    /// charged while they were produced. They can not be claimed: what the device releases of the energy
    /// is issued anew (`POST /storage/issue_sdgcs`).
    cancel_certificates_for_storage at "/certificate/cancel_for_storage" takes CancelForStorageRequest,
    by who may Trade through act_for_storage
    answers {
        404: "account_not_found, bundle_not_found, device_not_found",
        409: "bundle_state, bundle_expired",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, account_closed, \
              device_removed, device_not_storage, split_too_small, quantity_exceeds_total",
    }

    /// Claim cancelled bundles.
    ///
    /// By the account that cancelled them or, where the cancellation named a beneficiary's account, by that
    /// one alone. What is claimed never changes again.
    claim_certificates at "/certificate/claim" takes ClaimRequest, by who may Trade through act_as_member
    answers {
        404: "account_not_found, bundle_not_found",
        409: "bundle_state",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, account_closed, \
              beneficiary_mismatch, split_too_small, quantity_exceeds_total",
    }

    /// Reserve bundles.
    ///
    /// Sets active bundles aside: a reserved bundle can be cancelled or released, not transferred.
    reserve_certificates at "/certificate/reserve" takes ReserveRequest, by who may Trade through act_as_member
    answers {
        404: "account_not_found, bundle_not_found",
        409: "bundle_state, bundle_expired",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, account_closed, \
              split_too_small, quantity_exceeds_total",
    }

    /// Release reserved bundles.
    ///
    /// Makes reserved bundles active again.
    release_certificates at "/certificate/release" takes ReleaseRequest, by who may Trade through act_as_member
    answers {
        404: "account_not_found, bundle_not_found",
        409: "bundle_state",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, account_closed, \
              split_too_small, quantity_exceeds_total",
    }

    /// Offer bundles to another registry.
    ///
    /// Takes active bundles, whole or in part, out of circulation until the export is confirmed with the other
    /// registry's receipt or taken back; nothing else can be done with them meanwhile. The signed file for the
    /// other registry is at `/certificate/export/{id}/file`.
    export_certificates at "/certificate/export" takes ExportRequest, by who may Trade through act_as_member
    answers {
        404: "account_not_found, bundle_not_found",
        409: "transfer_disabled, bundle_state, bundle_expired",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, account_closed, \
              split_too_small, quantity_exceeds_total",
    }

    /// Lock bundles.
    ///
    /// The issuing body freezes active or reserved bundles of any account: a locked bundle can be unlocked
    /// or withdrawn, nothing else.
    lock_certificates at "/certificate/lock" takes LockRequest, by who may Lock through act_as_issuing_body
    answers {
        404: "account_not_found, bundle_not_found",
        409: "bundle_state",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, account_closed, \
              split_too_small, quantity_exceeds_total",
    }

    /// Unlock bundles.
    ///
    /// The issuing body ends a lock: each bundle is again what it was before.
    unlock_certificates at "/certificate/unlock" takes UnlockRequest, by who may Lock through act_as_issuing_body
    answers {
        404: "account_not_found, bundle_not_found",
        409: "bundle_state",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, account_closed, \
              split_too_small, quantity_exceeds_total",
    }

    /// Withdraw bundles.
    ///
    /// The issuing body takes active, reserved or locked bundles of any account back for good. The metered
    /// energy may be issued again, under new serials.
    withdraw_certificates at "/certificate/withdraw" takes WithdrawRequest, by who may Withdraw through act_as_issuing_body
    answers {
        404: "account_not_found, bundle_not_found",
        409: "bundle_state",
        422: "request_invalid, list_empty, list_too_long, bundle_repeated, value_out_of_range, \
              split_too_small, quantity_exceeds_total",
    }
}
