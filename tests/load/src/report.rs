//! The table for people and the array for programs.

use crate::figure::Figure;
use anyhow::Result;

/// A number as it is read: whole if it is large, else to three digits.
pub fn shown(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => {
            let digits = format!("{value:.0}");
            let (sign, digits) = match digits.strip_prefix('-') {
                Some(rest) => ("-", rest),
                None => ("", digits.as_str()),
            };
            let mut text = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index) % 3 == 0 {
                    text.push(',');
                }
                text.push(digit);
            }
            format!("{sign}{text}")
        }
        middling if middling >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

pub fn markdown(facts: &[String], settings: &str, figures: &[Figure]) -> String {
    let mut text = String::new();
    for fact in facts {
        text.push_str(&format!("- {fact}\n"));
    }
    text.push_str(&format!("- {settings}\n\n"));
    text.push_str("| row | unit | target | min | median | max | met | settings |\n");
    text.push_str("|---|---|--:|--:|--:|--:|---|---|\n");
    for figure in figures {
        let (min, median, max) = figure.spread();
        let target = figure.target.map_or_else(String::new, |target| {
            let sign = match figure.better {
                crate::figure::Better::Higher => ">=",
                crate::figure::Better::Lower => "<=",
            };
            format!("{sign} {}", shown(target))
        });
        let met = match figure.is_met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        text.push_str(&format!(
            "| {} | {} | {target} | {} | {} | {} | {met} | {} |\n",
            figure.row,
            figure.unit,
            shown(min),
            shown(median),
            shown(max),
            figure.settings
        ));
    }
    text
}

pub fn json(figures: &[Figure]) -> Result<String> {
    let rows: Vec<_> = figures.iter().map(Figure::json).collect();
    Ok(serde_json::to_string_pretty(&rows)? + "\n")
}
