//! What the issuing body makes of organisations.

use crate::http::listed::{after, listed};
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, Problem};
use crate::http::{Id, Query, Read, Write, may};
use crate::read::{self, cursor::Page};
use actix_web::{HttpResponse, delete, get, patch, post};
use ledger::refusal::Code;
use ledger::{Command, Event, Stream, command};
use schemas::api::organisation::{CreateOrganisation, OrganisationRead, UpdateOrganisation};
use schemas::api::page::PageQuery;
use schemas::capability::Capability;
use schemas::event::IdentityEvent;
use schemas::event::organisation::{OrganisationChanges, OrganisationDetails};
use schemas::id::OrganisationId;

const LIST: &str = "organisations";
/// Accounts that a refusal names at most.
const NAMED_ACCOUNTS: i64 = 10;

/// Create an organisation.
///
/// It owns accounts, and users are invited into it.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "create_organisation",
    request_body = CreateOrganisation,
    responses(
        (status = 201, description = "The new organisation.", body = OrganisationRead),
        (status = 422, description = "request_invalid, business_id_taken"),
    ),
)]
#[post("/organisation/create")]
pub async fn create_organisation(
    write: Write<may::ManageOrganisations, CreateOrganisation>,
) -> Answer<HttpResponse> {
    let asked = write.body.clone();
    let command = Command::FoundOrganisation(Box::new(OrganisationDetails {
        name: asked.name,
        business_id: asked.business_id,
        address: asked.address,
        contact: asked.contact,
    }));
    let receipt = write.execute(command).await?;
    let founded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Identity(IdentityEvent::OrganisationFounded(founded)) => Some(founded),
            _ => None,
        });
    let founded = founded.ok_or_else(|| Problem::internal(&"a new organisation left no event"))?;
    Ok(HttpResponse::Created().json(OrganisationRead {
        id: founded.organisation_id,
        name: founded.details.name,
        business_id: founded.details.business_id,
        address: founded.details.address,
        contact: founded.details.contact,
        is_deleted: false,
        created_at: receipt.recorded_at,
    }))
}

/// List organisations.
///
/// The caller's own; all that are open for who manages organisations.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "list_organisations",
    params(PageQuery),
    responses((status = 200, description = "A page of the organisations.", body = Vec<OrganisationRead>)),
)]
#[get("/organisation/list")]
pub async fn list_organisations(read: Read, Query(page): Query<PageQuery>) -> Answer<HttpResponse> {
    let after = OrganisationId(after(LIST, &page)?);
    let own = read.organisation.map(|of| of.organisation_id);
    let found = if read.may(Capability::ManageOrganisations) || own.is_some() {
        let only = own.filter(|_| !read.may(Capability::ManageOrganisations));
        let client = read.client().await?;
        read::organisation::list(&client, only, after, page.limit + 1).await?
    } else {
        Vec::new()
    };
    let page = Page::of(found, page.limit, LIST, |organisation| organisation.id);
    Ok(listed(&page))
}

/// Get an organisation.
///
/// Visible to who belongs to it, and to who manages organisations also when it is closed.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "get_organisation",
    params(("organisation_id" = i64, Path, description = "The organisation.")),
    responses(
        (status = 200, description = "The organisation.", body = OrganisationRead),
        (status = 404, description = "organisation_not_found"),
    ),
)]
#[get("/organisation/{organisation_id}")]
pub async fn get_organisation(read: Read, Id(named): Id<OrganisationId>) -> Answer<HttpResponse> {
    let found = read.organisation(&read.client().await?, named).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Update an organisation.
///
/// What is absent stays.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "update_organisation",
    params(("organisation_id" = i64, Path, description = "The organisation.")),
    request_body = UpdateOrganisation,
    responses(
        (status = 200, description = "The organisation as it is now.", body = OrganisationRead),
        (status = 404, description = "organisation_not_found"),
        (status = 422, description = "request_invalid, business_id_taken, organisation_closed"),
    ),
)]
#[patch("/organisation/update/{organisation_id}")]
pub async fn update_organisation(
    write: Write<may::ManageOrganisations, UpdateOrganisation>,
    Id(named): Id<OrganisationId>,
) -> Answer<HttpResponse> {
    let client = write.caller.client().await?;
    let organisation_id = write.caller.organisation(&client, named).await?.id;
    let asked = write.body.clone();
    let command = Command::UpdateOrganisation(Box::new(command::UpdateOrganisation {
        organisation_id,
        changes: OrganisationChanges {
            name: asked.name,
            business_id: asked.business_id,
            address: asked.address,
            contact: asked.contact,
        },
    }));
    write.execute(command).await?;
    let client = write.caller.client().await?;
    let now = write.caller.organisation(&client, named).await?;
    Ok(HttpResponse::Ok().json(now))
}

/// Close an organisation.
///
/// Refused while it has an open account. Nobody is invited into it any more, and who belongs to it may join another.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "delete_organisation",
    params(("organisation_id" = i64, Path, description = "The organisation.")),
    responses(
        (status = 200, description = "The closed organisation.", body = OrganisationRead),
        (status = 404, description = "organisation_not_found"),
        (status = 409, description = "organisation_has_accounts"),
        (status = 422, description = "request_invalid, organisation_closed"),
    ),
)]
#[delete("/organisation/delete/{organisation_id}")]
pub async fn delete_organisation(
    write: Write<may::ManageOrganisations>,
    Id(named): Id<OrganisationId>,
) -> Answer<HttpResponse> {
    // To name the accounts, look once READ shows all of the ledger.
    let state = write.caller.state();
    let all = Positions::at(Stream::Ledger, state.ledger_head().await?);
    reached(state.read_progress(), all, state.read_wait()).await?;
    let client = write.caller.client().await?;
    let organisation = write.caller.organisation(&client, named).await?;
    let id = organisation.id;
    let accounts = read::organisation::open_accounts(&client, id, None, NAMED_ACCOUNTS).await?;
    if !organisation.is_deleted && !accounts.is_empty() {
        let ids: Vec<_> = accounts.iter().map(ToString::to_string).collect();
        return Err(Problem::new(
            Code::OrganisationHasAccounts,
            format!(
                "organisation {id} owns account {}; close or assign them first",
                ids.join(", ")
            ),
        ));
    }
    // The ledger says whether it owns none, and gives it none from here on. Organisations are in a stream of their
    // own: where only the first is written, closing it again goes on from there.
    write.origin.prepare(state, Command::CloseOwner(id)).await?;
    write.execute(Command::CloseOrganisation(id)).await?;
    Ok(HttpResponse::Ok().json(OrganisationRead {
        is_deleted: true,
        ..organisation
    }))
}
