import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, atOnce, type Reply, tally, told } from "./ask.ts";
import { type Instances, startInstances } from "./instances.ts";
import { issueKey, newAdministrator, newPerson, type Person } from "./people.ts";
import { logLines } from "./server.ts";
import { newStores, withoutStores } from "./stores.ts";

const skip = withoutStores();
const ROUNDS = 8;
const REPEATS = 3;
const settings = {
  REGISTRATION_ATTEMPTS_PER_ADDRESS: "",
  LOGIN_ATTEMPTS_PER_ADDRESS: "",
  LOGIN_ATTEMPTS_PER_EMAIL: "",
  LOGIN_ATTEMPTS_PER_EMAIL_AND_ADDRESS: "",
};

type Work = (url: string) => Promise<Reply>;

test("changes of the same people, keys and places at once are all answered, none with a 5xx", {
  skip,
}, async () => {
  await using stores = await newStores();
  await using instances = await startInstances(2, { ...stores.env, ...settings });
  const admin = await newAdministrator(instances.url(0), instances.setupToken!);
  const replies: Reply[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const work = await oneRound(instances, admin, round);
    replies.push(...(await atOnce(work.length, (index) => work[index]!(instances.url(index)))));
  }
  const logged = instances.servers.flatMap(({ stdout }) => logLines(stdout()));
  assert.deepEqual(
    logged.filter(({ level }) => level === "error"),
    [],
  );
  assert.ok(replies.every(({ status }) => status < 500));
  const counts = tally(replies);
  assert.ok(
    ["200", "201", "204", "409"].every((status) => (counts[status] ?? 0) > 0),
    JSON.stringify(counts),
  );
});

/** Everything that two people, and the administrator, can do to the same few things, in an order of the round's own. */
async function oneRound(instances: Instances, admin: Person, round: number): Promise<readonly Work[]> {
  const url = instances.url(0);
  const owner = await newPerson(url, `owner${round}`);
  const member = await newPerson(url, `member${round}`);
  const by =
    ({ token }: Person, line: string, json?: object): Work =>
    (at) =>
      ask(at, line, json === undefined ? { token } : { token, json });
  const made = (line: string, json: object) => told<{ id: number }>(url, line, { token: owner.token, json });
  const { id: team } = await made("POST /teams", { name: "Team" });
  const { id: project } = await made("POST /projects", { name: "P", team_id: team, budget_allocated: 5 });
  const [rotated, bound, changed, moved] = [
    await issueKey(url, owner, { daily_quota: 10 }),
    await issueKey(url, owner, { project_id: project }),
    await issueKey(url, owner, { daily_quota: 10 }),
    await issueKey(url, owner, { project_id: project }),
  ];
  const own: readonly Work[] = [
    by(owner, "POST /auth/api-keys", { name: "new", project_id: project }),
    by(owner, `POST /auth/api-keys/${rotated.id}/rotate`, { grace_seconds: 60 }),
    by(owner, `POST /auth/api-keys/${bound.id}/rotate`, {}),
    by(owner, `PATCH /auth/api-keys/${changed.id}`, { daily_quota: 3 }),
    by(owner, `PATCH /auth/api-keys/${moved.id}`, { project_id: null }),
    by(admin, `DELETE /auth/api-keys/${changed.id}`),
    by(owner, "POST /auth/login", { email: owner.email, password: owner.password }),
    by(owner, "POST /auth/refresh", { refresh_token: owner.refreshToken }),
    by(member, "POST /auth/refresh", { refresh_token: member.refreshToken }),
    by(member, "POST /auth/password", { current_password: member.password, new_password: "password456" }),
    by(owner, `POST /projects/${project}/members`, { user_id: member.id, role: "developer" }),
    by(owner, `PATCH /projects/${project}/members/${member.id}`, { role: "manager" }),
    by(owner, `DELETE /projects/${project}/members/${member.id}`),
    by(owner, `POST /teams/${team}/members`, { user_id: member.id, role: "developer" }),
    by(member, `DELETE /teams/${team}/members/${member.id}`),
    by(owner, `PATCH /projects/${project}`, { budget_allocated: 7 }),
    by(owner, `PATCH /projects/${project}`, { team_id: null }),
  ];
  const ends: readonly Work[] = [
    by(owner, `DELETE /projects/${project}`),
    by(admin, `DELETE /teams/${team}`),
    by(admin, `PATCH /admin/users/${member.id}`, { role: "manager" }),
    by(admin, `PATCH /admin/users/${owner.id}`, { active: false }),
    by(admin, `DELETE /admin/users/${owner.id}`),
    by(admin, `DELETE /admin/users/${member.id}`),
  ];
  const repeated = Array.from({ length: REPEATS }, () => own).flat();
  const work = [...repeated, ...ends, ...own];
  const shift = (round * 17) % work.length;
  return [...work.slice(shift), ...work.slice(0, shift)];
}
