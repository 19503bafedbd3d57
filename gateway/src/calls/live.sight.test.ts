import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Caller } from "../access/levels.ts";
import { findProject } from "../access/projects.ts";
import { findTeam } from "../access/teams.ts";
import { memberOf, projectOf, teamOf } from "../access/testing.ts";
import { grant, userNamed } from "../identity/testing.ts";
import { testStore } from "../store/testing.ts";
import type { LiveEvent } from "../telemetry/live.log.ts";
import { sightOf } from "./live.sight.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;

for (const id of ["usr_owner", "usr_member", "usr_team", "usr_lead", "usr_ann", "usr_stranger"]) {
  await userNamed(db, id);
}
await userNamed(db, "usr_admin", "admin");
const team = await teamOf(db, "usr_lead");
await memberOf(db, { kind: "team", id: team }, "usr_team", "viewer");
const project = await projectOf(db, "usr_owner", { team_id: team });
await memberOf(db, { kind: "project", id: project }, "usr_member", "viewer");
const other = await projectOf(db, "usr_owner");
const deleted = await projectOf(db, "usr_owner", { deleted_at: new Date(0) });

const event = (concerned: Partial<LiveEvent>): LiveEvent => ({
  place: [1, 1],
  id: "x",
  text: "{}",
  projectId: null,
  teamId: null,
  userId: null,
  ...concerned,
});
const events = {
  "a project's": event({ projectId: project }),
  "another project's": event({ projectId: other }),
  "a deleted project's": event({ projectId: deleted }),
  "a team's": event({ teamId: team }),
  "a user's": event({ userId: "usr_ann" }),
  "the platform's": event({}),
};
type EventName = keyof typeof events;

const person = (userId: string): Caller => ({ userId, role: "developer" });
const withKey = (caller: Caller, key: Parameters<typeof grant>[0]): Caller => ({
  ...caller,
  key: grant(key),
});
const admin: Caller = { userId: "usr_admin", role: "admin" };
const ofAdmin = { ownerId: "usr_admin", ownerRole: "admin" } as const;
const ofAnn = { ownerId: "usr_ann", scopes: ["events:read"] };
const ofOwner = { ownerId: "usr_owner", scopes: ["events:read"] };
const bound = { projectId: project };

const viewers: Readonly<Record<string, readonly [Caller, readonly EventName[]]>> = {
  "an administrator": [admin, Object.keys(events) as EventName[]],
  "an administrator's key with admin:*": [
    withKey(admin, { ...ofAdmin, scopes: ["events:read", "admin:*"] }),
    Object.keys(events) as EventName[],
  ],
  "an administrator's narrow key": [withKey(admin, { ...ofAdmin, scopes: ["events:read"] }), []],
  "the project's owner": [person("usr_owner"), ["a project's", "another project's"]],
  "a viewer of the project": [person("usr_member"), ["a project's"]],
  "a viewer of its team": [person("usr_team"), ["a project's", "a team's"]],
  "the team's owner": [person("usr_lead"), ["a project's", "a team's"]],
  "the user": [person("usr_ann"), ["a user's"]],
  "the user's key": [withKey(person("usr_ann"), ofAnn), ["a user's"]],
  "a stranger": [person("usr_stranger"), []],
  "a member's key bound to the project": [
    withKey(person("usr_owner"), { ...ofOwner, ...bound }),
    ["a project's"],
  ],
  "an administrator's key bound to the project": [
    withKey(admin, { ...ofAdmin, ...bound, scopes: ["events:read", "admin:*"] }),
    ["a project's"],
  ],
  "a stranger beside a member's bound key": [withKey(person("usr_stranger"), { ...ofOwner, ...bound }), []],
  "a member beside a stranger's bound key": [withKey(person("usr_member"), { ...ofAnn, ...bound }), []],
  "a member beside another member's bound key": [
    withKey(person("usr_member"), { ...ofOwner, ...bound }),
    ["a project's"],
  ],
};

test("everybody sees exactly the events that concern them", async (t) => {
  const callers = Object.values(viewers).map(([caller]) => caller);
  const sees = await sightOf(db, callers, Object.values(events));
  for (const [name, [caller, seen]] of Object.entries(viewers)) {
    await t.test(name, () => {
      const found = Object.entries(events).filter(([, one]) => sees(caller, one));
      assert.deepEqual(
        found.map(([what]) => what),
        seen,
      );
    });
  }
});

test("who hears of a project or team is who may read it", async () => {
  for (const [name, [caller]] of Object.entries(viewers)) {
    const sees = await sightOf(db, [caller], Object.values(events));
    for (const [what, one] of Object.entries(events)) {
      const { projectId, teamId } = one;
      // Administrators hear of deleted projects too.
      if ((projectId === null && teamId === null) || projectId === deleted) continue;
      const found =
        projectId === null ? await findTeam(db, caller, teamId!) : await findProject(db, caller, projectId);
      assert.equal(sees(caller, one), found !== undefined, `${name}, ${what}`);
    }
  }
});
