//! Meter readings on the wire.

mod correction;
mod detail;
mod issuance;
mod report;
mod submission;

pub use correction::{CorrectMeasurement, MeasurementCorrected};
pub use detail::{Correction, MeasurementBundle, MeasurementDetail};
pub use issuance::{IssueReadings, ReadingsIssued};
pub use report::{
    MeasurementChange, MeasurementFilter, MeasurementReport, NamedMeasurement, NewMeasurement,
};
pub use submission::{
    Reading, ReadingTexts, ReadingsSubmitted, ReadingsUpload, RefusedValue, SubmitReadings,
    UploadFields,
};
