import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { auditOf, type Caller, callerBy, idsIn, type Json, made, newCaller } from "./access.testing.ts";

let app: TestApp;
let ann: Caller;
let bob: Caller;
let admin: Caller;
before(async () => {
  app = await testApp({ ABUSE_MODE: "off" });
  ann = await newCaller(app, "usr_ann");
  bob = await newCaller(app, "usr_bob");
  admin = await newCaller(app, "usr_root", "admin");
});
after(() => app.close());

test("the first project of an empty database is number 1, with its budget to the last digit", async () => {
  await using empty = await testApp();
  const anybody = await newCaller(empty, "usr_any");
  const { status, json } = await anybody("POST", "/projects/", {
    name: "Test Project",
    budget_allocated: 100.0,
  });
  assert.equal(status, 201);
  assert.deepEqual(json, {
    id: 1,
    name: "Test Project",
    description: null,
    team_id: null,
    owner_id: "usr_any",
    role: "owner",
    budget_allocated: 100,
    budget_allocated_usd: "100",
    budget_period: "none",
    actual_cost: 0,
    actual_cost_usd: "0",
    created_at: json.created_at,
    archived_at: null,
  });
  assert.match(String(json.created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual((await anybody("GET", "/projects/1")).json, json);
  for (const path of ["/projects", "/projects/"]) {
    assert.deepEqual((await anybody("GET", path)).json, { items: [json], next_cursor: null });
  }
});

test("a list holds one's own projects and nothing of anybody else's; an administrator's holds all", async () => {
  const [anns, bobs] = [
    await made(ann, "/projects", { name: "annex" }),
    await made(bob, "/projects", { name: "bobsled" }),
  ];
  const seenByAnn = await ann("GET", "/projects");
  assert.ok(idsIn(seenByAnn).includes(anns) && !idsIn(seenByAnn).includes(bobs));
  assert.doesNotMatch(seenByAnn.text, /usr_bob|bobsled/);
  const seenByAdmin = idsIn(await admin("GET", "/projects?limit=200"));
  assert.ok(seenByAdmin.includes(anns) && seenByAdmin.includes(bobs));
});

test("pages hold every project once, ascending, and take no other list's cursor", async () => {
  const walker = await newCaller(app, "usr_walker");
  const all: unknown[] = [];
  for (let n = 0; n < 5; n++) all.push(await made(walker, "/projects"));
  const seen: unknown[] = [];
  let path = "/projects?limit=2";
  for (let pages = 1; ; pages++) {
    const page = await walker("GET", path);
    seen.push(...idsIn(page));
    if (page.json.next_cursor === null) {
      assert.equal(pages, 3);
      break;
    }
    path = `/projects?limit=2&cursor=${page.json.next_cursor}`;
  }
  assert.deepEqual(seen, all);
  for (const wrong of [
    path.replace("/projects", "/teams"),
    "/projects?cursor=MQ.AAAA",
    "/projects?limit=0",
  ]) {
    assert.equal((await walker("GET", wrong)).status, 400, wrong);
  }
});

test("a foreign project answers every route as one that never was", async () => {
  const id = await made(bob, "/projects");
  for (const [method, tail, json] of [
    ["GET", "", undefined],
    ["PATCH", "", { name: "mine" }],
    ["DELETE", "", undefined],
    ["GET", "/members", undefined],
    ["POST", "/members", { user_id: "usr_ann", role: "viewer" }],
    ["PATCH", "/members/usr_ann", { role: "viewer" }],
    ["DELETE", "/members/usr_ann", undefined],
  ] as const) {
    const foreign = await ann(method, `/projects/${id}${tail}`, json);
    for (const never of ["999999", "0", "x", "1.0", "9".repeat(40)]) {
      const unknown = await ann(method, `/projects/${never}${tail}`, json);
      assert.deepEqual([unknown.status, unknown.text], [404, foreign.text], `${method} ${never}${tail}`);
    }
    assert.equal(foreign.status, 404);
  }
});

test("each level may do what it may and no more", async () => {
  const id = await made(bob, "/projects");
  const place = `/projects/${id}`;
  const may = { viewer: [200, 403, 403, 403, 403], developer: [200, 403, 403, 403, 403] };
  const table = { ...may, manager: [200, 200, 200, 403, 403] };
  for (const [role, expected] of Object.entries(table)) {
    const caller = await newCaller(app, `usr_${role}`);
    await bob("POST", `${place}/members`, { user_id: `usr_${role}`, role });
    const answers = [
      await caller("GET", place),
      await caller("PATCH", place, { name: role }),
      await caller("PATCH", place, { archived: false, description: "d", budget_allocated: "1" }),
      await caller("PATCH", place, { team_id: null }),
      await caller("DELETE", place),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      expected,
      role,
    );
    assert.equal(answers[0]!.json.role, role);
    assert.ok(answers.every(({ status, json }) => status !== 403 || json.code === "FORBIDDEN"));
  }
  assert.equal((await admin("GET", place)).json.role, "owner");
  assert.equal((await admin("DELETE", place)).status, 204);
  assert.equal((await bob("GET", place)).status, 404);
  assert.equal((await admin("GET", place)).status, 404);
});

test("a key that lacks the scope is refused before anything else", async () => {
  const id = await made(bob, "/projects");
  const reader = await callerBy(app, { userId: "usr_bob", scopes: ["projects:read"] });
  assert.equal((await reader("GET", `/projects/${id}`)).status, 200);
  const refused = await reader("PATCH", `/projects/${id}`, { name: "x" });
  assert.deepEqual([refused.status, refused.json.requiredScope], [403, "projects:write"]);
});

test("a body holds the fields that there are, and every other is named", async () => {
  const id = await made(ann, "/projects");
  for (const field of ["owner_id", "id", "role", "created_at", "archived_at", "actual_cost", "deleted_at"]) {
    for (const [method, path] of [
      ["POST", "/projects"],
      ["PATCH", `/projects/${id}`],
    ] as const) {
      const { status, json } = await ann(method, path, { name: "x", [field]: "usr_ann" });
      assert.equal(status, 400);
      assert.deepEqual([json.code, (json.details as Json[])[0]?.path], ["VALIDATION_FAILED", field]);
    }
  }
  for (const wrong of [{}, { name: "" }, { name: " " }, { name: "x".repeat(201) }, { name: "a\0b" }, []]) {
    assert.equal((await ann("POST", "/projects", wrong)).status, 400, JSON.stringify(wrong));
  }
});

test("what is not sent stays as it is", async () => {
  const id = await made(ann, "/projects", { description: "first", budget_allocated: "0.000000000001" });
  const before = (await ann("GET", `/projects/${id}`)).json;
  assert.deepEqual((await ann("PATCH", `/projects/${id}`, {})).json, before);
  const renamed = (await ann("PATCH", `/projects/${id}`, { name: "second" })).json;
  assert.deepEqual(renamed, { ...before, name: "second" });
  const cleared = (await ann("PATCH", `/projects/${id}`, { description: null })).json;
  assert.deepEqual(cleared, { ...renamed, description: null });
});

test("a key that is bound to a project sees that one, makes none, and sees no team", async () => {
  const [id, other] = [await made(ann, "/projects"), await made(ann, "/projects")];
  await ann("POST", "/teams", { name: "Ann's" });
  const bound = await callerBy(app, { userId: "usr_ann", projectId: id });
  assert.deepEqual(idsIn(await bound("GET", "/projects")), [id]);
  assert.equal((await bound("GET", `/projects/${other}`)).status, 404);
  assert.equal((await bound("PATCH", `/projects/${id}`, { name: "by its key" })).status, 200);
  assert.deepEqual(idsIn(await bound("GET", "/teams")), []);
  for (const path of ["/projects", "/teams"]) {
    assert.equal((await bound("POST", path, { name: "more" })).status, 403);
  }
});

test("what was changed stands in the audit log with before and after", async () => {
  const id = await made(ann, "/projects", { name: "Old", budget_allocated: 1 });
  await ann("PATCH", `/projects/${id}`, { name: "New", description: null, archived: true });
  await ann("PATCH", `/projects/${id}`, { name: "New", budget_allocated: 1, archived: true });
  await ann("PATCH", `/projects/${id}`, { budget_allocated: "2.5", budget_period: "week" });
  await ann("PATCH", `/projects/${id}`, { budget_allocated: null });
  const own = (await auditOf(app)).filter(({ target }) => target === `project ${id}`);
  assert.ok(own.every(({ by }) => by === "usr_ann"));
  assert.deepEqual(
    own.map(({ action, changes }) => [action, changes]),
    [
      ["project.create", { name: [null, "Old"], owner_id: [null, "usr_ann"], team_id: [null, null] }],
      ["budget.change", { allocated_usd: [null, "1"], period: [null, "none"] }],
      ["project.update", { name: ["Old", "New"], archived: [false, true] }],
      ["budget.change", { allocated_usd: ["1", "2.5"], period: ["none", "week"] }],
      ["budget.change", { allocated_usd: ["2.5", null], period: ["week", null] }],
    ],
  );
});

test("changes to different fields at once all hold", async () => {
  const id = await made(ann, "/projects");
  await Promise.all([
    ann("PATCH", `/projects/${id}`, { name: "renamed" }),
    ann("PATCH", `/projects/${id}`, { description: "described" }),
    ann("PATCH", `/projects/${id}`, { budget_allocated: 3 }),
    ann("PATCH", `/projects/${id}`, { archived: true }),
  ]);
  const { name, description, budget_allocated, archived_at } = (await ann("GET", `/projects/${id}`)).json;
  assert.deepEqual([name, description, budget_allocated], ["renamed", "described", 3]);
  assert.notEqual(archived_at, null);
});
