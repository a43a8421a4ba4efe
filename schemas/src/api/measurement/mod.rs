//! Meter readings on the wire.

mod report;
mod submission;

pub use report::{
    MeasurementChange, MeasurementFilter, MeasurementReport, NamedMeasurement, NewMeasurement,
};
pub use submission::{
    Reading, ReadingTexts, ReadingsSubmitted, ReadingsUpload, RefusedValue, SubmitReadings,
    UploadFields,
};
