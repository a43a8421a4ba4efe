//! A CSV of readings, cut into submissions that each carry the header.

use std::io::Read;

/// Reads `source` and cuts it after every `rows` rows. Each piece is a CSV of its own.
///
/// # Errors
/// When the file can not be read or a row has another number of columns than the header.
pub fn pieces(source: impl Read, rows: usize) -> Result<Vec<Vec<u8>>, csv::Error> {
    let mut reader = csv::Reader::from_reader(source);
    let header = reader.byte_headers()?.clone();
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    for record in reader.byte_records() {
        piece.push(record?);
        if piece.len() == rows {
            pieces.push(write(&header, &piece)?);
            piece.clear();
        }
    }
    if !piece.is_empty() {
        pieces.push(write(&header, &piece)?);
    }
    Ok(pieces)
}

fn write(header: &csv::ByteRecord, rows: &[csv::ByteRecord]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_byte_record(header)?;
    for row in rows {
        writer.write_byte_record(row)?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_piece_has_the_header_and_no_row_is_lost() {
        let pieces = pieces("a,b\n1,2\n3,4\n5,6\n".as_bytes(), 2).unwrap();
        let texts: Vec<_> = pieces
            .into_iter()
            .map(|piece| String::from_utf8(piece).unwrap())
            .collect();
        assert_eq!(texts, ["a,b\n1,2\n3,4\n", "a,b\n5,6\n"]);
    }

    #[test]
    fn a_row_with_a_missing_column_is_refused() {
        assert!(pieces("a,b\n1\n".as_bytes(), 2).is_err());
    }
}
