import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Role } from "../identity/principal.ts";
import { grant, userNamed } from "../identity/testing.ts";
import type { MemberRole } from "../store/tables.access.ts";
import { testStore } from "../store/testing.ts";
import { type Caller, isAtLeast, type Level, levels } from "./levels.ts";
import { findProject, levelIn, listProjects } from "./projects.ts";
import { findTeam } from "./teams.ts";
import { memberOf, projectOf, teamOf } from "./testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
for (const id of ["usr_ann", "usr_bob", "usr_eve"]) await userNamed(db, id);
const ann: Caller = { userId: "usr_ann", role: "developer" };
const bob: Caller = { userId: "usr_bob", role: "developer" };

const memberRoles = [undefined, "viewer", "developer", "manager"] as const;

/** What somebody may be, each part from nothing upwards. */
type Parts = {
  readonly role: Role;
  readonly owns: boolean;
  readonly member: MemberRole | undefined;
  readonly ownsTeam: boolean;
  readonly teamMember: MemberRole | undefined;
};

async function everyLevel(): Promise<readonly (readonly [Parts, Level | undefined])[]> {
  const measured: (readonly [Parts, Level | undefined])[] = [];
  for (const ownsTeam of [false, true]) {
    for (const teamMember of memberRoles) {
      const team = await teamOf(db, ownsTeam ? "usr_ann" : "usr_eve");
      if (teamMember !== undefined) await memberOf(db, { kind: "team", id: team }, "usr_ann", teamMember);
      for (const owns of [false, true]) {
        for (const member of memberRoles) {
          const id = await projectOf(db, owns ? "usr_ann" : "usr_eve", { team_id: team });
          if (member !== undefined) await memberOf(db, { kind: "project", id }, "usr_ann", member);
          for (const role of ["viewer", "developer", "manager", "admin"] as const) {
            const level = await levelIn(db, { userId: "usr_ann", role }, id);
            measured.push([{ role, owns, member, ownsTeam, teamMember }, level]);
          }
        }
      }
    }
  }
  return measured;
}

const rankOf = (level: Level | undefined) => (level === undefined ? -1 : levels.indexOf(level));

function isNoMore(one: Parts, other: Parts): boolean {
  return (
    (one.role !== "admin" || other.role === "admin") &&
    Number(one.owns) <= Number(other.owns) &&
    Number(one.ownsTeam) <= Number(other.ownsTeam) &&
    rankOf(one.member) <= rankOf(other.member) &&
    rankOf(one.teamMember) <= rankOf(other.teamMember)
  );
}

test("a level is the highest of all that one is, and no part of it ever lowers it", async () => {
  const measured = await everyLevel();
  assert.equal(measured.length, 256);
  for (const [parts, level] of measured) {
    const { role, owns, member, ownsTeam, teamMember } = parts;
    const each = [role === "admin" || owns ? "owner" : undefined, member, teamMember] as const;
    const highest = Math.max(...each.map(rankOf), ownsTeam ? rankOf("manager") : -1);
    assert.equal(rankOf(level), highest, JSON.stringify(parts));
    for (const [more, higher] of measured) {
      if (isNoMore(parts, more)) assert.ok(rankOf(higher) >= rankOf(level), JSON.stringify([parts, more]));
    }
  }
});

test("each level includes those before it", () => {
  for (const [index, level] of levels.entries()) {
    assert.deepEqual(
      levels.filter((lower) => isAtLeast(level, lower)),
      levels.slice(0, index + 1),
    );
  }
});

test("what is deleted is there for nobody, and a deleted team gives nobody anything", async () => {
  const gone = await projectOf(db, "usr_ann", { deleted_at: new Date(1) });
  for (const role of ["developer", "admin"] as const) {
    assert.equal(await findProject(db, { userId: "usr_ann", role }, gone), undefined);
  }
  const team = await teamOf(db, "usr_bob");
  const project = await projectOf(db, "usr_ann", { team_id: team });
  assert.equal(await levelIn(db, bob, project), "manager");
  await db
    .updateTable("teams")
    .set({ deleted_at: new Date(1) })
    .where("id", "=", team)
    .execute();
  assert.equal(await levelIn(db, bob, project), undefined);
});

test("a key that is bound to a project knows only that one", async () => {
  const [bound, other] = [await projectOf(db, "usr_bob"), await projectOf(db, "usr_bob")];
  const key = grant({ ownerId: "usr_bob", projectId: bound });
  for (const role of ["developer", "admin"] as const) {
    const caller = { userId: "usr_bob", role, key };
    assert.equal(await levelIn(db, caller, bound), "owner");
    assert.equal(await levelIn(db, caller, other), undefined);
    const listed = await listProjects(db, caller, { after: 0, limit: 10 });
    assert.deepEqual(
      listed.map(({ id }) => id),
      [bound],
    );
    assert.deepEqual(await listProjects(db, caller, { after: bound, limit: 10 }), []);
  }
  assert.equal(await levelIn(db, { ...bob, key: grant({ ownerId: "usr_bob" }) }, other), "owner");
});

test("a user beside an app's bound key has there what both have", async () => {
  const id = await projectOf(db, "usr_bob");
  const beside = (projectId: number | null): Caller => ({
    ...ann,
    key: grant({ ownerId: "usr_bob", projectId }),
  });
  assert.equal(await levelIn(db, beside(id), id), undefined, "ann is nothing there");
  await memberOf(db, { kind: "project", id }, "usr_ann", "developer");
  assert.equal(await levelIn(db, beside(id), id), "developer");
  await db.updateTable("projects").set({ owner_id: "usr_eve" }).where("id", "=", id).execute();
  assert.equal(await levelIn(db, beside(id), id), undefined, "bob is nothing there any more");
  await memberOf(db, { kind: "project", id }, "usr_bob", "viewer");
  assert.equal(await levelIn(db, beside(id), id), "viewer");
  assert.equal(await levelIn(db, beside(null), id), "developer", "without a project the key adds nothing");
});

test("lists hold what the caller may see, ascending, in sections", async () => {
  const seen = await listProjects(db, ann, { after: 0, limit: 1_000 });
  const ids = seen.map(({ id }) => id);
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  );
  for (const { id, level } of seen) assert.equal(await levelIn(db, ann, id), level);
  const all = await listProjects(db, { userId: "usr_eve", role: "admin" }, { after: 0, limit: 1_000 });
  for (const { id } of all) assert.equal(ids.includes(id), (await levelIn(db, ann, id)) !== undefined);
  const section = await listProjects(db, ann, { after: ids[2]!, limit: 2 });
  assert.deepEqual(
    section.map(({ id }) => id),
    ids.slice(3, 5),
  );
});

test("a narrow key of an administrator is nobody's owner, and neither is an app's key beside one", async () => {
  const id = await projectOf(db, "usr_ann");
  const team = await teamOf(db, "usr_ann");
  const root = { userId: "usr_bob", role: "admin" } as const;
  const keyOf = (ownerRole: Role, scopes: readonly string[]) =>
    grant({ ownerId: "usr_bob", ownerRole, scopes });
  for (const [caller, level] of [
    [root, "owner"],
    [{ ...root, key: keyOf("admin", ["admin:*"]) }, "owner"],
    [{ ...root, key: keyOf("admin", ["projects:read", "projects:write"]) }, undefined],
    [{ ...root, key: keyOf("developer", ["projects:write", "admin:*"]) }, undefined],
    [{ userId: "usr_eve", role: "developer", key: keyOf("admin", ["admin:*"]) }, undefined],
  ] as const) {
    assert.equal(await levelIn(db, caller, id), level);
    assert.equal((await findTeam(db, caller, team))?.level, level);
  }
});

test("a key bound to a project takes no administrator's rights there that it was not given", async () => {
  const id = await projectOf(db, "usr_ann");
  const bound = (scopes: readonly string[]) =>
    grant({ ownerId: "usr_bob", ownerRole: "admin", projectId: id, scopes });
  assert.equal(await levelIn(db, { ...ann, key: bound(["projects:read"]) }, id), undefined);
  assert.equal(await levelIn(db, { ...ann, key: bound(["projects:read", "admin:*"]) }, id), "owner");
});
