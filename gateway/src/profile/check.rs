//! From the text of a file to a profile: every rule, and all that break at once.

use super::error::{Findings, ProfileErrors};
use super::file::{FileBlock, FileCounter, FileRegister, FileVariant, FileWhen, OneOrMore};
use super::limits::{Limits, MAX_REGISTERS};
use super::meaning::Meaning;
use super::point::Point;
use super::point_check::{Defaults, check_point, register};
use super::register::{Block, Kind, Register};
use super::variant::{Condition, Variant};
use super::{Framing, Identity, Profile, Protocol, plan};
use schemas::gateway::limit::MAX_TEXT_CHARS;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// Largest file of a profile, in bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Most points of a profile, and of a variant.
pub const MAX_POINTS: usize = 256;
/// Most variants of a profile.
pub const MAX_VARIANTS: usize = 16;
/// Most registers of a text.
pub const MAX_TEXT_REGISTERS: u16 = 32;
/// Unit ids a device can have (Modbus Messaging on TCP/IP 1.0b, 4.4.2.3: 0 and 255 address the server
/// itself).
const UNIT_IDS: std::ops::RangeInclusive<i64> = 0..=255;

const KEYS: [&str; 17] = [
    "id",
    "version",
    "maker",
    "models",
    "description",
    "protocol",
    "framing",
    "port",
    "unit_id",
    "function",
    "word_order",
    "limits",
    "counter",
    "identity",
    "points",
    "blocks",
    "variants",
];

/// Reads and checks the text of a profile. `file` names it in errors, and its stem is the id that the
/// profile has to have.
///
/// # Errors
/// Every rule that is broken.
pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileErrors> {
    let mut findings = Findings::new(file);
    if text.len() > MAX_FILE_BYTES {
        findings.add("file", format!("has at most {MAX_FILE_BYTES} bytes"));
        return findings.finish(None);
    }
    let table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            findings.add(
                "file",
                format!("is not TOML: {}", error.to_string().trim_end()),
            );
            return findings.finish(None);
        }
    };
    let profile = Reader {
        table: &table,
        findings: &mut findings,
    }
    .profile(file);
    findings.finish(profile)
}

struct Reader<'a> {
    table: &'a Table,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn profile(&mut self, file: &str) -> Option<Profile> {
        for key in self.table.keys() {
            if !KEYS.contains(&key.as_str()) {
                self.findings.add(key, "is not a key of a profile");
            }
        }
        let id = self.id(file);
        let version = self.number("version", 1..=i64::from(u32::MAX));
        let maker = self.text("maker");
        let models = self.models();
        let protocol = self.section::<Protocol>("protocol", None);
        let framing = self.section("framing", Some(Framing::Tcp));
        let port = self.optional_number("port", 1..=65_535);
        let unit_id = self.optional_number("unit_id", UNIT_IDS);
        let defaults = self.defaults();
        let limits = self.limits();
        let identity = self.identity(&defaults, &limits);
        let points = self.points("points", self.list("points"), &defaults);
        let blocks = self.blocks(&defaults, &limits);
        let variants = self.variants(&defaults);
        let protocol = protocol?;
        if protocol == Protocol::Modbus && points.is_empty() {
            self.findings.add("points", "a Modbus profile has points");
        }
        if protocol != Protocol::Modbus && !(points.is_empty() && variants.is_empty()) {
            self.findings.add(
                "points",
                "only a Modbus profile has points; this one finds them",
            );
        }
        self.fits(&points, &variants, blocks.as_deref(), &limits);
        let counters = self.counters(protocol, &points);
        Some(Profile {
            id: id?,
            version: u32::try_from(version?).ok()?,
            maker: maker?,
            models,
            description: self
                .table
                .get("description")
                .and_then(Value::as_str)
                .map(str::to_owned),
            protocol,
            framing: framing?,
            port: port
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or(502),
            unit_id: unit_id.and_then(|id| u8::try_from(id).ok()).unwrap_or(1),
            limits,
            identity,
            points,
            blocks,
            variants,
            counters,
            sha256: hash(self.table)?,
        })
    }

    fn section<T: DeserializeOwned>(&mut self, key: &str, absent: Option<T>) -> Option<T> {
        let Some(value) = self.table.get(key) else {
            if absent.is_none() {
                self.findings.add(key, "is missing");
            }
            return absent;
        };
        self.value(key, value)
    }

    fn value<T: DeserializeOwned>(&mut self, place: &str, value: &Value) -> Option<T> {
        match value.clone().try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                self.findings.add(place, error.to_string().trim_end());
                None
            }
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let text: String = self.section(key, None)?;
        if text.trim().is_empty() || text.chars().count() > MAX_TEXT_CHARS {
            self.findings.add(
                key,
                format!("is a text of 1 to {MAX_TEXT_CHARS} characters"),
            );
        }
        Some(text)
    }

    fn number(&mut self, key: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let number: i64 = self.section(key, None)?;
        if !range.contains(&number) {
            let (least, most) = range.into_inner();
            self.findings
                .add(key, format!("is {least} to {most}; it is {number}"));
            return None;
        }
        Some(number)
    }

    fn optional_number(&mut self, key: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        if self.table.contains_key(key) {
            self.number(key, range)
        } else {
            None
        }
    }

    fn id(&mut self, file: &str) -> Option<String> {
        let id = self.text("id")?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !id.chars().all(allowed) {
            self.findings
                .add("id", "has small letters, digits and underscores only");
        }
        let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
        if stem.strip_suffix(".toml") != Some(id.as_str()) {
            self.findings.add(
                "id",
                format!("is the file's name without .toml; it is {id:?}"),
            );
        }
        Some(id)
    }

    fn models(&mut self) -> Vec<String> {
        let models: Vec<String> = self.section("models", None).unwrap_or_default();
        if self.table.contains_key("models") && models.iter().all(|model| model.trim().is_empty()) {
            self.findings.add("models", "names at least one");
        }
        models
    }

    fn defaults(&mut self) -> Defaults {
        let word_order = self.section("word_order", Some(super::WordOrder::Big));
        Defaults {
            function: self
                .optional_number("function", 3..=4)
                .and_then(|code| u8::try_from(code).ok()),
            word_order: word_order.unwrap_or_default(),
        }
    }

    fn limits(&mut self) -> Limits {
        let limits = self
            .section("limits", Some(Limits::default()))
            .unwrap_or_default();
        for (field, rule) in limits.broken() {
            self.findings.add(format!("limits.{field}"), rule);
        }
        limits
    }

    fn identity(&mut self, defaults: &Defaults, limits: &Limits) -> Identity {
        let fields: Table = self
            .section("identity", Some(Table::new()))
            .unwrap_or_default();
        let mut identity = Identity::default();
        for (field, value) in &fields {
            let place = format!("identity.{field}");
            let slot = match field.as_str() {
                "serial" => &mut identity.serial,
                "model" => &mut identity.model,
                "firmware" => &mut identity.firmware,
                "device_type" => &mut identity.device_type,
                _ => {
                    self.findings
                        .add(place, "is none of serial, model, firmware, device_type");
                    continue;
                }
            };
            let Some(raw) = self.value::<FileRegister>(&place, value) else {
                continue;
            };
            *slot = self.identity_register(&place, &raw, defaults, limits);
        }
        if identity
            .device_type
            .is_some_and(|register| register.kind != Kind::U16)
        {
            self.findings.add("identity.device_type", "is of type U16");
        }
        identity
    }

    fn identity_register(
        &mut self,
        place: &str,
        raw: &FileRegister,
        defaults: &Defaults,
        limits: &Limits,
    ) -> Option<Register> {
        let count = match (raw.kind.registers(), raw.count) {
            (Some(count), None) => count,
            (None, Some(count)) if (1..=MAX_TEXT_REGISTERS).contains(&count) => count,
            (None, _) => {
                let rule = format!("a text has a count of 1 to {MAX_TEXT_REGISTERS} registers");
                self.findings.add(place, rule);
                return None;
            }
            (Some(_), Some(_)) => {
                self.findings.add(place, "only a text has a count");
                return None;
            }
        };
        if count > limits.max_registers {
            self.findings
                .add(place, "is longer than limits.max_registers");
        }
        if raw.kind == Kind::F32 {
            self.findings.add(place, "is a text or an integer");
        }
        let order = raw.word_order.unwrap_or(defaults.word_order);
        let made = register(
            defaults,
            raw.function,
            raw.address,
            raw.kind,
            Some(order),
            count,
        );
        made.map_err(|rule| self.findings.add(place, rule)).ok()
    }

    fn list(&self, key: &str) -> Vec<Value> {
        match self.table.get(key) {
            Some(Value::Array(list)) => list.clone(),
            Some(other) => vec![other.clone()],
            None => Vec::new(),
        }
    }

    fn points(&mut self, key: &str, list: Vec<Value>, defaults: &Defaults) -> Vec<Point> {
        if list.len() > MAX_POINTS {
            self.findings
                .add(key, format!("has at most {MAX_POINTS} points"));
            return Vec::new();
        }
        let mut points: Vec<Point> = Vec::new();
        for (index, value) in list.into_iter().enumerate() {
            let place = format!("{key}[{}]", index + 1);
            let Some(point) = check_point(&place, &value, defaults, self.findings) else {
                continue;
            };
            if points.iter().any(|other| other.meaning == point.meaning) {
                self.findings
                    .add(format!("point {}", point.meaning), "is there twice");
            }
            points.push(point);
        }
        points
    }

    fn blocks(&mut self, defaults: &Defaults, limits: &Limits) -> Option<Vec<Block>> {
        if !self.table.contains_key("blocks") {
            return None;
        }
        let mut blocks: Vec<Block> = Vec::new();
        for (index, value) in self.list("blocks").into_iter().enumerate() {
            let place = format!("blocks[{}]", index + 1);
            let Some(raw) = self.value::<FileBlock>(&place, &value) else {
                continue;
            };
            let most = limits.max_registers.min(MAX_REGISTERS);
            if !(1..=most).contains(&raw.count) {
                let rule = format!(
                    "count is 1 to {most} (limits.max_registers); it is {}",
                    raw.count
                );
                self.findings.add(&place, rule);
                continue;
            }
            match register(
                defaults,
                raw.function,
                raw.start,
                Kind::U16,
                None,
                raw.count,
            ) {
                Ok(Register {
                    function,
                    address,
                    count,
                    ..
                }) => {
                    let block = Block {
                        function,
                        start: address,
                        count,
                    };
                    if let Some(other) = blocks.iter().find(|other| overlap(other, &block)) {
                        self.findings.add(&place, format!("overlaps with {other}"));
                    }
                    blocks.push(block);
                }
                Err(rule) => self.findings.add(&place, rule),
            }
        }
        blocks.sort();
        Some(blocks)
    }

    fn variants(&mut self, defaults: &Defaults) -> Vec<Variant> {
        let list = self.list("variants");
        if list.len() > MAX_VARIANTS {
            self.findings
                .add("variants", format!("are at most {MAX_VARIANTS}"));
            return Vec::new();
        }
        let mut variants = Vec::new();
        for (index, value) in list.into_iter().enumerate() {
            let place = format!("variants[{}]", index + 1);
            let Some(raw) = self.value::<FileVariant>(&place, &value) else {
                continue;
            };
            let when = conditions(&raw.when);
            if when.is_empty() {
                self.findings
                    .add(format!("{place}.when"), "has at least one condition");
            }
            let points = raw.points.into_iter().map(Value::Table).collect();
            let points = self.points(&format!("{place}.points"), points, defaults);
            variants.push(Variant {
                name: raw.name,
                when,
                points,
            });
        }
        variants
    }

    /// Every point of the profile, with and without each variant, is in a block that can be read.
    fn fits(
        &mut self,
        points: &[Point],
        variants: &[Variant],
        blocks: Option<&[Block]>,
        limits: &Limits,
    ) {
        let of_variants = variants.iter().flat_map(|variant| &variant.points);
        for point in points.iter().chain(of_variants) {
            let place = format!("point {}", point.meaning);
            for span in plan::spans(point) {
                if span.count > limits.max_registers {
                    let rule = "its number and its scale register can not be read in one request";
                    self.findings
                        .add(&place, format!("{rule} of limits.max_registers"));
                } else if blocks
                    .is_some_and(|blocks| !blocks.iter().any(|block| within(block, &span)))
                {
                    self.findings
                        .add(&place, format!("{span} is in none of the blocks"));
                }
            }
        }
    }

    fn counters(&mut self, protocol: Protocol, points: &[Point]) -> Vec<Meaning> {
        let Some(counter) = self.section::<FileCounter>("counter", None) else {
            return Vec::new();
        };
        let names = match counter.default {
            OneOrMore::One(name) => vec![name],
            OneOrMore::More(names) => names,
        };
        if names.is_empty() {
            self.findings.add("counter.default", "names a point");
        }
        let mut counters = Vec::new();
        for name in names {
            let known = Meaning::from_name(&name).filter(|meaning| meaning.is_counter());
            let Some(meaning) = known else {
                self.findings.add(
                    "counter.default",
                    format!("{name:?} is not energy that only grows"),
                );
                continue;
            };
            if protocol == Protocol::Modbus && !points.iter().any(|point| point.meaning == meaning)
            {
                self.findings
                    .add("counter.default", format!("there is no point {name}"));
            }
            counters.push(meaning);
        }
        counters
    }
}

fn conditions(when: &FileWhen) -> Vec<Condition> {
    [
        when.model.clone().map(Condition::Model),
        when.firmware.clone().map(Condition::Firmware),
        when.firmware_at_least.map(Condition::FirmwareAtLeast),
        when.device_type.clone().map(Condition::DeviceType),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn overlap(one: &Block, other: &Block) -> bool {
    one.function == other.function
        && u32::from(one.start) < other.end()
        && u32::from(other.start) < one.end()
}

fn within(block: &Block, span: &Block) -> bool {
    block.function == span.function && block.start <= span.start && span.end() <= block.end()
}

/// SHA-256 over the canonical JSON (RFC 8785) of the file's content, in hexadecimal: comments, order and
/// spaces do not count.
fn hash(table: &Table) -> Option<String> {
    let canonical = serde_json_canonicalizer::to_vec(table).ok()?;
    Some(hex::encode(Sha256::digest(canonical)))
}
