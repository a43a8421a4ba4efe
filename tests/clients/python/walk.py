"""The walk of a certificate with a client generated from the API's document: sign in, device, readings,
query, transfer of a half, cancellation, claim, lineage. Fails on the first answer that is not what it should be."""

import datetime as dt
import os
import time
from typing import Any, TypeVar

from generated.registry_client import AuthenticatedClient, Client
from generated.registry_client.api.accounts import create_account, update_whitelist
from generated.registry_client.api.certificates import (
    cancel_certificates,
    claim_certificates,
    get_certificate,
    get_certificate_lineage,
    query_certificates,
    transfer_certificates,
)
from generated.registry_client.api.devices import create_device
from generated.registry_client.api.measurements import submit_readings
from generated.registry_client.api.sign_in import login
from generated.registry_client.api.users import get_me
from generated.registry_client import models
from generated.registry_client.types import Response

Expected = TypeVar("Expected")

START = dt.datetime(2024, 11, 18, 10, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)


def good(answer: Response[Any], expected: type[Expected]) -> Expected:
    """The body of an answer that must have succeeded."""
    assert isinstance(answer.parsed, expected), f"answered {answer.status_code}: {answer.content!r}"
    return answer.parsed


def refused(answer: Response[Any], status: int) -> str:
    """The code of an answer that must have failed."""
    assert answer.status_code == status, f"answered {answer.status_code}: {answer.content!r}"
    assert isinstance(answer.parsed, models.Problem)
    return answer.parsed.code


def held(client: AuthenticatedClient, account: int) -> list[models.GranularCertificateBundleRead]:
    """The bundles of an account, in order of production."""
    question = models.GranularCertificateQuery(source_id=account)
    answer = good(
        query_certificates.sync_detailed(client=client, body=question), models.GranularCertificateQueryRead
    )
    bundles = answer.granular_certificate_bundles
    assert answer.total_certificate_volume == sum(bundle.bundle_quantity for bundle in bundles)
    return bundles


def main() -> None:
    url = os.environ["REGISTRY_URL"]
    credentials = models.LoginRequest(
        username=os.environ["REGISTRY_PRODUCER"], password=os.environ["REGISTRY_PASSWORD"]
    )
    token = good(login.sync_detailed(client=Client(base_url=url), body=credentials), models.LoginResponse)
    client = AuthenticatedClient(base_url=url, token=token.access_token)
    me = good(get_me.sync_detailed(client=client), models.UserRead)
    assert (me.id, me.role) == (token.user_id, "PRODUCTION_USER")

    # Names are unique in a registry.
    run = f"Python {time.time_ns()}"

    def opened(name: str) -> int:
        account = models.CreateAccount(account_name=f"{run} {name}")
        return good(create_account.sync_detailed(client=client, body=account), models.AccountRead).id

    source, target = opened("wind"), opened("supplier")
    whitelist = models.UpdateWhitelist(add_to_whitelist=[source])
    good(update_whitelist.sync_detailed(target, client=client, body=whitelist), models.AccountRead)

    turbine = models.CreateDevice(
        device_name="Hill",
        grid="NESO",
        energy_source="wind",
        technology_type="wind_turbine",
        operational_date=dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc),
        capacity=10,
        peak_demand=0.1,
        location="55.7, -4.3",
        is_storage=False,
        account_id=source,
    )
    device = good(create_device.sync_detailed(client=client, body=turbine), models.DeviceRead)
    assert device.capacity == 10
    assert isinstance(device.gps_location, models.Position)
    assert (device.gps_location.latitude, device.gps_location.longitude) == (55.7, -4.3)

    readings = [
        models.Reading(
            interval_start_datetime=START + hour * HOUR,
            interval_end_datetime=START + (hour + 1) * HOUR,
            interval_usage=wh,
            gross_net_indicator="NET",
        )
        for hour, wh in enumerate([1000, 2001])
    ]
    submission = models.SubmitReadings(device_id=device.id, readings=readings)
    submitted = good(submit_readings.sync_detailed(client=client, body=submission), models.ReadingsSubmitted)
    assert (submitted.accepted, submitted.total_device_usage) == (2, 3001)

    issued = held(client, source)
    assert [bundle.bundle_quantity for bundle in issued] == [1000, 2001]
    assert issued[0].production_starting_interval == START

    half = models.TransferRequest(
        source_id=source,
        target_id=target,
        granular_certificate_bundle_ids=[bundle.id for bundle in issued],
        certificate_bundle_percentage=0.5,
    )
    # The same request under the same key is carried out once.
    key = f"{run}-half".replace(" ", "-")
    moved, again = (
        good(
            transfer_certificates.sync_detailed(client=client, body=half, idempotency_key=key),
            models.ActionRead,
        )
        for _ in range(2)
    )
    assert moved.action_type == "transfer" and again.id == moved.id
    received = held(client, target)
    assert [bundle.bundle_quantity for bundle in received] == [500, 1000]
    assert [bundle.bundle_quantity for bundle in held(client, source)] == [500, 1001]

    ids = [bundle.id for bundle in received]
    claim = models.ClaimRequest(source_id=target, granular_certificate_bundle_ids=ids)
    too_early = claim_certificates.sync_detailed(client=client, body=claim)
    assert refused(too_early, 409) == "bundle_state"
    cancellation = models.CancelRequest(
        source_id=target, granular_certificate_bundle_ids=ids, beneficiary="Example Data Centre"
    )
    cancelled = good(cancel_certificates.sync_detailed(client=client, body=cancellation), models.ActionRead)
    assert cancelled.total_certificate_volume == 1500
    good(claim_certificates.sync_detailed(client=client, body=claim), models.ActionRead)

    claimed = good(
        get_certificate.sync_detailed(ids[0], client=client), models.GranularCertificateBundleReadFull
    )
    assert claimed.certificate_bundle_status == "Claimed"
    assert claimed.beneficiary == "Example Data Centre"
    assert claimed.energy_source == "wind"
    lineage = good(get_certificate_lineage.sync_detailed(ids[0], client=client), models.Lineage)
    assert lineage.timeline is not None
    kinds = [entry.kind for entry in lineage.timeline]
    assert kinds == ["reading", "issuance", "split", "action", "action", "action"]
    acted = [entry.action_type for entry in lineage.timeline if isinstance(entry, models.LineageAction)]
    assert acted == ["transfer", "cancel", "claim"]
    assert {bundle.id: bundle.hash_ for bundle in lineage.bundles}[ids[0]] == claimed.hash_
    unknown = get_certificate.sync_detailed(999_999_999, client=client)
    assert refused(unknown, 404) == "bundle_not_found"
    print("Python client: walked from sign-in to lineage")


if __name__ == "__main__":
    main()
