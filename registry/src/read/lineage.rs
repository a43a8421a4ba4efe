//! The history of a bundle: the bundles it was split from, its parts, and what was done to each.

use super::action::{COLUMNS as ACTION_COLUMNS, COUNT as ACTION_COUNT, summary};
use super::bundle::{COLUMNS, ORIGIN, bundle, origin};
use super::{ReadError, in_time};
use deadpool_postgres::{Client, Transaction};
use schemas::WattHours;
use schemas::api::certificate::{ActionSummary, Bundle, BundleOrigin, LineageReading};
use schemas::event::issuance::IssuanceMetadata;
use schemas::id::{AccountId, BundleId, DeviceId, MeasurementId, MeterId};
use schemas::log::Position;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};
use uuid::Uuid;

/// Most bundles of a lineage, and most actions on them: what twelve generations of halves come to.
pub const MAX_BUNDLES: usize = 8_191;

/// An action and one bundle that it lists.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The bundle.
    pub bundle_id: BundleId,
    /// The action.
    pub action: ActionSummary,
    /// The command it follows from.
    pub command_id: Uuid,
    /// Who caused it.
    pub actor: String,
    /// Position of its event.
    pub position: Position,
}

/// What the bundle as issued has from its issuance.
#[derive(Debug, Clone)]
pub struct Issuance {
    /// The account that received it.
    pub account_id: AccountId,
    /// Position of the event.
    pub position: Position,
    /// Name of the device now.
    pub device_name: String,
    /// Its identifier in a public register.
    pub device_unique_id: Option<String>,
    /// The issuance metadata.
    pub metadata: IssuanceMetadata,
    /// Where it was imported from.
    pub origin: Option<BundleOrigin>,
}

/// Where a gateway's envelope stands in the ledger.
#[derive(Debug, Clone, Copy)]
pub struct EnvelopeAt {
    /// The reading that came in it.
    pub measurement_id: MeasurementId,
    /// The device it is of.
    pub device_id: DeviceId,
    /// Position of its event.
    pub position: Position,
    /// That of the device's envelope before.
    pub previous: Option<Position>,
}

/// All of it, as of one position.
#[derive(Debug, Clone)]
pub struct History {
    /// The bundle asked for.
    pub asked: BundleId,
    /// Position of the ledger.
    pub position: Position,
    /// The bundle asked for, those it was split from with both parts of each, and its own parts, by id.
    pub bundles: Vec<Bundle>,
    /// The issuance of the first.
    pub issuance: Issuance,
    /// The meter that counted the energy, where it is not the device's own.
    pub meter_id: Option<MeterId>,
    /// Readings of that production interval, as they stood when the first was issued.
    pub readings: Vec<LineageReading>,
    /// The envelope that the reading came in, unless it was moved since; a device has one reading at a time.
    pub envelope: Option<EnvelopeAt>,
    /// Actions that list the bundle asked for, one it was split from, or one of its parts; in order.
    pub actions: Vec<Listed>,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// The database does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is longer than an answer may be.
    #[error("the lineage has more than {MAX_BUNDLES} {0}")]
    TooLong(&'static str),
    /// The database was filled before issuances were kept.
    #[error("the READ database does not know the issuance; it has to be rebuilt")]
    IssuanceUnknown,
}

impl From<tokio_postgres::Error> for LineageError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Read(error.into())
    }
}

impl History {
    /// The bundle as issued.
    #[must_use]
    pub fn root(&self) -> &Bundle {
        // Parts have higher ids than what they were split from.
        &self.bundles[0]
    }

    /// A bundle of the lineage.
    #[must_use]
    pub fn bundle(&self, id: BundleId) -> Option<&Bundle> {
        let at = self.bundles.binary_search_by_key(&id, |bundle| bundle.id);
        at.ok().map(|at| &self.bundles[at])
    }

    /// The bundle asked for and all its parts, by id.
    #[must_use]
    pub fn parts(&self) -> Vec<BundleId> {
        parts(&self.bundles, self.asked)
    }

    /// The same and all it was split from.
    #[must_use]
    pub fn followed(&self) -> Vec<BundleId> {
        followed(&self.bundles, self.asked)
    }
}

fn parts(bundles: &[Bundle], asked: BundleId) -> Vec<BundleId> {
    let mut found = HashSet::from([asked]);
    let mut parts = vec![asked];
    for bundle in bundles {
        if bundle
            .parent_id
            .is_some_and(|parent| found.contains(&parent))
        {
            found.insert(bundle.id);
            parts.push(bundle.id);
        }
    }
    parts
}

fn followed(bundles: &[Bundle], asked: BundleId) -> Vec<BundleId> {
    let parents: HashMap<BundleId, Option<BundleId>> = bundles
        .iter()
        .map(|bundle| (bundle.id, bundle.parent_id))
        .collect();
    let mut followed = parts(bundles, asked);
    let mut at = asked;
    while let Some(Some(parent)) = parents.get(&at) {
        followed.push(*parent);
        at = *parent;
    }
    followed
}

/// Each step by its key, never by a scan, whatever the planner knew when the plan was made.
const TREE: &str = "
    WITH RECURSIVE path AS (
        SELECT bundle_id, parent_id, 1::bigint AS depth FROM bundle WHERE bundle_id = $1
        UNION ALL
        SELECT up.bundle_id, up.parent_id, path.depth + 1 FROM path CROSS JOIN LATERAL (
            SELECT p.bundle_id, p.parent_id FROM bundle p WHERE p.bundle_id = path.parent_id LIMIT 1
        ) AS up WHERE path.depth < $2
    ), below AS (
        SELECT $1::bigint AS bundle_id
        UNION ALL
        SELECT part.bundle_id FROM below CROSS JOIN LATERAL (
            SELECT c.bundle_id FROM bundle c
            WHERE c.parent_id = below.bundle_id AND c.parent_id IS NOT NULL LIMIT 2
        ) AS part
    ), tree AS (
        SELECT bundle_id FROM path
        UNION
        SELECT half.bundle_id FROM path CROSS JOIN LATERAL (
            SELECT c.bundle_id FROM bundle c
            WHERE c.parent_id = path.parent_id AND c.parent_id IS NOT NULL LIMIT 2
        ) AS half
        UNION
        (SELECT bundle_id FROM below LIMIT $2)
    )";

/// `{ORIGIN}` stands for [`ORIGIN`].
const ISSUANCE: &str = "
    SELECT i.account_id, i.position, d.device_name, d.device_unique_id, m.country_of_issuance,
        m.connected_grid_identification, m.issuing_body, m.issue_market_zone, m.legal_status,
        m.issuance_purpose, m.support_received, m.quality_scheme_reference, m.dissemination_level,
        m.registry_configuration, o.*
    FROM (SELECT * FROM issuance WHERE first_bundle_id <= $1 ORDER BY first_bundle_id DESC LIMIT 1) AS i
    JOIN device d USING (device_id)
    JOIN issuance_metadata m ON m.metadata_id = $2
    JOIN bundle b ON b.bundle_id = $1
    LEFT JOIN LATERAL ({ORIGIN}) o ON true
    WHERE i.last_bundle_id >= $1";

const METER: &str = "SELECT meter_id FROM bundle WHERE bundle_id = $1";

/// As of position $5: what was corrected later is as it was before. An envelope is recorded after its
/// readings, and one that a reading has been moved since says nothing of where it is.
const READINGS: &str = "
    SELECT COALESCE(before.corrected_at, m.created_at), m.measurement_id,
        COALESCE(after.previous_wh, m.wh), m.gross_net_indicator,
        GREATEST(before.position, COALESCE(m.stands_since, m.position)) AS stands,
        e.device_id, e.position, p.position
    FROM measurement m
    LEFT JOIN gateway_envelope e
        ON e.device_id = m.envelope_device_id AND e.sequence = m.envelope_sequence
        AND e.position > COALESCE(m.stands_since, m.position)
    LEFT JOIN gateway_envelope p ON p.device_id = e.device_id AND p.sequence = e.sequence - 1
    LEFT JOIN LATERAL (
        SELECT position, corrected_at FROM correction c
        WHERE c.measurement_id = m.measurement_id AND c.position < $5
        ORDER BY c.position DESC LIMIT 1
    ) AS before ON true
    LEFT JOIN LATERAL (
        SELECT previous_wh FROM correction c
        WHERE c.measurement_id = m.measurement_id AND c.position > $5
        ORDER BY c.position LIMIT 1
    ) AS after ON true
    WHERE m.device_id = $1 AND m.interval_start = $2 AND m.interval_end = $3
      AND m.meter_id IS NOT DISTINCT FROM $4 AND NOT m.is_deleted
    ORDER BY stands, m.measurement_id";

/// A snapshot, in tables of one schema: a rebuild takes this lock too before it swaps them.
const LOCK: &str = "LOCK TABLE checkpoint IN ACCESS SHARE MODE";

async fn rows(
    snapshot: &Transaction<'_>,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, ReadError> {
    in_time(async {
        let prepared = snapshot.prepare_cached(statement).await?;
        snapshot.query(&prepared, parameters).await
    })
    .await
}

/// The history of a bundle; `None` if there is no such bundle.
///
/// # Errors
/// [`LineageError`].
pub async fn of(client: &mut Client, asked: BundleId) -> Result<Option<History>, LineageError> {
    let snapshot = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    snapshot.batch_execute(LOCK).await?;
    let at = "SELECT position FROM checkpoint WHERE stream = 'ledger'";
    let at = rows(&snapshot, at, &[]).await?;
    let position = Position(at.first().map_or(Ok(0), |row| row.try_get(0))?);
    let bundles = bundles(&snapshot, asked).await?;
    let Some(root) = bundles.first() else {
        return Ok(None);
    };
    let issuance = issuance(&snapshot, root).await?;
    let meter_id = meter(&snapshot, root).await?;
    let (readings, envelope) = readings(&snapshot, root, meter_id, issuance.position).await?;
    let actions = actions(&snapshot, &followed(&bundles, asked)).await?;
    snapshot.commit().await?;
    Ok(Some(History {
        asked,
        position,
        bundles,
        issuance,
        meter_id,
        readings,
        envelope,
        actions,
    }))
}

async fn bundles(snapshot: &Transaction<'_>, asked: BundleId) -> Result<Vec<Bundle>, LineageError> {
    let statement = format!(
        "{TREE} SELECT {COLUMNS} FROM (SELECT bundle_id FROM tree LIMIT $2) AS wanted
         CROSS JOIN LATERAL (
             SELECT * FROM bundle one WHERE one.bundle_id = wanted.bundle_id LIMIT 1
         ) AS b ORDER BY b.bundle_id"
    );
    let found = rows(snapshot, &statement, &[&asked.0, &most()]).await?;
    if found.len() > MAX_BUNDLES {
        return Err(LineageError::TooLong("bundles"));
    }
    Ok(found.iter().map(bundle).collect::<Result<_, _>>()?)
}

/// One more than there may be.
fn most() -> i64 {
    i64::try_from(MAX_BUNDLES).map_or(i64::MAX, |most| most + 1)
}

async fn issuance(snapshot: &Transaction<'_>, root: &Bundle) -> Result<Issuance, LineageError> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| ISSUANCE.replace("{ORIGIN}", ORIGIN));
    let found = rows(snapshot, &STATEMENT, &[&root.id.0, &root.metadata_id.0]).await?;
    let row = found.first().ok_or(LineageError::IssuanceUnknown)?;
    let configuration: i16 = row.try_get(13)?;
    Ok(Issuance {
        account_id: AccountId(row.try_get(0)?),
        position: Position(row.try_get(1)?),
        device_name: row.try_get(2)?,
        device_unique_id: row.try_get(3)?,
        metadata: IssuanceMetadata {
            country_of_issuance: row.try_get(4)?,
            connected_grid_identification: row.try_get(5)?,
            issuing_body: row.try_get(6)?,
            issue_market_zone: row.try_get(7)?,
            legal_status: row.try_get(8)?,
            issuance_purpose: row.try_get(9)?,
            support_received: row.try_get(10)?,
            quality_scheme_reference: row.try_get(11)?,
            dissemination_level: row.try_get(12)?,
            registry_configuration: u8::try_from(configuration).map_err(super::defect)?,
        },
        origin: origin(row)?,
    })
}

async fn meter(snapshot: &Transaction<'_>, root: &Bundle) -> Result<Option<MeterId>, LineageError> {
    let found = rows(snapshot, METER, &[&root.id.0]).await?;
    let number = found.first().map(|row| row.try_get::<_, Option<i64>>(0));
    Ok(number.transpose()?.flatten().and_then(MeterId::new))
}

async fn readings(
    snapshot: &Transaction<'_>,
    root: &Bundle,
    meter_id: Option<MeterId>,
    issued: Position,
) -> Result<(Vec<LineageReading>, Option<EnvelopeAt>), LineageError> {
    // What storage released was issued for an allocation.
    if root.is_storage != 0 {
        return Ok((Vec::new(), None));
    }
    let (start, end) = (
        root.production_starting_interval,
        root.production_ending_interval,
    );
    let meter_id = meter_id.map(MeterId::get);
    let parameters: [&(dyn ToSql + Sync); 5] =
        [&root.device_id.0, &start, &end, &meter_id, &issued.0];
    let found = rows(snapshot, READINGS, &parameters).await?;
    let mut readings = Vec::with_capacity(found.len());
    let mut envelope = None;
    for row in &found {
        let measurement_id = MeasurementId(row.try_get(1)?);
        if let Some(device_id) = row.try_get(5)? {
            envelope = Some(EnvelopeAt {
                measurement_id,
                device_id: DeviceId(device_id),
                position: Position(row.try_get(6)?),
                previous: row.try_get::<_, Option<i64>>(7)?.map(Position),
            });
        }
        readings.push(LineageReading {
            at: row.try_get(0)?,
            measurement_id,
            device_id: root.device_id,
            interval_start_datetime: start,
            interval_end_datetime: end,
            interval_usage: WattHours(row.try_get(2)?),
            gross_net_indicator: row.try_get(3)?,
            envelope: None,
            ledger_position: Position(row.try_get(4)?),
        });
    }
    Ok((readings, envelope))
}

async fn actions(
    snapshot: &Transaction<'_>,
    bundle_ids: &[BundleId],
) -> Result<Vec<Listed>, LineageError> {
    let ids: Vec<i64> = bundle_ids.iter().map(|id| id.0).collect();
    let statement = format!(
        "SELECT {ACTION_COLUMNS}, listed_bundle, command_id, actor, position FROM (
             SELECT wanted.bundle_id AS listed_bundle, one.action_id AS listed_by
             FROM unnest($1::bigint[]) AS wanted (bundle_id) CROSS JOIN LATERAL (
                 SELECT action_id FROM action_bundle
                 WHERE action_bundle.bundle_id = wanted.bundle_id ORDER BY action_id LIMIT $2
             ) AS one LIMIT $2
         ) AS listed CROSS JOIN LATERAL (
             SELECT * FROM action WHERE action.action_id = listed.listed_by LIMIT 1
         ) AS a ORDER BY action_id, listed_bundle"
    );
    let found = rows(snapshot, &statement, &[&ids, &most()]).await?;
    if found.len() > MAX_BUNDLES {
        return Err(LineageError::TooLong("actions"));
    }
    let mut actions = Vec::with_capacity(found.len());
    for row in &found {
        actions.push(Listed {
            action: summary(row)?,
            bundle_id: BundleId(row.try_get(ACTION_COUNT)?),
            command_id: row.try_get(ACTION_COUNT + 1)?,
            actor: row.try_get(ACTION_COUNT + 2)?,
            position: Position(row.try_get(ACTION_COUNT + 3)?),
        });
    }
    Ok(actions)
}
