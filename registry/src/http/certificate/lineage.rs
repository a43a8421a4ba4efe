//! Where a bundle comes from and what became of it.

use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Id, Query, Read};
use crate::lineage;
use crate::lineage::evidence::{Evidence, EvidenceError};
use crate::lineage::log::LogError;
use crate::read::lineage::{History, LineageError, of};
use actix_web::{HttpResponse, get};
use ledger::refusal::Code;
use schemas::api::certificate::{Lineage, LineageFormat, LineageQuery};
use schemas::id::{AccountId, BundleId};

/// Get the lineage of a bundle.
///
/// The readings and the issuance it comes from, with the signed envelope of a gateway that they came in, every
/// split on the way from there and of itself, every action on it, on what it was split from and on its parts, and what it is now; told in order, or as the
/// events of the ledger. Visible to whom the bundle is. Who holds it may see which accounts held it before
/// and when, but not who acted for them, for whom and why. The envelope itself and the key that signed it are
/// in the raw form, for whom the account of the issuance is visible. A part that went elsewhere is shown with range
/// and hash. Every hash can be computed from the answer: `registry verify-bundle` does so with a saved one.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "get_certificate_lineage",
    params(("id" = i64, Path, description = "The bundle."), LineageQuery),
    responses(
        (status = 200, description = "The lineage.", body = Lineage),
        (status = 404, description = "bundle_not_found"),
        (status = 422, description = "request_invalid, lineage_too_long"),
    ),
)]
#[get("/certificate/{id}/lineage")]
pub async fn get_lineage(
    read: Read,
    Id(id): Id<BundleId>,
    Query(query): Query<LineageQuery>,
) -> Answer<HttpResponse> {
    let id = read.bundle(id).await?.id;
    let history = history(&read, id).await?;
    let sees = |account_id: AccountId| read.sees(account_id);
    let log = read.state().ledger();
    let evidence = match history.envelope {
        Some(at) => Some(Evidence::of(at, log, &read.client().await?).await?),
        None => None,
    };
    let lineage = match query.format {
        LineageFormat::Timeline => lineage::timeline(&history, evidence.as_ref(), &sees),
        LineageFormat::Raw => lineage::events(&history, evidence.as_ref(), log, &sees).await?,
    };
    Ok(HttpResponse::Ok().json(lineage))
}

async fn history(read: &Read, id: BundleId) -> Answer<History> {
    let mut client = read.client().await?;
    let found = of(&mut client, id).await?;
    found.ok_or_else(|| Problem::not_found(Code::BundleNotFound, "GranularCertificateBundle", id))
}

impl From<LineageError> for Problem {
    fn from(error: LineageError) -> Self {
        match error {
            LineageError::Read(error) => error.into(),
            LineageError::TooLong(_) => Self::new(EdgeCode::LineageTooLong, error.to_string()),
            LineageError::IssuanceUnknown => {
                tracing::error!(%error, "a lineage can not be told");
                Self::new(EdgeCode::Unavailable, error.to_string())
            }
        }
    }
}

impl From<EvidenceError> for Problem {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::Log(error) => error.into(),
            EvidenceError::Read(error) => error.into(),
            EvidenceError::KeyUnknown(_) => {
                tracing::error!(%error, "a lineage can not be told");
                Self::new(EdgeCode::Unavailable, error.to_string())
            }
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Store(_) | LogError::Missing(_) => {
                tracing::warn!(%error, "the event store can not be read");
                Self::new(
                    EdgeCode::Unavailable,
                    "the registry can not read its ledger at the moment",
                )
            }
            LogError::Event(_) | LogError::Json(..) | LogError::Other(..) => Self::internal(&error),
        }
    }
}
