//! What a row comes to.

use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Higher,
    Lower,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Figure {
    pub row: &'static str,
    pub unit: &'static str,
    /// None where the row only explains others.
    pub target: Option<f64>,
    pub better: Better,
    /// One per round.
    pub values: Vec<f64>,
    pub settings: String,
}

impl Figure {
    pub fn higher(row: &'static str, unit: &'static str, values: Vec<f64>) -> Self {
        Self {
            row,
            unit,
            target: None,
            better: Better::Higher,
            values,
            settings: String::new(),
        }
    }

    pub fn lower(row: &'static str, unit: &'static str, values: Vec<f64>) -> Self {
        Self {
            better: Better::Lower,
            ..Self::higher(row, unit, values)
        }
    }

    pub fn target(self, target: f64) -> Self {
        Self {
            target: Some(target),
            ..self
        }
    }

    pub fn settings(self, settings: impl Into<String>) -> Self {
        Self {
            settings: settings.into(),
            ..self
        }
    }

    /// Least, middle and most of the rounds.
    pub fn spread(&self) -> (f64, f64, f64) {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        (
            at(0),
            at(sorted.len() / 2),
            at(sorted.len().saturating_sub(1)),
        )
    }

    pub fn json(&self) -> Value {
        let (min, median, max) = self.spread();
        json!({
            "row": self.row, "unit": self.unit, "target": self.target, "better": self.better,
            "min": min, "median": median, "max": max, "settings": self.settings,
        })
    }

    /// Whether the middle reaches the target.
    pub fn is_met(&self) -> Option<bool> {
        let (_, median, _) = self.spread();
        self.target.map(|target| match self.better {
            Better::Higher => median >= target,
            Better::Lower => median <= target,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_what_it_is_and_how_its_rounds_spread_and_nothing_else() {
        let figure = Figure::lower("lag", "ms", vec![7.0, 3.0, 5.0, 9.0, 4.0]).target(6.0);
        let expected = json!({
            "row": "lag", "unit": "ms", "target": 6.0, "better": "lower",
            "min": 3.0, "median": 5.0, "max": 9.0, "settings": "",
        });
        assert_eq!(figure.json(), expected);
        assert_eq!(figure.is_met(), Some(true));
    }

    #[test]
    fn what_is_better_decides_which_side_of_the_target_meets_it() {
        let met = |figure: Figure| figure.target(10.0).is_met();
        assert_eq!(met(Figure::higher("get", "1/s", vec![9.0])), Some(false));
        assert_eq!(met(Figure::higher("get", "1/s", vec![10.0])), Some(true));
        assert_eq!(met(Figure::lower("get", "ms", vec![10.0])), Some(true));
        assert_eq!(met(Figure::lower("get", "ms", vec![11.0])), Some(false));
        assert_eq!(Figure::lower("get", "ms", vec![11.0]).is_met(), None);
    }
}
