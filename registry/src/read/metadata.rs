//! Issuance metadata.

use super::cursor::{Page, decode};
use super::{ReadError, rows};
use deadpool_postgres::Client;
use schemas::api::certificate::Metadata;
use schemas::id::MetadataId;
use tokio_postgres::Row;

const LIST: &str = "issuance_metadata";

/// The key in a cursor of the list.
#[must_use]
pub fn key(cursor: &str) -> Option<i64> {
    decode(LIST, cursor)
}

const PAGE: &str = "
    SELECT metadata_id, created_at, country_of_issuance, connected_grid_identification, issuing_body,
           issue_market_zone, legal_status, issuance_purpose, support_received, quality_scheme_reference,
           dissemination_level, registry_configuration
    FROM issuance_metadata WHERE metadata_id < $1 ORDER BY metadata_id DESC LIMIT $2";

/// A page of all issuance metadata, newest first.
pub async fn page(
    client: &Client,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<Metadata>, ReadError> {
    let before = before.unwrap_or(i64::MAX);
    let found = rows(client, PAGE, &[&before, &(limit + 1)]).await?;
    let metadata = found.iter().map(metadata).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(metadata, limit, LIST, |last| last.id.0))
}

fn metadata(row: &Row) -> Result<Metadata, ReadError> {
    Ok(Metadata {
        id: MetadataId(row.try_get(0)?),
        created_at: row.try_get(1)?,
        country_of_issuance: row.try_get(2)?,
        connected_grid_identification: row.try_get(3)?,
        issuing_body: row.try_get(4)?,
        issue_market_zone: row.try_get(5)?,
        legal_status: row.try_get(6)?,
        issuance_purpose: row.try_get(7)?,
        support_received: row.try_get(8)?,
        quality_scheme_reference: row.try_get(9)?,
        dissemination_level: row.try_get(10)?,
        registry_configuration: row.try_get(11)?,
    })
}
