import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { ask, atOnce, told } from "./ask.ts";
import { type Form, INTERNAL_TOKEN, manage } from "./management.ts";
import { newHome, startTollgate } from "./server.ts";

const home = await newHome();
const server = await startTollgate({
  home,
  env: {
    INTERNAL_API_TOKEN: INTERNAL_TOKEN,
    IP_RATE_LIMIT_PER_MINUTE: "",
    ABUSE_MODE: "off",
    GOOGLE_CLIENT_IDS: "form",
    GOOGLE_JWKS_URL: "http://127.0.0.1:9/keys",
    OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
    LOGIN_ATTEMPTS_PER_ADDRESS: "",
    LOGIN_ATTEMPTS_PER_EMAIL: "",
    LOGIN_ATTEMPTS_PER_EMAIL_AND_ADDRESS: "",
    REGISTRATION_ATTEMPTS_PER_ADDRESS: "",
  },
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
const { url } = server;
const { forms, admin, send, snapshot } = await manage(server);

type Schema = { readonly properties?: object; readonly items?: Schema; readonly anyOf?: readonly Schema[] };
type Operation = {
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: Schema } } };
};
const { paths } = await told<{ paths: Record<string, Record<string, Operation>> }>(url, "GET /openapi.json");
const bodies: ReadonlyMap<string, Schema> = new Map(
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) =>
      requestBody === undefined
        ? []
        : [[`${method.toUpperCase()} ${path}`, requestBody.content["application/json"].schema] as const],
    ),
  ),
);

/** Their bodies go to providers and commands. */
const others = [
  "POST /v1/chat/completions",
  "POST /v1/responses",
  "POST /v1/embeddings",
  "POST /v1/messages",
  "POST /v1/messages/count_tokens",
  "POST /admin/commands/{command}",
  "POST /operator/commands/{command}",
];

test("these forms are all the management endpoints that take a body", () => {
  const named = [...forms.map(({ name }) => name), ...others];
  const known = [...bodies.keys()].map((name) => name.replace(/\/$/, ""));
  assert.deepEqual([...new Set(known)].toSorted(), named.toSorted());
});

/** What nobody may say of themselves or of what they make. */
const forbidden: Readonly<Record<string, unknown>> = {
  role: "admin",
  user_id: "usr_dev",
  owner_id: "usr_dev",
  id: 1,
  created_by: "usr_dev",
  created_at: "2020-01-01T00:00:00.000Z",
  quota_group: 1,
  daily_usage: 0,
  usage_day: "2020-01-01",
  active: true,
  is_active: true,
  revoked_at: null,
  last_used_at: null,
  prefix: "AAAAAAAAAAAA",
  key: "sk-chosen",
  digest: "00",
  password_hash: "x",
  email_verified_at: "2020-01-01T00:00:00.000Z",
  is_admin: true,
  team_owner: "usr_dev",
  spent: 0,
  actual_cost: 0,
  constructor: 1,
};

test("a field that is not the endpoint's is refused everywhere, and nothing changes", async () => {
  const before = await snapshot();
  for (const form of forms) {
    const own = fieldsOf(bodies.get(form.name)!);
    const foreign = Object.entries(forbidden).filter(([name]) => !own.has(name));
    await Promise.all(
      foreign.map(async ([name, value]) => {
        const { status, code } = await send(form, extended(form.body, { [name]: value }));
        assert.deepEqual([status, code], [400, "VALIDATION_FAILED"], `${form.name} takes ${name}`);
      }),
    );
  }
  assert.equal(await snapshot(), before);
});

test("scopes that there are not, and roles above what an endpoint gives, are refused", async () => {
  const before = await snapshot();
  const form = (name: string) => forms.find((one) => one.name === name)!;
  for (const scopes of [["*"], ["admin"], ["all"], ["admin:*", "*"], "admin:*", [["admin:*"]], [null]]) {
    assert.equal((await send(form("POST /auth/api-keys"), { name: "K", scopes })).status, 400);
    assert.equal((await send(form("PATCH /auth/api-keys/{id}"), { scopes })).status, 400);
  }
  for (const role of ["owner", "admin", "", null, 1, ["viewer"]]) {
    for (const name of ["PATCH /teams/{id}/members/{userId}", "PATCH /projects/{id}/members/{userId}"]) {
      assert.equal((await send(form(name), { role })).status, 400, `${name} takes ${role}`);
    }
  }
  assert.equal(await snapshot(), before);
});

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      "",
      " ",
      "\0",
      "a\0b",
      "x".repeat(5_000),
      "%00",
      0.1,
      1e-300,
      1e300,
      2 ** 63,
      -0,
      0.000_000_000_000_1,
    ],
    ...[{}, [[]], [null], { $ne: 1 }, { toString: 1 }, nested(30), nested(60)],
    ...["0.0.0.0/0", "300.0.0.0/8", ["::/0", "10.0.0.0/33"], "admin:*", "sk-tg1_"],
  ),
  fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }),
);
/** What gets past a first look at its type. */
const plausible = fc.constantFrom<unknown>(
  ...[
    "\ud800",
    "a\udfff\ud800b",
    "x".repeat(200),
    "𝒳\u202e\u0301\u0085",
    "' or 1=1 --",
    "$1",
    "\\",
    "😀".repeat(8),
  ],
  ...[0, 1, -1, 2 ** 31, 2 ** 53 - 1, 604_800, 1_000_000_000, 999_999_999_999, "999999999999.999999999999"],
  ...[null, true, false, [], ["::/0"], ["*"], ["\ud800/x"], ["projects:read"], ["admin:*"]],
  ...[
    "2999-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999+14:00",
    "usr_dev",
    "a@b.co",
    "viewer",
    "manager",
    "day",
  ],
);

/** Some bodies are always empty. */
const withFields = forms.filter(({ name }) => fieldsOf(bodies.get(name)!).size > 0);

/** A well-formed body of some endpoint in which something is something else. */
const mutated = fc.constantFrom(...withFields).chain((form) => {
  const names = [...fieldsOf(bodies.get(form.name)!)];
  const changed = (name: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>) =>
    fc.dictionary(name, value, { minKeys: 1, maxKeys: 2 }).map((changes) => extended(form.body, changes));
  const body = fc.oneof(
    { weight: 5, arbitrary: changed(fc.constantFrom(...names), plausible) },
    { weight: 3, arbitrary: changed(fc.constantFrom(...names), odd) },
    { weight: 1, arbitrary: changed(fc.constantFrom("__proto__", "constructor", "", "\0"), odd) },
    { weight: 1, arbitrary: odd },
  );
  return body.map((json) => ({ form, json }));
});

test("1,500 odd bodies to all management endpoints are each answered, and never with a 5xx", async () => {
  const samples = fc.sample(mutated, { numRuns: 1_500, seed: 20_261_122 });
  const seen = new Map<number, number>();
  const next = samples.values();
  await atOnce(16, async () => {
    for (const { form, json } of next) {
      const { status, text } = await send(form, json);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      assert.ok(status < 500, `${form.name} ${JSON.stringify(json)}: ${status} ${text}`);
    }
  });
  assert.ok((seen.get(400) ?? 0) > 500 && (seen.get(200) ?? 0) > 10, JSON.stringify([...seen]));
});

const oddIds = [
  ...[
    "%00",
    "a%00b",
    "%ed%a0%80",
    "%ff",
    "%20",
    "-1",
    "0",
    "1e9",
    "1.5",
    "NaN",
    "99999999999999999999",
    "__proto__",
  ],
  ...[
    "%F0%9F%98%80",
    "'%20or%201=1--",
    "x".repeat(250),
    "00000000-0000-7000-8000-000000000000",
    "AAAAAAAAAAAA",
  ],
];

test("an id that cannot be one is not there, and never a 5xx", async () => {
  const named = Object.entries(paths).filter(([path]) => path.includes("{") && !path.includes("/commands/"));
  for (const [path, operations] of named) {
    const token = path.startsWith("/internal/") ? INTERNAL_TOKEN : admin.token;
    for (const method of ["get", "delete"].filter((method) => method in operations)) {
      await Promise.all(
        oddIds.map(async (id) => {
          const place = path.replace(/\{\w+\}/g, id);
          const { status, text } = await ask(url, `${method.toUpperCase()} ${place}`, { token });
          assert.ok(status === 404 || status === 400, `${method} ${place}: ${status} ${text}`);
        }),
      );
    }
  }
});

test("after all of this the server lives, and nothing went wrong inside it", async () => {
  assert.equal((await ask(url, "GET /readyz")).status, 200);
  assert.equal(server.stderr(), "");
  assert.ok(!server.stdout().includes('"level":"error"'), server.stdout().slice(-2000));
});

function fieldsOf({ properties = {}, items, anyOf = [] }: Schema): ReadonlySet<string> {
  const inner = [...anyOf, ...(items === undefined ? [] : [items])].flatMap((one) => [...fieldsOf(one)]);
  return new Set([...Object.keys(properties), ...inner]);
}

/** Of a list, its first item. */
function extended(body: Form["body"], fields: object): unknown {
  return Array.isArray(body) ? [{ ...body[0], ...fields }] : { ...(body as object), ...fields };
}
