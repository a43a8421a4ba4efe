// The walk of a certificate with a client generated from the API's document: sign in, device, readings,
// query, transfer of a half, cancellation, claim, lineage. Fails on the first answer that is not what it should be.

import assert from "node:assert/strict";
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./generated/registry.js";

type Bundle = components["schemas"]["GranularCertificateBundleRead"];

const HOUR_MS = 3_600_000;
const START = Date.parse("2024-11-18T10:00:00Z");

function environment(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run this through \`make test.clients\``);
  return value;
}

/** The body of an answer that must have succeeded. */
function good<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  const { data, error, response } = answer;
  assert.ok(data !== undefined, `${response.url} was answered ${response.status}: ${JSON.stringify(error)}`);
  return data;
}

/** The problem document of an answer that must have failed. */
function refused(answer: { error?: components["schemas"]["Problem"]; response: Response }, status: number): string {
  assert.equal(answer.response.status, status);
  assert.ok(answer.error);
  return answer.error.code;
}

const client = createClient<paths>({ baseUrl: environment("REGISTRY_URL") });

const login = good(
  await client.POST("/auth/login", {
    body: { username: environment("REGISTRY_PRODUCER"), password: environment("REGISTRY_PASSWORD") },
  }),
);
const signedIn: Middleware = {
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${login.access_token}`);
    return request;
  },
};
client.use(signedIn);

const me = good(await client.GET("/user/me"));
assert.equal(me.id, login.user_id);
assert.equal(me.role, "PRODUCTION_USER");

// Names are unique in a registry.
const run = `TypeScript ${Date.now()}`;
const open = async (name: string) =>
  good(await client.POST("/account/create", { body: { account_name: `${run} ${name}` } })).id;
const source = await open("wind");
const target = await open("supplier");
good(
  await client.PATCH("/account/update_whitelist/{account_id}", {
    params: { path: { account_id: target } },
    body: { add_to_whitelist: [source] },
  }),
);

const device = good(
  await client.POST("/device/create", {
    body: {
      device_name: "Hill",
      grid: "NESO",
      energy_source: "wind",
      technology_type: "wind_turbine",
      operational_date: "2020-01-01T00:00:00Z",
      capacity: 10,
      peak_demand: 0.1,
      location: "55.7, -4.3",
      is_storage: false,
      account_id: source,
    },
  }),
);
assert.equal(device.capacity, 10);
assert.deepEqual(device.gps_location, { latitude: 55.7, longitude: -4.3 });

const at = (hour: number) => new Date(START + hour * HOUR_MS).toISOString();
const readings = [1000, 2001].map((wh, hour) => ({
  interval_start_datetime: at(hour),
  interval_end_datetime: at(hour + 1),
  interval_usage: wh,
  gross_net_indicator: "NET",
}));
const submitted = good(
  await client.POST("/measurement/submit_readings", { body: { device_id: device.id, readings } }),
);
assert.deepEqual([submitted.accepted, submitted.total_device_usage], [2, 3001]);

async function held(account: number, filters: Partial<components["schemas"]["GranularCertificateQuery"]> = {}) {
  const answer = good(await client.POST("/certificate/query", { body: { source_id: account, ...filters } }));
  const wh = answer.granular_certificate_bundles.reduce((sum, bundle) => sum + bundle.bundle_quantity, 0);
  assert.equal(answer.total_certificate_volume, wh);
  return answer.granular_certificate_bundles;
}
const ids = (bundles: Bundle[]) => bundles.map((bundle) => bundle.id);
const quantities = (bundles: Bundle[]) => bundles.map((bundle) => bundle.bundle_quantity);

const issued = await held(source, { device_id: device.id, certificate_bundle_status: "Active" });
assert.deepEqual(quantities(issued), [1000, 2001]);

// The same request under the same key is carried out once.
const transfer = () =>
  client.POST("/certificate/transfer", {
    params: { header: { "Idempotency-Key": `${run} half`.replaceAll(" ", "-") } },
    body: {
      source_id: source,
      target_id: target,
      granular_certificate_bundle_ids: ids(issued),
      certificate_bundle_percentage: 0.5,
    },
  });
const moved = good(await transfer());
assert.equal(moved.action_type, "transfer");
assert.equal(good(await transfer()).id, moved.id);
const received = await held(target);
assert.deepEqual(quantities(received), [500, 1000]);
assert.deepEqual(quantities(await held(source)), [500, 1001]);

const all = { source_id: target, granular_certificate_bundle_ids: ids(received) };
const tooEarly = await client.POST("/certificate/claim", { body: all });
assert.equal(refused(tooEarly, 409), "bundle_state");
const cancelled = good(
  await client.POST("/certificate/cancel", { body: { ...all, beneficiary: "Example Data Centre" } }),
);
assert.equal(cancelled.total_certificate_volume, 1500);
good(await client.POST("/certificate/claim", { body: all }));

const [first] = ids(received);
assert.ok(first !== undefined);
const claimed = good(await client.GET("/certificate/{id}", { params: { path: { id: first } } }));
assert.equal(claimed.certificate_bundle_status, "Claimed");
assert.equal(claimed.beneficiary, "Example Data Centre");
assert.equal(claimed.energy_source, "wind");

const lineage = good(await client.GET("/certificate/{id}/lineage", { params: { path: { id: first } } }));
const kinds = (lineage.timeline ?? []).map((entry) => entry.kind);
assert.deepEqual(kinds, ["reading", "issuance", "split", "action", "action", "action"]);
const acted = (lineage.timeline ?? []).flatMap((entry) => (entry.kind === "action" ? [entry.action_type] : []));
assert.deepEqual(acted, ["transfer", "cancel", "claim"]);
assert.equal(lineage.bundles.find((bundle) => bundle.id === first)?.hash, claimed.hash);

const unknown = await client.GET("/certificate/{id}", { params: { path: { id: 999_999_999 } } });
assert.equal(refused(unknown, 404), "bundle_not_found");

console.log("TypeScript client: walked from sign-in to lineage");
