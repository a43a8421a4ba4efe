//! Each rule, with a change it refuses and the same change the other way, which it lets pass.

use crate::compare::{Changes, compare};
use serde_json::{Value, json};

/// A document with one operation that takes and answers everything the rules look at.
fn document() -> Value {
    json!({
        "security": [{"bearer": []}],
        "paths": {"/thing/{id}": {"post": {
            "operationId": "change_thing",
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
                {"$ref": "#/components/parameters/Limit"},
            ],
            "requestBody": {"content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Asked"}},
            }},
            "responses": {
                "200": {
                    "headers": {"X-Position": {"schema": {"type": "integer"}}},
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answered"}}},
                },
                "404": {"description": "not there"},
            },
        }}},
        "components": {
            "parameters": {"Limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 10}}},
            "schemas": {
                "Asked": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "minLength": 1, "maxLength": 9},
                        "word": {"type": "string", "enum": ["a", "b"]},
                        "note": {"type": ["string", "null"]},
                        "share": {"type": "number"},
                        "at": {"type": "string", "format": "date-time"},
                        "like": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Asked"}]},
                        "ids": {"type": "array", "items": {"type": "integer"}},
                    },
                },
                "Answered": {
                    "type": "object",
                    "required": ["id", "word"],
                    "properties": {
                        "id": {"type": "integer", "format": "int64"},
                        "word": {"type": "string", "enum": ["a", "b"]},
                        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Answered"}},
                    },
                },
            },
        },
    })
}

const OPERATION: &str = "/paths/~1thing~1{id}/post";
const ASKED: &str = "/components/schemas/Asked";
const ANSWERED: &str = "/components/schemas/Answered";

/// The document with another value at a place; null takes away what is there.
fn with(base: &str, place: &str, value: Value) -> Value {
    let mut document = document();
    let pointer = format!("{base}{place}");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(members), Value::Null) => {
            members.remove(&name.replace("~1", "/")).unwrap();
        }
        (Value::Object(members), value) => {
            members.insert(name.replace("~1", "/"), value);
        }
        (Value::Array(items), value) => items[name.parse::<usize>().unwrap()] = value,
        (other, _) => panic!("{pointer} is in {other}"),
    }
    document
}

/// The change breaks, saying so, and is no harm the other way round.
#[track_caller]
fn breaks_one_way(changed: &Value, sentence: &str) {
    let (there, back) = (compare(&document(), changed), compare(changed, &document()));
    assert!(
        there.breaking.iter().any(|what| what.contains(sentence)),
        "{sentence:?} in {there:?}"
    );
    assert_eq!(back.breaking, [""; 0]);
}

/// The change breaks in both directions.
#[track_caller]
fn breaks_both_ways(changed: &Value, sentence: &str) {
    for (old, new) in [(&document(), changed), (changed, &document())] {
        let Changes { breaking, .. } = compare(old, new);
        assert!(
            breaking.iter().any(|what| what.contains(sentence)),
            "{sentence:?} in {breaking:?}"
        );
    }
}

/// The change is a warning, no more.
#[track_caller]
fn warns(changed: &Value, sentence: &str) {
    let Changes { breaking, warnings } = compare(&document(), changed);
    assert!(
        warnings.iter().any(|what| what.contains(sentence)),
        "{sentence:?} in {warnings:?}"
    );
    assert_eq!(breaking, [""; 0]);
    assert_eq!(compare(changed, &document()).breaking, [""; 0]);
}

#[test]
fn the_same_document_changes_nothing() {
    assert_eq!(compare(&document(), &document()), Changes::default());
}

#[test]
fn a_path_that_goes_breaks_and_one_that_comes_does_not() {
    breaks_one_way(
        &with("/paths", "/~1thing~1{id}", Value::Null),
        "the path was removed",
    );
}

#[test]
fn a_method_that_goes_breaks_and_one_that_comes_does_not() {
    breaks_one_way(
        &with("/paths/~1thing~1{id}", "/post", Value::Null),
        "the method was removed",
    );
}

#[test]
fn an_operation_under_another_name_breaks() {
    breaks_both_ways(
        &with(OPERATION, "/operationId", json!("alter_thing")),
        "operationId changed",
    );
}

#[test]
fn credentials_that_no_longer_suffice_break_and_others_that_do_not() {
    let more = with("", "/security", json!([{"bearer": []}, {"cookie": []}]));
    assert_eq!(compare(&document(), &more).breaking, [""; 0]);
    let fewer = compare(&more, &document()).breaking;
    assert!(fewer[0].contains("no longer suffice"), "{fewer:?}");
}

#[test]
fn credentials_where_none_were_demanded_break_and_none_where_some_were_do_not() {
    let open = with(OPERATION, "/security", json!([]));
    assert_eq!(compare(&document(), &open).breaking, [""; 0]);
    let closed = compare(&open, &document()).breaking;
    assert!(closed[0].contains("credentials are demanded"), "{closed:?}");
}

#[test]
fn a_new_parameter_breaks_only_if_it_is_required() {
    let mut all = document().pointer(OPERATION).unwrap()["parameters"].clone();
    let list = all.as_array_mut().unwrap();
    list.push(
        json!({"name": "why", "in": "query", "required": true, "schema": {"type": "string"}}),
    );
    breaks_one_way(
        &with(OPERATION, "/parameters", all.clone()),
        "the required query parameter why was added",
    );
    all[2]["required"] = json!(false);
    let optional = with(OPERATION, "/parameters", all);
    assert_eq!(compare(&document(), &optional), Changes::default());
    let gone = compare(&optional, &document());
    assert!(
        gone.breaking.is_empty() && gone.warnings[0].contains("why was removed"),
        "{gone:?}"
    );
}

#[test]
fn a_parameter_that_becomes_required_breaks_and_one_that_becomes_optional_does_not() {
    let changed = with("/components/parameters/Limit", "/required", json!(true));
    breaks_one_way(&changed, "the query parameter limit became required");
}

#[test]
fn a_parameter_that_takes_less_breaks_and_one_that_takes_more_does_not() {
    let changed = with("/components/parameters/Limit", "/schema/maximum", json!(9));
    breaks_one_way(&changed, "maximum was narrowed to 9");
}

#[test]
fn a_body_that_becomes_required_breaks_and_one_that_becomes_optional_does_not() {
    breaks_one_way(
        &with(OPERATION, "/requestBody/required", json!(true)),
        "a body became required",
    );
}

#[test]
fn a_media_type_that_goes_breaks_and_one_that_comes_does_not() {
    for part in ["/requestBody/content", "/responses/200/content"] {
        let gone = with(OPERATION, &format!("{part}/application~1json"), Value::Null);
        breaks_one_way(&gone, "the media type application/json was removed");
    }
}

#[test]
fn a_status_of_success_that_goes_breaks_and_another_is_a_warning() {
    breaks_one_way(
        &with(OPERATION, "/responses/200", Value::Null),
        "the status of success was removed",
    );
    warns(
        &with(OPERATION, "/responses/404", Value::Null),
        "the status was removed",
    );
}

#[test]
fn a_header_that_goes_breaks_and_one_that_comes_does_not() {
    let gone = with(OPERATION, "/responses/200/headers/X-Position", Value::Null);
    breaks_one_way(&gone, "the header X-Position was removed");
}

#[test]
fn a_property_of_a_request_breaks_only_when_it_becomes_required() {
    breaks_one_way(
        &with(ASKED, "/required", json!(["name", "word"])),
        "word became required",
    );
    warns(
        &with(ASKED, "/properties/word", Value::Null),
        "the property word was removed",
    );
}

#[test]
fn a_new_property_of_a_request_breaks_only_if_it_is_required() {
    let mut changed = with(ASKED, "/properties/new", json!({"type": "string"}));
    assert_eq!(compare(&document(), &changed), Changes::default());
    changed["components"]["schemas"]["Asked"]["required"] = json!(["name", "new"]);
    breaks_one_way_but_for_warnings(&changed, "new became required");
}

/// As [`breaks_one_way`]; going back takes a property away, which is a warning.
#[track_caller]
fn breaks_one_way_but_for_warnings(changed: &Value, sentence: &str) {
    breaks_one_way(changed, sentence);
    assert!(!compare(changed, &document()).warnings.is_empty());
}

#[test]
fn a_property_of_an_answer_that_goes_or_becomes_optional_breaks() {
    breaks_one_way(
        &with(ANSWERED, "/properties/children", Value::Null),
        "the property children was removed",
    );
    breaks_one_way(
        &with(ANSWERED, "/required", json!(["id"])),
        "word became optional",
    );
}

#[test]
fn another_type_breaks_unless_it_takes_more_or_answers_less() {
    breaks_both_ways(
        &with(ASKED, "/properties/name/type", json!("integer")),
        "is no longer taken",
    );
    breaks_both_ways(
        &with(ANSWERED, "/properties/id/type", json!("string")),
        "may now be answered",
    );
    breaks_one_way(
        &with(ASKED, "/properties/share/type", json!("integer")),
        "number is no longer taken",
    );
    breaks_one_way(
        &with(ANSWERED, "/properties/id/type", json!("number")),
        "number may now be answered",
    );
    breaks_both_ways(
        &with(ASKED, "/properties/ids/items/type", json!("string")),
        "is no longer taken",
    );
}

#[test]
fn null_may_be_taken_in_addition_but_not_answered() {
    breaks_one_way(
        &with(ASKED, "/properties/note/type", json!("string")),
        "null is no longer taken",
    );
    let nullable = with(
        ANSWERED,
        "/properties/word",
        json!({"type": ["string", "null"], "enum": ["a", "b"]}),
    );
    breaks_one_way(&nullable, "null may now be answered");
    let never = with(
        ASKED,
        "/properties/like",
        json!({"$ref": "#/components/schemas/Asked"}),
    );
    breaks_one_way(&never, "null is no longer taken");
}

#[test]
fn a_word_that_is_no_longer_taken_breaks_and_one_that_may_be_answered_is_a_warning() {
    breaks_one_way(
        &with(ASKED, "/properties/word/enum", json!(["a"])),
        "\"b\" is no longer taken",
    );
    breaks_one_way(
        &with(ASKED, "/properties/name/enum", json!(["x"])),
        "it became an enumeration",
    );
    warns(
        &with(ANSWERED, "/properties/word/enum", json!(["a", "b", "c"])),
        "\"c\" may now be answered",
    );
    warns(
        &with(ANSWERED, "/properties/word/enum", Value::Null),
        "it is no longer an enumeration",
    );
}

#[test]
fn another_format_breaks_unless_it_takes_more_or_answers_less() {
    breaks_both_ways(
        &with(ASKED, "/properties/at/format", json!("date")),
        "format changed",
    );
    breaks_one_way(
        &with(ASKED, "/properties/name/format", json!("uuid")),
        "format changed",
    );
    breaks_one_way(
        &with(ANSWERED, "/properties/id/format", Value::Null),
        "format changed",
    );
}

#[test]
fn bounds_of_a_request_that_are_narrowed_break_and_wider_ones_do_not() {
    for (keyword, value) in [
        ("minLength", json!(2)),
        ("maxLength", json!(8)),
        ("pattern", json!("^x")),
    ] {
        let changed = with(ASKED, &format!("/properties/name/{keyword}"), value);
        breaks_one_way(&changed, keyword);
    }
    for (keyword, value) in [("minimum", json!(0)), ("exclusiveMaximum", json!(5))] {
        let changed = with(ASKED, &format!("/properties/share/{keyword}"), value);
        breaks_one_way(&changed, keyword);
    }
    let unique = with(ASKED, "/properties/ids/uniqueItems", json!(true));
    breaks_one_way(&unique, "items must now be unique");
    let few = with(ASKED, "/properties/ids/maxItems", json!(5));
    breaks_one_way(&few, "maxItems was narrowed to 5");
}

#[test]
fn bounds_of_an_answer_may_change() {
    let bounded = with(ANSWERED, "/properties/id/minimum", json!(1));
    assert_eq!(compare(&document(), &bounded), Changes::default());
    assert_eq!(compare(&bounded, &document()), Changes::default());
}

#[test]
fn the_members_of_all_parts_count_as_one_object() {
    let mut parted = document();
    let whole = parted["components"]["schemas"]["Answered"].take();
    parted["components"]["schemas"]["Answered"] = json!({"allOf": [
        {"$ref": "#/components/schemas/Part"},
        {"type": "object", "properties": {"extra": {"type": "integer"}}},
    ]});
    parted["components"]["schemas"]["Part"] = whole;
    assert_eq!(compare(&document(), &parted).breaking, [""; 0]);
    let lost = compare(&parted, &document()).breaking;
    assert!(lost[0].contains("extra was removed"), "{lost:?}");
}
