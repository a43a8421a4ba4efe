//! Rows in the binary format of COPY: Postgres documentation, SQL commands, COPY, "Binary Format".

use crate::Error;
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, NaiveDate, Utc};
use deadpool_postgres::ClientWrapper;
use futures_util::SinkExt;
use rust_decimal::Decimal;
use std::pin::pin;
use tokio_postgres::types::{IsNull, ToSql, Type};
use uuid::Uuid;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Flags and length of the header extension, both zero.
const HEADER: [u8; 8] = [0; 8];
const END: i16 = -1;

/// Postgres counts time from 2000-01-01, in microseconds: this is that instant in Unix time.
const EPOCH_US: i64 = 946_684_800_000_000;
/// The same in days.
const EPOCH_DAYS: i32 = 10_957;

/// Bytes handed to the connection at once: it sends while the next ones are encoded.
const BLOCK: usize = 64 << 10;

/// Rows encoded so far.
pub(crate) struct Rows {
    bytes: BytesMut,
    columns: i16,
}

impl Rows {
    /// No rows yet, of `columns` columns each.
    pub(crate) fn of(columns: i16) -> Self {
        let mut bytes = BytesMut::with_capacity(BLOCK);
        bytes.put_slice(SIGNATURE);
        bytes.put_slice(&HEADER);
        Self { bytes, columns }
    }

    /// Begins a row; its columns follow in order, each one call.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.bytes.put_i16(self.columns);
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.bytes.put_i32(-1);
        self
    }

    pub(crate) fn raw(&mut self, value: &[u8]) -> &mut Self {
        // A field of 2 GiB can not come from an event of at most 16 MiB.
        self.bytes
            .put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
        self.bytes.put_slice(value);
        self
    }

    pub(crate) fn bigint(&mut self, value: i64) -> &mut Self {
        self.bytes.put_i32(8);
        self.bytes.put_i64(value);
        self
    }

    pub(crate) fn integer(&mut self, value: i32) -> &mut Self {
        self.bytes.put_i32(4);
        self.bytes.put_i32(value);
        self
    }

    pub(crate) fn smallint(&mut self, value: i16) -> &mut Self {
        self.bytes.put_i32(2);
        self.bytes.put_i16(value);
        self
    }

    pub(crate) fn boolean(&mut self, value: bool) -> &mut Self {
        self.raw(&[u8::from(value)])
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.raw(value.as_bytes())
    }

    pub(crate) fn uuid(&mut self, value: Uuid) -> &mut Self {
        self.raw(value.as_bytes())
    }

    pub(crate) fn timestamptz(&mut self, value: DateTime<Utc>) -> &mut Self {
        self.bigint(value.timestamp_micros() - EPOCH_US)
    }

    pub(crate) fn jsonb(&mut self, json: &[u8]) -> &mut Self {
        const VERSION: u8 = 1;
        self.bytes
            .put_i32(i32::try_from(json.len() + 1).unwrap_or(i32::MAX));
        self.bytes.put_u8(VERSION);
        self.bytes.put_slice(json);
        self
    }

    /// A list of `bigint`, one dimension from 1 on.
    pub(crate) fn bigints(&mut self, values: &[i64]) -> &mut Self {
        self.encoded(&values, &Type::INT8_ARRAY)
    }

    pub(crate) fn numeric(&mut self, value: Decimal) -> &mut Self {
        self.encoded(&value, &Type::NUMERIC)
    }

    fn encoded(&mut self, value: &impl ToSql, kind: &Type) -> &mut Self {
        let at = self.bytes.len();
        self.bytes.put_i32(0);
        match value.to_sql(kind, &mut self.bytes) {
            Ok(IsNull::No) => {
                let length = self.bytes.len() - at - 4;
                let length = i32::try_from(length).unwrap_or(i32::MAX);
                self.bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
            Ok(IsNull::Yes) | Err(_) => {
                self.bytes.truncate(at);
                self.null();
            }
        }
        self
    }

    /// The column, or NULL.
    pub(crate) fn option<T>(
        &mut self,
        value: Option<T>,
        put: impl FnOnce(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        match value {
            Some(value) => put(self, value),
            None => self.null(),
        }
    }

    fn full_block(&mut self) -> Option<Bytes> {
        (self.bytes.len() >= BLOCK).then(|| self.bytes.split().freeze())
    }
}

/// Days since 2000-01-01 of a date, as Postgres sends it.
pub(crate) fn date(days_since_1970: i32) -> NaiveDate {
    let days = i64::from(days_since_1970 - EPOCH_DAYS);
    NaiveDate::from_ymd_opt(2000, 1, 1)
        .and_then(|epoch| epoch.checked_add_signed(chrono::TimeDelta::days(days)))
        .unwrap_or(NaiveDate::MAX)
}

/// Copies one row per item into the table and columns of `statement` (`COPY t (…) FROM STDIN BINARY`).
pub(crate) async fn copy<T>(
    client: &ClientWrapper,
    statement: &str,
    columns: i16,
    items: impl IntoIterator<Item = T>,
    put: impl Fn(&mut Rows, T),
) -> Result<u64, Error> {
    let mut items = items.into_iter().peekable();
    if items.peek().is_none() {
        return Ok(0);
    }
    let statement = client.prepare_cached(statement).await?;
    let mut sink = pin!(client.copy_in::<_, Bytes>(&statement).await?);
    let mut rows = Rows::of(columns);
    for item in items {
        put(rows.row(), item);
        if let Some(block) = rows.full_block() {
            sink.send(block).await?;
        }
    }
    rows.bytes.put_i16(END);
    sink.send(rows.bytes.split().freeze()).await?;
    Ok(sink.finish().await?)
}
