//! Imports from other registries: rows by the issuing body, or a file that a trusted registry signed.

use crate::exchange::{
    FileError, ImportRows, Opened, TEMPLATE, TableError, Untrusted, accept, read_csv, read_json,
    receipt, sealed, template_json,
};
use crate::http::extract::{Caller, Origin, may};
use crate::http::measurement::{FILE, point, read_form};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Query, Read};
use crate::read::exchange;
use crate::sequencer::Receipt;
use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::block;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, get, post};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use ledger::command::ImportBundles;
use ledger::refusal::Code;
use ledger::{Command, Event};
use schemas::Watts;
use schemas::api::certificate::{
    BundlesImported, ImportDeviceJson, ImportFields, ImportUpload, ReceiptQuery, TemplateFormat,
    TemplateQuery,
};
use schemas::api::field::{Fields, Source};
use schemas::api::problem::code;
use schemas::capability::Capability;
use schemas::energy::{DeviceType, GpsLocation};
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceAttributes;
use schemas::exchange::Signed;
use schemas::id::AccountId;
use sha2::{Digest, Sha256};

const MESSAGE: &str = "Certificate bundles imported successfully.";
const DEVICE: &str = "device_json";

/// Get the template for imports.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "get_certificate_import_template",
    params(TemplateQuery),
    responses(
        (status = 200, description = "Header and a row, as CSV; or the row as JSON.",
         content((String = "text/csv"), (Vec<std::collections::HashMap<String, Option<String>>> = "application/json"))),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/certificate_import_template")]
pub async fn get_import_template(
    _: Caller<may::Read>,
    Query(query): Query<TemplateQuery>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    let name = |kind: &str| format!("attachment; filename=\"certificate_import_template.{kind}\"");
    if query.format == TemplateFormat::Json {
        response.insert_header((CONTENT_DISPOSITION, name("json")));
        return response.json(template_json());
    }
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, name("csv")))
        .body(TEMPLATE)
}

/// What is read of the file.
enum Content {
    /// Signed by a registry that this one trusts.
    Signed(Box<Opened>),
    /// Rows on the word of who sends them.
    Rows(ImportRows),
}

/// An import somebody wants. That the account is theirs is not checked yet.
pub struct Import {
    caller: Caller<may::Import>,
    origin: Origin,
    fields: ImportFields,
    content: Content,
    /// Whether rows came as JSON, whose errors are named by pointer.
    is_json: bool,
}

impl FromRequest for Import {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(Self::of(request.clone(), payload.take()))
    }
}

impl Import {
    async fn of(request: HttpRequest, payload: Payload) -> Answer<Self> {
        let caller = Caller::of(&request).await?;
        if request.content_type() != "multipart/form-data" {
            return Err(Problem::new(
                EdgeCode::UnsupportedMediaType,
                "the body must be multipart/form-data; say so in the header Content-Type",
            ));
        }
        let form = read_form(Multipart::new(request.headers(), payload)).await?;
        let mut fields = Fields::from_pairs(form.texts, Source::Body);
        if form.file.is_none() {
            fields.refuse(FILE, code::MISSING, "`file` is required");
        }
        let fields: ImportFields = fields.read().map_err(Problem::fields)?;
        let file = form.file.unwrap_or_default();
        let mut digest = Sha256::digest(&file).to_vec();
        digest.extend(format!("{};", fields.account_id).into_bytes());
        digest.extend(fields.device_json.as_deref().unwrap_or_default().as_bytes());
        let origin = Origin::of(&request, caller.state(), &caller, &digest)?;
        let first = file.trim_ascii_start().first().copied();
        let content = content(&caller, file, first).await?;
        Ok(Self {
            caller,
            origin,
            fields,
            content,
            is_json: first == Some(b'['),
        })
    }
}

async fn content(caller: &Caller<may::Import>, file: Bytes, first: Option<u8>) -> Answer<Content> {
    let state = caller.state().clone();
    let read = block(move || match first {
        Some(b'{') => accept(&state.exchange, &file)
            .map(|opened| Content::Signed(Box::new(opened)))
            .map_err(untrusted),
        Some(b'[') => read_json(&file).map(Content::Rows).map_err(unreadable),
        _ => read_csv(&file).map(Content::Rows).map_err(unreadable),
    });
    read.await
        .map_err(|error| Problem::internal(&error))?
        .map_err(|problem: Problem| problem.at(format!("/{FILE}")))
}

pub(super) fn untrusted(error: FileError) -> Problem {
    let code = match &error {
        FileError::Malformed(_) => EdgeCode::MalformedBody,
        FileError::Untrusted(Untrusted::Unknown { .. }) => EdgeCode::FileNotTrusted,
        FileError::Untrusted(Untrusted::Altered { .. }) | FileError::Inconsistent(_) => {
            EdgeCode::FileAltered
        }
        FileError::Elsewhere { .. } => EdgeCode::FileElsewhere,
    };
    Problem::new(code, error.to_string())
}

fn unreadable(error: TableError) -> Problem {
    let detail = error.to_string();
    match error {
        TableError::NoRows => Problem::new(Code::ListEmpty, detail),
        TableError::TooManyRows => Problem::new(Code::ListTooLong, detail),
        TableError::MissingColumns(_)
        | TableError::RepeatedColumn(_)
        | TableError::Malformed(..) => Problem::new(EdgeCode::MalformedBody, detail),
    }
}

/// Import bundles of another registry.
///
/// A file that a registry this one trusts has signed as an export to it, by a member of the account that
/// receives or the issuing body; or rows of one device, as CSV or as a JSON list, by the issuing body, which
/// answers for them. All bad rows are reported at once and then nothing is imported. Certificates keep their
/// numbers, under a device that stands for the other registry's. Each enters once, and again only by a signed export
/// after it left with a confirmed one; so does what was issued here.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "import_certificates",
    request_body(content((ImportUpload = "multipart/form-data"))),
    responses(
        (status = 201, description = "What was imported.", body = BundlesImported),
        (status = 403, description = "capability_required, account_access_denied"),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "imported_before, export_refused, export_id_reused, import_elsewhere, \
            imported_by_rows"),
        (status = 422, description = "request_invalid, malformed_body, list_empty, list_too_long, \
            account_closed, value_out_of_range, device_not_certified, import_refused, import_from_here, \
            file_not_trusted, file_altered, file_elsewhere"),
    ),
)]
#[post("/certificate/import")]
pub async fn import_certificates(import: Import) -> Answer<HttpResponse> {
    let caller = &import.caller;
    let account_id = match caller.may(Capability::Issue) {
        true => caller.may_view(import.fields.account_id).await?,
        false => caller.member_of(import.fields.account_id).await?,
    };
    let device = import.fields.device_json.as_deref();
    let command = command(caller, import.content, account_id, device)?;
    let command = Command::ImportBundles(Box::new(command));
    let decided = import.origin.execute(caller.state(), command).await;
    let receipt = decided.map_err(|problem| match import.is_json {
        true => problem.naming(|error| point(error, "")),
        false => problem,
    })?;
    Ok(HttpResponse::Created().json(imported(caller, receipt)?))
}

fn command(
    caller: &Caller<may::Import>,
    content: Content,
    account_id: AccountId,
    device_json: Option<&str>,
) -> Answer<ImportBundles> {
    let here = caller.state().exchange.registry();
    match content {
        Content::Signed(opened) => opened
            .command(account_id, here)
            .map_err(|error| untrusted(error).at(format!("/{FILE}"))),
        Content::Rows(_) if !caller.may(Capability::Issue) => Err(Problem::new(
            EdgeCode::CapabilityRequired,
            "rows that no registry has signed are imported by the issuing body (ADMIN) only",
        )),
        Content::Rows(rows) => {
            let device = device(device_json)?;
            Ok(rows.command(account_id, here, device))
        }
    }
}

fn device(json: Option<&str>) -> Answer<DeviceAttributes> {
    let Some(json) = json else {
        let mut fields = Fields::from_pairs([], Source::Body);
        fields.refuse(DEVICE, code::MISSING, "`device_json` is required");
        return Err(Problem::fields(
            fields.read::<()>().err().unwrap_or_default(),
        ));
    };
    let read = Fields::from_json(json.as_bytes())
        .map_err(|error| Problem::from(error).at(format!("/{DEVICE}")))?
        .read::<ImportDeviceJson>();
    let device = read.map_err(|errors| {
        Problem::fields(errors).naming(|error| {
            if let Some(pointer) = error.pointer.take() {
                error.pointer = Some(format!("/{DEVICE}{pointer}"));
            }
        })
    })?;
    Ok(DeviceAttributes {
        gps_location: GpsLocation::from_text(&device.location),
        device_name: device.device_name,
        local_device_identifier: device.local_device_identifier,
        device_unique_id: None,
        grid: device.grid,
        energy_source: device.energy_source,
        technology_type: device.technology_type,
        device_type: DeviceType::Production,
        operational_date: device.operational_date,
        capacity_w: device.power,
        peak_demand_w: Watts(0),
        location: device.location,
        is_storage: device.is_storage,
    })
}

fn imported(caller: &Caller<may::Import>, decided: Receipt) -> Answer<BundlesImported> {
    let recorded_at = decided.recorded_at;
    let event = decided
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::BundlesImported(imported)) => Some(imported),
            _ => None,
        });
    let event = event.ok_or_else(|| Problem::internal(&"an import left no event"))?;
    let receipt = receipt(&caller.state().exchange, &event, recorded_at);
    Ok(BundlesImported {
        message: MESSAGE.to_owned(),
        number_of_imported_certificate_bundles: event.count(),
        total_imported_energy: event.total(),
        import_id: event.import_id,
        first_bundle_id: event.first_bundle_id,
        receipt: receipt.map_err(|cause| Problem::internal(&cause))?,
    })
}

/// Get the receipt for an import.
///
/// With it the registry that exported confirms. The same as in the answer to the import. Visible to members
/// of the account that received, and to the issuing body.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "get_import_receipt",
    params(ReceiptQuery),
    responses(
        (status = 200, description = "The signed receipt.", body = Signed),
        (status = 404, description = "import_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/import/receipt")]
pub async fn get_import_receipt(
    read: Read,
    Query(query): Query<ReceiptQuery>,
) -> Answer<HttpResponse> {
    let client = read.client().await?;
    let keys = &read.state().exchange;
    let (registry, export_id) = (&query.exporting_registry, query.export_id);
    let found = exchange::receipt(&client, keys.registry(), registry, export_id).await?;
    let visible = found.filter(|(account_id, _)| read.sees(*account_id));
    let (_, receipt) = visible.ok_or_else(|| {
        Problem::new(
            EdgeCode::ImportNotFound,
            format!("No import of export {export_id} of registry {registry:?} found"),
        )
    })?;
    let signed = sealed(keys, &receipt).map_err(|cause| Problem::internal(&cause))?;
    Ok(HttpResponse::Ok().json(signed))
}
