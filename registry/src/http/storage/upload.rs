//! Tables of a storage device, as a file in a form or as JSON.

use crate::http::extract::{Caller, May, Origin, collect, read_json};
use crate::http::measurement::{FILE, UPLOAD_LIMIT, point, read_form};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::storage::{AllocationRows, RecordRows, TableError, Uploaded};
use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::web::block;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::api::field::{Fields, FromFields, Source};
use schemas::api::problem::code;
use schemas::api::storage::{RowTexts, SubmitAllocations, SubmitRecords, UploadFields};
use schemas::id::DeviceId;
use sha2::{Digest, Sha256};

/// The same as JSON.
pub(super) trait Body: FromFields + 'static {
    /// What its rows are read into.
    type Rows: Uploaded;
    /// Name of the list of rows.
    const LIST: &'static str;

    fn device_id(&self) -> Named<DeviceId>;
    fn rows(&self) -> &[RowTexts];
}

impl Body for SubmitRecords {
    type Rows = RecordRows;
    const LIST: &'static str = "/records";

    fn device_id(&self) -> Named<DeviceId> {
        self.device_id
    }

    fn rows(&self) -> &[RowTexts] {
        &self.records
    }
}

impl Body for SubmitAllocations {
    type Rows = AllocationRows;
    const LIST: &'static str = "/allocations";

    fn device_id(&self) -> Named<DeviceId> {
        self.device_id
    }

    fn rows(&self) -> &[RowTexts] {
        &self.allocations
    }
}

/// A table somebody wants to submit.
pub struct Upload<C, B: Body> {
    /// Who submits.
    pub caller: Caller<C>,
    /// Where the command comes from.
    pub origin: Origin,
    /// The storage device.
    pub device_id: Named<DeviceId>,
    /// The rows.
    pub rows: B::Rows,
    /// Whether they came as JSON, whose errors are named by pointer.
    is_json: bool,
}

impl<C: May, B: Body> Upload<C, B> {
    async fn of(request: HttpRequest, payload: Payload) -> Answer<Self> {
        let caller = Caller::of(&request).await?;
        match request.content_type() {
            "multipart/form-data" => Self::of_form(&request, payload, caller).await,
            "application/json" => Self::of_json(&request, payload, caller).await,
            _ => Err(Problem::new(
                EdgeCode::UnsupportedMediaType,
                "the body must be multipart/form-data or application/json; say so in the header Content-Type",
            )),
        }
    }

    async fn of_json(request: &HttpRequest, payload: Payload, caller: Caller<C>) -> Answer<Self> {
        let body = collect(request, payload, UPLOAD_LIMIT).await?;
        let origin = Origin::of(request, caller.state(), &caller, &body)?;
        let read: B = read_json(request, &body)?;
        Ok(Self {
            device_id: read.device_id(),
            rows: B::Rows::of_texts(read.rows()),
            is_json: true,
            caller,
            origin,
        })
    }

    async fn of_form(request: &HttpRequest, payload: Payload, caller: Caller<C>) -> Answer<Self> {
        let form = read_form(Multipart::new(request.headers(), payload)).await?;
        let mut fields = Fields::from_pairs(form.texts, Source::Body);
        if form.file.is_none() {
            fields.refuse(FILE, code::MISSING, "`file` is required");
        }
        let UploadFields { device_id } = fields.read().map_err(Problem::fields)?;
        let file = form.file.unwrap_or_default();
        // The boundary differs from one attempt to the next; what it separates does not.
        let mut digest = Sha256::digest(&file).to_vec();
        digest.extend(format!("{device_id};").into_bytes());
        let origin = Origin::of(request, caller.state(), &caller, &digest)?;
        let rows = block(move || B::Rows::of_csv(&file))
            .await
            .map_err(|error| Problem::internal(&error))?
            .map_err(unreadable_file)?;
        Ok(Self {
            device_id,
            rows,
            is_json: false,
            caller,
            origin,
        })
    }

    /// A refusal with its rows named as the submission has them.
    pub(super) fn naming(&self, problem: Problem) -> Problem {
        if self.is_json {
            problem.naming(|error| point(error, B::LIST))
        } else {
            problem
        }
    }
}

impl<C: May, B: Body> FromRequest for Upload<C, B> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(Self::of(request.clone(), payload.take()))
    }
}

fn unreadable_file(error: TableError) -> Problem {
    let detail = error.to_string();
    let problem = match error {
        TableError::Empty | TableError::NoRows => Problem::new(Code::ListEmpty, detail),
        TableError::TooManyRows => Problem::new(Code::ListTooLong, detail),
        TableError::HeaderNotText
        | TableError::MissingColumns(_)
        | TableError::RepeatedColumn(_)
        | TableError::Malformed(_) => Problem::new(EdgeCode::MalformedBody, detail),
    };
    problem.at(format!("/{FILE}"))
}
