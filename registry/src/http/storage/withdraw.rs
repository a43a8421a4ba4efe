//! Taking records back.

use super::record::not_found;
use super::unanswered;
use crate::http::problem::{Answer, Problem};
use crate::http::{Write, may};
use crate::read::storage as stored;
use actix_web::{HttpResponse, post};
use ledger::command::{Flow, WithdrawStorageRecords};
use ledger::refusal::Code;
use ledger::{Command, Event};
use schemas::api::storage::{WithdrawRecords, Withdrawn};
use schemas::event::LedgerEvent;

/// Take a charge back.
///
/// The device's last record by its id, or all of a device's records from an instant on: records are taken
/// back from the end, so that no gap is left, and only where nothing is allocated of them.
#[utoipa::path(
    tag = "Storage",
    operation_id = "withdraw_scr",
    request_body = WithdrawRecords,
    responses(
        (status = 200, description = "What was taken back.", body = Withdrawn),
        (status = 403, description = "account_access_denied, user_id_not_yours"),
        (status = 404, description = "account_not_found, device_not_found, storage_record_not_found"),
        (status = 409, description = "storage_record_not_last, storage_record_in_use"),
        (status = 422, description = "request_invalid, device_removed, device_not_storage, \
            storage_record_kind, storage_window"),
    ),
)]
#[post("/storage/withdraw_scr")]
pub async fn withdraw_scr(
    write: Write<may::SubmitReadings, WithdrawRecords>,
) -> Answer<HttpResponse> {
    withdraw(&write, Flow::Charging).await
}

/// Take a discharge back.
///
/// The device's last record by its id, or all of a device's records from an instant on: records are taken
/// back from the end, so that no gap is left, and only where nothing is allocated of them.
#[utoipa::path(
    tag = "Storage",
    operation_id = "withdraw_sdr",
    request_body = WithdrawRecords,
    responses(
        (status = 200, description = "What was taken back.", body = Withdrawn),
        (status = 403, description = "account_access_denied, user_id_not_yours"),
        (status = 404, description = "account_not_found, device_not_found, storage_record_not_found"),
        (status = 409, description = "storage_record_not_last, storage_record_in_use"),
        (status = 422, description = "request_invalid, device_removed, device_not_storage, \
            storage_record_kind, storage_window"),
    ),
)]
#[post("/storage/withdraw_sdr")]
pub async fn withdraw_sdr(
    write: Write<may::SubmitReadings, WithdrawRecords>,
) -> Answer<HttpResponse> {
    withdraw(&write, Flow::Discharging).await
}

async fn withdraw(
    write: &Write<may::SubmitReadings, WithdrawRecords>,
    flow: Flow,
) -> Answer<HttpResponse> {
    let caller = &write.caller;
    caller.acts_as(write.body.user_id)?;
    let account_id = caller.member_of(write.body.source_id).await?;
    let command = match (write.body.source_allocation_id, write.body.storage_id) {
        (Some(id), _) => {
            let client = write.origin.client(caller.state()).await?;
            let found = stored::records_by_ids(&client, &[id]).await?;
            let of_account = found
                .into_iter()
                .find(|(_, account)| *account == account_id);
            let (record, _) = of_account.ok_or_else(|| not_found(id))?;
            WithdrawStorageRecords {
                device_id: record.device_id,
                from: record.flow_start_datetime,
                only: Some((id, flow)),
            }
        }
        (None, Some(named)) => {
            let device_id = caller.own_device(named).await?;
            let from = write.body.charging_period_start;
            WithdrawStorageRecords {
                device_id,
                from: from.ok_or_else(|| unanswered("a withdrawal without a start"))?,
                only: None,
            }
        }
        (None, None) => {
            return Err(Problem::new(
                Code::StorageRecordNotFound,
                "no storage record is named",
            ));
        }
    };
    let receipt = write
        .execute(Command::WithdrawStorageRecords(command))
        .await?;
    let recorded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::StorageRecordsWithdrawn(withdrawn)) => Some(withdrawn),
            _ => None,
        });
    let withdrawn = recorded.ok_or_else(|| unanswered("records taken back left no event"))?;
    Ok(HttpResponse::Ok().json(Withdrawn {
        device_id: withdrawn.device_id,
        record_ids: withdrawn.records.iter().map(|one| one.record_id).collect(),
        next_start_datetime: withdrawn.from,
    }))
}
