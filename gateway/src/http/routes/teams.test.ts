import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { auditOf, type Caller, made, newCaller } from "./access.testing.ts";

let app: TestApp;
let ann: Caller;
let bob: Caller;
let eve: Caller;
before(async () => {
  app = await testApp({ ABUSE_MODE: "off" });
  ann = await newCaller(app, "usr_ann");
  bob = await newCaller(app, "usr_bob");
  eve = await newCaller(app, "usr_eve");
});
after(() => app.close());

const join = (team: number, user_id: string, role: string) =>
  ann("POST", `/teams/${team}/members`, { user_id, role });

test("a team is its maker's, and is read, renamed, listed and deleted", async () => {
  const { status, json } = await ann("POST", "/teams/", { name: "Blue" });
  const team = { id: json.id, name: "Blue", owner_id: "usr_ann", role: "owner", created_at: json.created_at };
  assert.deepEqual([status, json], [201, team]);
  assert.deepEqual((await ann("GET", `/teams/${team.id}`)).json, team);
  const renamed = { ...team, name: "Red" };
  assert.deepEqual((await ann("PATCH", `/teams/${team.id}`, { name: "Red" })).json, renamed);
  assert.deepEqual((await ann("PATCH", `/teams/${team.id}`, {})).json, renamed);
  assert.deepEqual((await ann("GET", "/teams/")).json, { items: [renamed], next_cursor: null });
  assert.deepEqual((await bob("GET", "/teams")).json, { items: [], next_cursor: null });
  assert.equal((await ann("PATCH", `/teams/${team.id}`, { owner_id: "usr_bob" })).status, 400);
  assert.equal((await ann("DELETE", `/teams/${team.id}`)).status, 204);
  assert.equal((await ann("GET", `/teams/${team.id}`)).status, 404);
  const entries = (await auditOf(app)).filter(({ target }) => target === `team ${team.id}`);
  assert.deepEqual(
    entries.map(({ action, changes }) => [action, changes]),
    [
      ["team.create", { name: [null, "Blue"], owner_id: [null, "usr_ann"] }],
      ["team.update", { name: ["Blue", "Red"] }],
      ["team.delete", undefined],
    ],
  );
});

test("a foreign team answers every route as one that never was", async () => {
  const id = await made(ann, "/teams");
  for (const [method, tail, json] of [
    ["GET", "", undefined],
    ["PATCH", "", { name: "mine" }],
    ["DELETE", "", undefined],
    ["GET", "/members", undefined],
    ["POST", "/members", { user_id: "usr_bob", role: "viewer" }],
    ["PATCH", "/members/usr_bob", { role: "viewer" }],
    ["DELETE", "/members/usr_bob", undefined],
  ] as const) {
    const [foreign, unknown] = [
      await bob(method, `/teams/${id}${tail}`, json),
      await bob(method, `/teams/999999${tail}`, json),
    ];
    assert.deepEqual([foreign.status, foreign.text], [404, unknown.text], method + tail);
  }
  for (const [method, path, json] of [
    ["POST", "/projects", { name: "x", team_id: id }],
    ["PATCH", `/projects/${await made(bob, "/projects")}`, { team_id: id }],
  ] as const) {
    const foreign = await bob(method, path, json);
    const unknown = await bob(method, path, { ...json, team_id: 999_999 });
    assert.deepEqual([foreign.status, foreign.text], [404, unknown.text]);
  }
});

test("who is in a team is the same in its projects, and its owner manages them", async () => {
  const team = await made(ann, "/teams");
  await join(team, "usr_bob", "manager");
  await join(team, "usr_eve", "viewer");
  const project = await made(bob, "/projects", { team_id: team });
  const roles = await Promise.all([ann, bob, eve].map((who) => who("GET", `/projects/${project}`)));
  assert.deepEqual(
    roles.map(({ json }) => json.role),
    ["manager", "owner", "viewer"],
  );
  assert.equal((await eve("PATCH", `/projects/${project}`, { name: "x" })).status, 403);
  await ann("PATCH", `/teams/${team}/members/usr_eve`, { role: "developer" });
  assert.equal((await eve("GET", `/projects/${project}`)).json.role, "developer");
  assert.equal((await ann("DELETE", `/teams/${team}/members/usr_eve`)).status, 204);
  assert.equal((await eve("GET", `/projects/${project}`)).status, 404);
});

test("each level of a team may do what it may and no more", async () => {
  const team = await made(ann, "/teams");
  for (const [role, rename] of [
    ["viewer", 403],
    ["developer", 403],
    ["manager", 200],
  ] as const) {
    const who = await newCaller(app, `usr_${role}`);
    await join(team, `usr_${role}`, role);
    assert.equal((await who("GET", `/teams/${team}`)).json.role, role);
    assert.equal((await who("PATCH", `/teams/${team}`, { name: role })).status, rename);
    assert.equal((await who("DELETE", `/teams/${team}`)).status, 403);
    const put = await who("POST", "/projects", { name: "x", team_id: team });
    assert.equal(put.status, role === "manager" ? 201 : 403);
  }
});

test("only a project's owner moves it, and only into a team that it manages", async () => {
  const [managed, joined] = [await made(ann, "/teams"), await made(ann, "/teams")];
  await join(managed, "usr_bob", "manager");
  await join(joined, "usr_bob", "developer");
  const project = await made(bob, "/projects");
  const moved = async (who: Caller, team_id: number | null) => {
    const { status, json } = await who("PATCH", `/projects/${project}`, { team_id });
    return status === 200 ? json.team_id : status;
  };
  assert.equal(await moved(bob, joined), 403);
  assert.equal(await moved(bob, managed), managed);
  assert.equal(await moved(ann, null), 403, "a manager by the team is no owner");
  assert.equal(await moved(bob, null), null);
  assert.equal((await ann("GET", `/projects/${project}`)).status, 404);
});

test("a deleted team leaves its projects to their owners, and the log says so", async () => {
  const team = await made(ann, "/teams");
  await join(team, "usr_bob", "manager");
  const project = await made(bob, "/projects", { team_id: team });
  assert.equal((await bob("DELETE", `/teams/${team}`)).status, 403);
  assert.equal((await ann("DELETE", `/teams/${team}`)).status, 204);
  const { json } = await bob("GET", `/projects/${project}`);
  assert.deepEqual([json.team_id, json.owner_id, json.role], [null, "usr_bob", "owner"]);
  assert.equal((await ann("GET", `/projects/${project}`)).status, 404);
  const last = (await auditOf(app)).at(-1);
  assert.deepEqual(
    [last?.action, last?.target, last?.changes],
    ["project.update", `project ${project}`, { team_id: [team, null] }],
  );
});

test("a team that is deleted while projects are put in it keeps none of them", async () => {
  for (let round = 0; round < 5; round++) {
    const team = await made(ann, "/teams");
    const existing = await made(ann, "/projects", { team_id: team });
    const loose = await made(ann, "/projects");
    const answers = await Promise.all([
      ann("POST", "/projects", { name: "new", team_id: team }),
      ann("PATCH", `/projects/${loose}`, { team_id: team }),
      ann("DELETE", `/teams/${team}`),
      ann("PATCH", `/projects/${existing}`, { team_id: team }),
      ann("POST", "/projects", { name: "new", team_id: team }),
    ]);
    for (const { status } of answers) assert.ok([200, 201, 204, 404].includes(status), String(status));
    const left = await app.store.db.selectFrom("projects").where("team_id", "=", team).select("id").execute();
    assert.deepEqual(left, []);
  }
});
