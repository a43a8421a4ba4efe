//! Enumerations of the EnergyTag and FEA contracts. Unknown values are refused by name.

use serde::{Deserialize, Serialize};

/// Declares a closed set of wire words with `Display`, `FromStr` and the list of all of them.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema,
        )]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::energy::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::energy::UnknownWord {
                        text: text.to_owned(),
                        allowed: &[$($word),+],
                    }),
                }
            }
        }
    };
}

/// A word that is not in its enumeration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of {}", allowed.join(", "))]
pub struct UnknownWord {
    /// What was given.
    pub text: String,
    /// What would have been accepted.
    pub allowed: &'static [&'static str],
}

words! {
    /// What the energy was made from.
    EnergySource {
        SolarPv = "solar_pv", Wind = "wind", Hydro = "hydro", Biomass = "biomass",
        Nuclear = "nuclear", Electrolysis = "electrolysis", Geothermal = "geothermal",
        BatteryStorage = "battery_storage", Chp = "chp", Other = "other",
    }
}

words! {
    /// How the device makes or stores energy.
    TechnologyType {
        SolarPv = "solar_pv", WindTurbine = "wind_turbine", Hydro = "hydro",
        BatteryStorage = "battery_storage", OtherStorage = "other_storage", Chp = "chp",
        Other = "other",
    }
}

words! {
    /// The form of energy a certificate stands for.
    EnergyCarrier {
        Electricity = "electricity", NaturalGas = "natural_gas", Hydrogen = "hydrogen",
        Heat = "heat", Other = "other",
    }
}

words! {
    /// Which way energy flows through the device's meter. Only production is certified.
    DeviceType { Production = "production", Consumption = "consumption" }
}

/// WGS 84 position of a device, in decimal degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GpsLocation {
    /// Degrees north, -90 to 90.
    #[schema(value_type = String, example = "51.4779")]
    pub latitude: rust_decimal::Decimal,
    /// Degrees east, -180 to 180.
    #[schema(value_type = String, example = "-0.0015")]
    pub longitude: rust_decimal::Decimal,
}

impl GpsLocation {
    /// The position if both coordinates are in range.
    #[must_use]
    pub fn new(latitude: rust_decimal::Decimal, longitude: rust_decimal::Decimal) -> Option<Self> {
        let ok = latitude.abs() <= 90.into() && longitude.abs() <= 180.into();
        ok.then_some(Self {
            latitude,
            longitude,
        })
    }

    /// Reads `"lat, lon"`, the form the reference's front end puts into `location`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once(',')?;
        Self::new(
            latitude.trim().parse().ok()?,
            longitude.trim().parse().ok()?,
        )
    }
}
