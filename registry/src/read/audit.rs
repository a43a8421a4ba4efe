//! The audit trail.

use super::cursor::{Page, decode};
use super::{ReadError, defect, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::api::audit::{AuditEntry, AuditQuery, Outcome};
use schemas::id::{AccountId, UserId};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

const LIST: &str = "audit";

/// Streams by the number in a row.
const STREAMS: [&str; 3] = ["ledger", "identity", "audit"];

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    at: DateTime<Utc>,
    stream: i16,
    position: i64,
    item: i32,
}

/// Whose entries somebody sees.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Who looks.
    pub by: UserId,
    /// Whether they see all of their own, for whichever account.
    pub sees_own: bool,
    /// The accounts whose entries they see; `None` stands for all there are.
    pub accounts: Option<Vec<AccountId>>,
}

/// The key in a cursor of the list.
#[must_use]
pub fn key(cursor: &str) -> Option<Key> {
    decode(LIST, cursor)
}

/// A page of the entries that match, the newest first.
pub async fn page(
    client: &Client,
    query: &AuditQuery,
    seen: &Seen,
    before: Option<Key>,
    limit: i64,
) -> Result<Page<AuditEntry>, ReadError> {
    let statement = Statement::of(query, seen, before, limit + 1);
    let found = rows(client, &statement.text, &statement.parameters()).await?;
    let entries = found.iter().map(|row| entry(row, seen));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let page = Page::of(entries, limit, LIST, |(key, _)| *key);
    Ok(Page {
        entries: page.entries.into_iter().map(|(_, entry)| entry).collect(),
        next_cursor: page.next_cursor,
    })
}

/// A question with no condition but those that were given: so the index that fits is used.
struct Statement {
    text: String,
    given: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Statement {
    fn of(query: &AuditQuery, seen: &Seen, before: Option<Key>, limit: i64) -> Self {
        let mut statement = Self {
            text: SELECT.to_owned(),
            given: Vec::new(),
        };
        if let Some(accounts) = &seen.accounts {
            let ids: Vec<i64> = accounts.iter().map(|id| id.0).collect();
            let own = seen.sees_own.then_some(seen.by.0);
            let (accounts, user) = (statement.give(ids), statement.give(own));
            statement.and(&format!(
                "(e.account_id = ANY(${accounts}) OR e.user_id = ${user})"
            ));
        }
        if let Some(key) = before {
            let names = [
                statement.give(key.at),
                statement.give(key.stream),
                statement.give(key.position),
                statement.give(key.item),
            ];
            let [at, stream, position, item] = names;
            statement.and(&format!(
                "(e.at, e.stream, e.position, e.item) < (${at}, ${stream}, ${position}, ${item})"
            ));
        }
        statement.filter("e.at >=", query.from);
        statement.filter("e.at <", query.to);
        statement.filter("e.user_id =", query.user_id.map(|id| id.0));
        statement.filter("e.account_id =", query.account_id.map(|id| id.0));
        statement.filter("e.operation =", query.operation.clone());
        statement.filter("e.code =", query.code.clone());
        match query.outcome {
            None => {}
            Some(Outcome::Accepted) => statement.and("e.code IS NULL"),
            Some(Outcome::Refused) => statement.and("e.code IS NOT NULL"),
        }
        let limit = statement.give(limit);
        statement.text.push_str(&format!(
            " ORDER BY e.at DESC, e.stream DESC, e.position DESC, e.item DESC LIMIT ${limit}"
        ));
        statement
    }

    fn filter(&mut self, condition: &str, value: Option<impl ToSql + Sync + Send + 'static>) {
        if let Some(value) = value {
            let name = self.give(value);
            self.and(&format!("{condition} ${name}"));
        }
    }

    fn give(&mut self, value: impl ToSql + Sync + Send + 'static) -> usize {
        self.given.push(Box::new(value));
        self.given.len()
    }

    fn and(&mut self, condition: &str) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let given = self.given.iter();
        given
            .map(|value| value.as_ref() as &(dyn ToSql + Sync))
            .collect()
    }
}

const SELECT: &str = "
    SELECT e.at, e.stream, e.position, e.item, e.last_at, e.attempts, e.principal, e.user_id, e.via,
        -- Old events do not say of whom an address is, so it is not taken away with the others' of who is erased.
        CASE WHEN u.is_erased THEN NULL ELSE coalesce(e.address, c.address) END,
        e.operation, e.account_id, e.code, e.command_id, e.idempotency_key, e.request_id, e.target
    FROM audit_entry e LEFT JOIN audit_client c ON c.command_id = e.command_id
        LEFT JOIN registry_user u ON u.user_id = e.user_id
    WHERE true";

fn entry(row: &Row, seen: &Seen) -> Result<(Key, AuditEntry), ReadError> {
    let key = Key {
        at: row.try_get(0)?,
        stream: row.try_get(1)?,
        position: row.try_get(2)?,
        item: row.try_get(3)?,
    };
    let stream = usize::try_from(key.stream).ok();
    let stream = stream.and_then(|number| STREAMS.get(number));
    let user_id = row.try_get::<_, Option<i64>>(7)?.map(UserId);
    // Where others are is no business of those who share an account with them.
    let shows_address = seen.accounts.is_none() || user_id == Some(seen.by);
    let address: Option<String> = row.try_get(9)?;
    let code: Option<String> = row.try_get(12)?;
    let entry = AuditEntry {
        at: key.at,
        last_at: row.try_get(4)?,
        attempts: row.try_get(5)?,
        principal: row.try_get(6)?,
        user_id,
        via: row
            .try_get::<_, Option<String>>(8)?
            .filter(|_| shows_address),
        address: address.filter(|_| shows_address),
        operation: row.try_get(10)?,
        account_id: row.try_get::<_, Option<i64>>(11)?.map(AccountId),
        outcome: match code {
            None => Outcome::Accepted,
            Some(_) => Outcome::Refused,
        },
        code,
        command_id: row.try_get(13)?,
        idempotency_key: row.try_get(14)?,
        request_id: row.try_get(15)?,
        target: row
            .try_get::<_, Option<String>>(16)?
            .filter(|_| shows_address),
        stream: stream.ok_or_else(|| defect(format!("no stream has number {}", key.stream)))?,
        position: key.position,
    };
    Ok((key, entry))
}
