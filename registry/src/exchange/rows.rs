//! Rows of an import, from CSV or JSON.

use super::table::{
    CONFIGURATION, COUNTRY, Cells, DISSEMINATION, EMISSIONS_FACTOR, ENERGY_CARRIER, FACE_VALUE,
    GRID, IS_STORAGE, ISSUING_BODY, LEGAL_STATUS, MARKET_ZONE, POST_CONVERSION, PURPOSE,
    QUALITY_SCHEME, SUPPORT, TableError, csv, json,
};
use crate::readings::row::{Cell, error, instant, shown, text, whole_watt_hours};
use ledger::command::{ImportBundles, ImportDevice, ImportRow};
use ledger::import::{
    EMISSIONS_SOURCE, ENERGY_SOURCE, EXPIRY, HASH, ISSUANCE_ID, ISSUED_AT, ORIGIN_BUNDLE,
    ORIGIN_DEVICE, ORIGIN_REGISTRY, PRODUCTION_END, PRODUCTION_START, QUANTITY, RANGE_END,
    RANGE_START, STATUS,
};
use ledger::refusal::FieldError;
use schemas::api::decimal::ExactNumber;
use schemas::api::problem::code;
use schemas::energy::{EnergyCarrier, UnknownWord};
use schemas::event::device::{DeviceAttributes, DeviceOrigin};
use schemas::event::issuance::{IssuanceMetadata, IssuanceTerms};
use schemas::id::{AccountId, CertificateId};
use std::str::FromStr;

/// What was found in a file of rows, all of one device.
#[derive(Debug, Clone, Default)]
pub struct ImportRows {
    origin: Option<DeviceOrigin>,
    metadata: Vec<IssuanceMetadata>,
    rows: Vec<ImportRow>,
    unreadable: Vec<FieldError>,
}

/// Reads a CSV file.
///
/// # Errors
/// [`TableError`] where there are no rows to look at; bad values are kept with the rows.
pub fn read_csv(file: &[u8]) -> Result<ImportRows, TableError> {
    let mut rows = ImportRows::default();
    csv(file, |number, cells| rows.push(number, cells))?;
    Ok(rows)
}

/// Reads a JSON list.
///
/// # Errors
/// As [`read_csv`].
pub fn read_json(file: &[u8]) -> Result<ImportRows, TableError> {
    let mut rows = ImportRows::default();
    json(file, |number, cells| rows.push(number, cells))?;
    Ok(rows)
}

impl ImportRows {
    /// The command that imports them into an account of the registry called `here`.
    #[must_use]
    pub fn command(
        self,
        account_id: AccountId,
        here: &str,
        attributes: DeviceAttributes,
    ) -> ImportBundles {
        let devices = self
            .origin
            .map(|origin| ImportDevice { origin, attributes });
        ImportBundles {
            account_id,
            here: here.to_owned(),
            export: None,
            devices: devices.into_iter().collect(),
            metadata: self.metadata,
            rows: self.rows,
            unreadable: self.unreadable,
        }
    }

    fn push(&mut self, row: u32, cells: &Cells<'_>) {
        let mut reader = Reader {
            row,
            cells,
            errors: Vec::new(),
        };
        let read = reader.bundle();
        let errors = std::mem::take(&mut reader.errors);
        match read.filter(|_| errors.is_empty()) {
            Some((origin, metadata, mut bundle)) => {
                let known = self.origin.get_or_insert_with(|| origin.clone());
                if *known != origin {
                    let rule = format!(
                        "a file of rows is of one device; the first is {} of registry {}",
                        known.device, known.registry
                    );
                    let refused = error(row, ORIGIN_DEVICE, code::OUT_OF_RANGE, rule);
                    self.unreadable.push(refused);
                    return;
                }
                bundle.metadata = self.metadata_index(metadata);
                self.rows.push(bundle);
            }
            None => self.unreadable.extend(errors),
        }
    }

    fn metadata_index(&mut self, metadata: IssuanceMetadata) -> usize {
        let known = self.metadata.iter().rposition(|known| *known == metadata);
        known.unwrap_or_else(|| {
            self.metadata.push(metadata);
            self.metadata.len() - 1
        })
    }
}

struct Reader<'a> {
    row: u32,
    cells: &'a Cells<'a>,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn keep<T>(&mut self, read: Result<T, FieldError>) -> Option<T> {
        read.map_err(|error| self.errors.push(error)).ok()
    }

    fn text(&mut self, column: &'static str) -> Option<String> {
        let read = text(self.row, column, self.cells.get(column));
        self.keep(read).map(str::to_owned)
    }

    fn optional(&mut self, column: &'static str) -> Option<String> {
        match self.cells.get(column) {
            Cell::Absent => None,
            _ => self.text(column),
        }
    }

    fn instant(&mut self, column: &'static str) -> Option<chrono::DateTime<chrono::Utc>> {
        let read = instant(self.row, column, self.cells.get(column));
        self.keep(read)
    }

    fn whole(&mut self, column: &'static str) -> Option<i64> {
        let read = whole_watt_hours(self.row, column, self.cells.get(column));
        self.keep(read).map(|wh| wh.0)
    }

    /// What a text stands for, in any case; the default where there is none.
    fn parsed<T>(
        &mut self,
        column: &'static str,
        default: Option<T>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        if matches!(self.cells.get(column), Cell::Absent) && default.is_some() {
            return default;
        }
        let text = self.text(column)?;
        let read = parse(&text).map_err(|rule| {
            error(
                self.row,
                column,
                code::UNKNOWN_VALUE,
                format!("{column}: {} {rule}", shown(&text)),
            )
        });
        self.keep(read)
    }

    fn word<T: FromStr<Err = UnknownWord>>(
        &mut self,
        column: &'static str,
        default: Option<T>,
    ) -> Option<T> {
        self.parsed(column, default, |text| {
            text.parse()
                .map_err(|unknown: UnknownWord| unknown.to_string())
        })
    }

    fn flag(&mut self, column: &'static str) -> Option<bool> {
        self.parsed(column, Some(false), |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err("must be true or false".to_owned()),
            }
        })
    }

    /// Every value is read before giving up, so that all errors are reported.
    fn bundle(&mut self) -> Option<(DeviceOrigin, IssuanceMetadata, ImportRow)> {
        let registry = self.text(ORIGIN_REGISTRY);
        let device = self.text(ORIGIN_DEVICE);
        let bundle_id = self.text(ORIGIN_BUNDLE);
        let issuance_id = self.optional(ISSUANCE_ID);
        let hash = self.optional(HASH);
        let status = self.word(STATUS, None);
        let (start, end) = (self.whole(RANGE_START), self.whole(RANGE_END));
        let quantity = self.whole(QUANTITY);
        let production_start = self.instant(PRODUCTION_START);
        let production_end = self.instant(PRODUCTION_END);
        let issued_at = self.instant(ISSUED_AT);
        self.parsed(FACE_VALUE, Some(()), |text| {
            let one = "must be 1: a certificate is of 1 Wh";
            (text == "1").then_some(()).ok_or_else(|| one.to_owned())
        });
        let is_storage = self.flag(IS_STORAGE);
        let metadata = self.metadata();
        let terms = self.terms();
        let (registry, device, metadata, terms) = (registry?, device?, metadata?, terms?);
        let production_start = production_start?;
        let issuance_id = issuance_id.unwrap_or_else(|| {
            format!("{device}-{}", production_start.format("%Y-%m-%d %H:%M:%S"))
        });
        let row = ImportRow {
            row: self.row,
            device: 0,
            metadata: 0,
            start: CertificateId(start?),
            end: CertificateId(end?),
            quantity: schemas::WattHours(quantity?),
            production_start,
            production_end: production_end?,
            status: status?,
            terms: IssuanceTerms {
                registry_configuration: metadata.registry_configuration,
                ..terms
            },
            issued_at: issued_at?,
            is_storage: is_storage?,
            bundle_id: bundle_id?,
            issuance_id,
            hash,
        };
        Some((DeviceOrigin { registry, device }, metadata, row))
    }

    fn terms(&mut self) -> Option<IssuanceTerms> {
        let energy_source = self.word(ENERGY_SOURCE, None);
        let energy_carrier = self.word(ENERGY_CARRIER, Some(EnergyCarrier::Electricity));
        let expiry = self.instant(EXPIRY);
        let post_conversion = self.flag(POST_CONVERSION);
        let factor = self.parsed(EMISSIONS_FACTOR, Some(None), |text| {
            let number = ExactNumber::parse(text).map(|number| Some(number.0.normalize()));
            number.ok_or_else(|| "is not a decimal number".to_owned())
        });
        let emissions_factor_source = self.optional(EMISSIONS_SOURCE);
        Some(IssuanceTerms {
            energy_source: energy_source?,
            energy_carrier: energy_carrier?,
            registry_configuration: 0,
            issuance_post_energy_carrier_conversion: post_conversion?,
            expiry: expiry?,
            emissions_factor_production_device: factor?,
            emissions_factor_source,
        })
    }

    fn metadata(&mut self) -> Option<IssuanceMetadata> {
        let country = self.text(COUNTRY);
        let grid = self.text(GRID);
        let issuing_body = self.text(ISSUING_BODY);
        let market_zone = self.text(MARKET_ZONE);
        let configuration = self.parsed(CONFIGURATION, Some(1), |text| {
            text.parse::<u8>()
                .map_err(|_| "must be 1, 2 or 3".to_owned())
        });
        Some(IssuanceMetadata {
            country_of_issuance: country?,
            connected_grid_identification: grid?,
            issuing_body: issuing_body?,
            issue_market_zone: market_zone?,
            legal_status: self.optional(LEGAL_STATUS),
            issuance_purpose: self.optional(PURPOSE),
            support_received: self.optional(SUPPORT),
            quality_scheme_reference: self.optional(QUALITY_SCHEME),
            dissemination_level: self.optional(DISSEMINATION),
            registry_configuration: configuration?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::table::{TEMPLATE, template_json};
    use super::*;

    #[test]
    fn the_template_reads_as_its_own_example_in_both_forms() {
        let csv = read_csv(TEMPLATE.as_bytes()).unwrap();
        let json = read_json(template_json().to_string().as_bytes()).unwrap();
        for read in [csv, json] {
            assert_eq!(read.unreadable, []);
            assert_eq!(read.rows.len(), 1);
            assert_eq!(read.rows[0].end, CertificateId(1000));
            assert_eq!(read.origin.unwrap().registry, "fr");
        }
    }

    #[test]
    fn a_file_has_at_most_as_many_rows_as_an_import_has_bundles() {
        use super::super::table::TableError;
        use ledger::import::MAX_BUNDLES;
        let (header, line) = TEMPLATE.split_once('\n').unwrap();
        let object = template_json()[0].to_string();
        for (count, fits) in [(MAX_BUNDLES, true), (MAX_BUNDLES + 1, false)] {
            let csv = format!("{header}\n{}", line.repeat(count));
            let json = format!("[{}]", vec![object.as_str(); count].join(","));
            for read in [read_csv(csv.as_bytes()), read_json(json.as_bytes())] {
                match read {
                    Ok(read) => assert!(fits && read.rows.len() == count),
                    Err(error) => assert!(!fits && error == TableError::TooManyRows),
                }
            }
        }
    }

    #[test]
    fn every_bad_value_of_every_row_is_named() {
        let bad = TEMPLATE
            .replace("wind", "coal dust")
            .replace(",1000,1000,", ",x,1.5,");
        let read = read_csv(bad.as_bytes()).unwrap();
        let columns: Vec<_> = read
            .unreadable
            .iter()
            .map(|error| match error.place {
                ledger::refusal::Place::Cell { row: 1, column } => column,
                _ => panic!("{error:?}"),
            })
            .collect();
        assert_eq!(columns, [RANGE_END, QUANTITY, ENERGY_SOURCE]);
    }

    #[test]
    fn a_file_of_rows_is_of_one_device() {
        let second = TEMPLATE.lines().nth(1).unwrap().replace("fr,31,", "fr,32,");
        let read = read_csv(format!("{TEMPLATE}{second}\n").as_bytes()).unwrap();
        assert_eq!((read.rows.len(), read.unreadable.len()), (1, 1));
    }

    #[test]
    fn missing_columns_are_named_together() {
        let error = read_csv(b"bundle_quantity,energy_source\n1,wind\n").unwrap_err();
        let TableError::MissingColumns(missing) = error else {
            panic!("{error}");
        };
        assert_eq!(missing.len(), 14);
    }
}
