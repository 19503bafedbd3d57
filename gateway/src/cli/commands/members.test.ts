import assert from "node:assert/strict";
import { after, test } from "node:test";
import { projectOf, teamOf } from "../../access/testing.ts";
import { userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = commandDeps(db, 1);
await userNamed(db, "usr_owner");
await userNamed(db, "usr_ann");
const places = [
  { kind: "project", id: String(await projectOf(db, "usr_owner")) },
  { kind: "team", id: String(await teamOf(db, "usr_owner")) },
];

type Json = Record<string, unknown>;
const run = async (name: string, input: object) => (await runDataCommand(deps, name, input)) as Json;
const roles = async (place: object) =>
  ((await run("members list", place)).items as readonly Json[]).map(({ user_id, role }) => [user_id, role]);

for (const place of places) {
  test(`a user is added to a ${place.kind}, given another role and taken out`, async () => {
    const added = await run("members add", { ...place, user: "usr_ann", role: "viewer" });
    assert.deepEqual([added.user_id, added.role], ["usr_ann", "viewer"]);
    await assert.rejects(run("members add", { ...place, user: "usr_ann", role: "viewer" }), {
      code: "CONFLICT",
    });
    const changed = await run("members set-role", { ...place, user: "usr_ann", role: "manager" });
    assert.equal(shownBy("members set-role", changed).text, "usr_ann is manager here now.");
    const both = [
      ["usr_owner", "owner"],
      ["usr_ann", "manager"],
    ];
    assert.deepEqual(await roles(place), both);
    await run("members remove", { ...place, user: "usr_ann" });
    assert.deepEqual(await roles(place), [both[0]]);
    await assert.rejects(run("members remove", { ...place, user: "usr_ann" }), /usr_ann is no member of a/);
  });
}

test("members are named by address too, and every change is in the audit log", async () => {
  const { id } = await run("users create", { email: "ben@example.com" });
  await run("members add", { ...places[0], user: "Ben@example.com", role: "developer" });
  assert.deepEqual((await roles(places[0]!)).at(-1), [id, "developer"]);
  await run("members remove", { ...places[0], user: "ben@example.com" });
  const rows = await db.selectFrom("audit_entries").select("entry").orderBy("seq", "desc").limit(2).execute();
  const noted = rows.map(({ entry }) => JSON.parse(entry) as { action: string; actor: object });
  const actor = { type: "operator", id: "operator" };
  assert.deepEqual(
    noted.map(({ action, actor: by }) => [action, by]),
    [
      ["member.remove", actor],
      ["member.add", actor],
    ],
  );
});

test("what is no place, no user and no role is refused", async () => {
  const [project] = places;
  for (const [name, input] of [
    ["members list", { kind: "project", id: "99999" }],
    ["members list", { kind: "planet", id: "1" }],
    ["members add", { ...project, user: "usr_nobody", role: "viewer" }],
    ["members add", { ...project, user: "usr_ann", role: "owner" }],
    ["members add", { kind: "team", id: "99999", user: "usr_ann", role: "viewer" }],
    ["members set-role", { ...project, user: "usr_ann", role: "viewer" }],
    ["members remove", { kind: "project", id: "x", user: "usr_ann" }],
  ] as const) {
    await assert.rejects(run(name, input), UsageError, `${name} ${JSON.stringify(input)}`);
  }
});
