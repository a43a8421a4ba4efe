//! Submissions of readings, as a file in a form or as JSON.

use crate::http::extract::{Caller, Origin, collect, may, read_json};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::readings::{CsvError, Rows, read_csv, read_texts};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::web::block;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::api::field::{Fields, Source};
use schemas::api::measurement::{SubmitReadings, UploadFields};
use schemas::api::problem::code;
use schemas::id::DeviceId;
use sha2::{Digest, Sha256};

/// Most bytes of a submission: 50,000 rows with room for columns that are ignored.
pub const UPLOAD_LIMIT: usize = 16 << 20;
/// Bytes a form may have beside its file.
const FORM_LIMIT: usize = 64 << 10;
/// Name of the part that holds the file.
pub(in crate::http) const FILE: &str = "file";

/// Readings somebody wants to submit.
pub struct Upload {
    /// Who submits.
    pub caller: Caller<may::SubmitReadings>,
    /// Where the command comes from.
    pub origin: Origin,
    /// The metered device.
    pub device_id: Named<DeviceId>,
    /// Whether to accept the good rows of a submission that has bad ones.
    pub partial: bool,
    /// Whether to issue at once.
    pub issue: bool,
    /// The rows.
    pub rows: Rows,
    /// Whether they came as JSON, whose errors are named by pointer.
    pub is_json: bool,
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let caller = Caller::of(&request).await?;
            match request.content_type() {
                "multipart/form-data" => of_form(&request, payload, caller).await,
                _ => of_json(&request, payload, caller).await,
            }
        })
    }
}

async fn of_json(
    request: &HttpRequest,
    payload: Payload,
    caller: Caller<may::SubmitReadings>,
) -> Answer<Upload> {
    if request.content_type() != "application/json" {
        return Err(Problem::new(
            EdgeCode::UnsupportedMediaType,
            "the body must be multipart/form-data or application/json; say so in the header Content-Type",
        ));
    }
    let body = collect(request, payload, UPLOAD_LIMIT).await?;
    let origin = Origin::of(request, caller.state(), &caller, &body)?;
    let read: SubmitReadings = read_json(request, &body)?;
    Ok(Upload {
        device_id: read.device_id,
        partial: read.partial,
        issue: read.issue,
        rows: read_texts(&read.readings),
        is_json: true,
        caller,
        origin,
    })
}

async fn of_form(
    request: &HttpRequest,
    payload: Payload,
    caller: Caller<may::SubmitReadings>,
) -> Answer<Upload> {
    let form = read_form(Multipart::new(request.headers(), payload)).await?;
    let mut fields = Fields::from_pairs(form.texts, Source::Body);
    if form.file.is_none() {
        fields.refuse(FILE, code::MISSING, "`file` is required");
    }
    let UploadFields {
        device_id,
        partial,
        issue,
    } = fields.read().map_err(Problem::fields)?;
    let file = form.file.unwrap_or_default();
    // The boundary differs from one attempt to the next; what it separates does not.
    let mut digest = Sha256::digest(&file).to_vec();
    digest.extend(format!("{device_id};").into_bytes());
    digest.push(partial.into());
    digest.push(issue.into());
    let origin = Origin::of(request, caller.state(), &caller, &digest)?;
    let rows = block(move || read_csv(&file))
        .await
        .map_err(|error| Problem::internal(&error))?
        .map_err(unreadable_file)?;
    Ok(Upload {
        device_id,
        partial,
        issue,
        rows,
        is_json: false,
        caller,
        origin,
    })
}

fn unreadable_file(error: CsvError) -> Problem {
    let detail = error.to_string();
    let problem = match error {
        CsvError::Empty | CsvError::NoRows => Problem::new(Code::ListEmpty, detail),
        CsvError::TooManyRows => Problem::new(Code::ListTooLong, detail),
        CsvError::HeaderNotText
        | CsvError::MissingColumns(_)
        | CsvError::RepeatedColumn(_)
        | CsvError::Malformed(_) => Problem::new(EdgeCode::MalformedBody, detail),
    };
    problem.at(format!("/{FILE}"))
}

/// A form with its file.
pub(in crate::http) struct Form {
    /// The part of that name.
    pub file: Option<Bytes>,
    /// The other parts.
    pub texts: Vec<(String, String)>,
}

/// Reads a form with a file of at most [`UPLOAD_LIMIT`].
pub(in crate::http) async fn read_form(mut parts: Multipart) -> Answer<Form> {
    let mut form = Form {
        file: None,
        texts: Vec::new(),
    };
    let mut left = UPLOAD_LIMIT + FORM_LIMIT;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(malformed)?;
        let name = part.name().unwrap_or_default().to_owned();
        let limit = if name == FILE {
            UPLOAD_LIMIT
        } else {
            FORM_LIMIT
        };
        let content = read_part(&mut part, limit.min(left)).await?;
        left -= content.len();
        if name == FILE {
            form.file = Some(content);
        } else if let Ok(text) = String::from_utf8(content.into()) {
            form.texts.push((name, text));
        }
    }
    Ok(form)
}

async fn read_part(part: &mut Field, limit: usize) -> Answer<Bytes> {
    let mut content = BytesMut::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(malformed)?;
        if content.len() + chunk.len() > limit {
            return Err(Problem::new(
                EdgeCode::BodyTooLarge,
                format!("the file may have at most {UPLOAD_LIMIT} bytes"),
            ));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
}

fn malformed(error: MultipartError) -> Problem {
    Problem::new(
        EdgeCode::MalformedBody,
        format!("the form can not be read: {error}"),
    )
}
