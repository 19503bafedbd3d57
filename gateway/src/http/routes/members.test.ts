import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { auditOf, type Caller, type Json, newCaller } from "./access.testing.ts";

let app: TestApp;
let ann: Caller;
let bob: Caller;
let eve: Caller;
let admin: Caller;
before(async () => {
  app = await testApp({ ABUSE_MODE: "off" });
  ann = await newCaller(app, "usr_ann");
  bob = await newCaller(app, "usr_bob");
  eve = await newCaller(app, "usr_eve");
  admin = await newCaller(app, "usr_root", "admin");
  await app.store.db
    .updateTable("users")
    .set({ email: "Eve@example.com", email_norm: "eve@example.com" })
    .where("id", "=", "usr_eve")
    .execute();
});
after(() => app.close());

for (const kind of ["project", "team"] as const) {
  async function newPlace(): Promise<string> {
    const { json } = await ann("POST", `/${kind}s`, { name: "Test" });
    return `/${kind}s/${json.id}`;
  }
  const add = (by: Caller, place: string, user_id: string, role: string) =>
    by("POST", `${place}/members`, { user_id, role });
  const roles = async (by: Caller, place: string) =>
    ((await by("GET", `${place}/members`)).json.items as Json[]).map(({ user_id, role }) => [user_id, role]);

  test(`the members of a ${kind} are listed, its owner first, in pages`, async () => {
    const place = await newPlace();
    for (const id of ["usr_root", "usr_eve", "usr_bob"]) await add(ann, place, id, "viewer");
    const expected = ["usr_ann", "usr_bob", "usr_eve", "usr_root"];
    assert.deepEqual(
      (await roles(ann, place)).map(([id]) => id),
      expected,
    );
    const seen: unknown[] = [];
    let cursor = "";
    do {
      const { json } = await bob("GET", `${place}/members/?limit=1${cursor}`);
      seen.push(...(json.items as Json[]).map(({ user_id }) => user_id));
      cursor = json.next_cursor === null ? "" : `&cursor=${json.next_cursor}`;
    } while (cursor !== "");
    assert.deepEqual(seen, expected);
  });

  test(`a member of a ${kind} is named by id or by e-mail address, and exists`, async () => {
    const place = await newPlace();
    const added = await ann("POST", `${place}/members`, { email: " EVE@example.com", role: "developer" });
    assert.equal(added.status, 201, added.text);
    const { added_at } = added.json;
    const eveHere = { user_id: "usr_eve", name: "usr_eve", email: "Eve@example.com", role: "developer" };
    assert.deepEqual(added.json, { ...eveHere, added_at });
    for (const unknown of [{ user_id: "usr_nobody" }, { email: "nobody@example.com" }]) {
      const { status, json } = await ann("POST", `${place}/members`, { ...unknown, role: "viewer" });
      assert.deepEqual([status, json.code], [404, "NOT_FOUND"]);
      assert.match(String(json.message), /no such user/);
    }
    for (const wrong of [
      { role: "viewer" },
      { user_id: "usr_bob" },
      { user_id: "usr_bob", role: "owner" },
      { user_id: "usr_bob", role: "admin" },
      { user_id: "usr_bob", email: "eve@example.com", role: "viewer" },
      { user_id: "usr_bob", role: "viewer", added_at: "2020-01-01T00:00:00Z" },
      { user_id: "usr\0bob", role: "viewer" },
    ]) {
      assert.equal((await ann("POST", `${place}/members`, wrong)).status, 400, JSON.stringify(wrong));
    }
  });

  test(`e-mail addresses in a ${kind} are shown to its managers only`, async () => {
    const place = await newPlace();
    await add(ann, place, "usr_eve", "viewer");
    await add(ann, place, "usr_bob", "developer");
    assert.match((await ann("GET", `${place}/members`)).text, /Eve@example.com/);
    assert.doesNotMatch((await bob("GET", `${place}/members`)).text, /example.com/);
    await ann("PATCH", `${place}/members/usr_bob`, { role: "manager" });
    assert.match((await bob("GET", `${place}/members`)).text, /Eve@example.com/);
  });

  test(`whoever belongs to a ${kind} already is not added again, also when two do it at once`, async () => {
    const place = await newPlace();
    const twice = await Promise.all([
      add(ann, place, "usr_bob", "viewer"),
      add(ann, place, "usr_bob", "manager"),
    ]);
    assert.deepEqual(twice.map(({ status }) => status).toSorted(), [201, 409]);
    await add(ann, place, "usr_eve", "manager");
    const owner = await add(eve, place, "usr_ann", "viewer");
    assert.deepEqual([owner.status, owner.json.code], [409, "CONFLICT"]);
  });

  test(`managers of a ${kind} add, change and remove others, managers too, but never its owner`, async () => {
    const place = await newPlace();
    await add(ann, place, "usr_bob", "manager");
    assert.equal((await add(bob, place, "usr_eve", "manager")).status, 201);
    const changed = await bob("PATCH", `${place}/members/usr_eve`, { role: "viewer" });
    assert.deepEqual([changed.status, changed.json.role], [200, "viewer"]);
    assert.equal((await bob("DELETE", `${place}/members/usr_eve`)).status, 204);
    assert.equal((await bob("PATCH", `${place}/members/usr_ann`, { role: "viewer" })).status, 403);
    assert.equal((await bob("DELETE", `${place}/members/usr_ann`)).status, 403);
    for (const [method, json] of [
      ["PATCH", { role: "viewer" }],
      ["DELETE", undefined],
    ] as const) {
      const { status, json: error } = await bob(method, `${place}/members/usr_eve`, json);
      assert.deepEqual([status, error.message], [404, "There is no such member here."]);
    }
    assert.deepEqual(await roles(ann, place), [
      ["usr_ann", "owner"],
      ["usr_bob", "manager"],
    ]);
  });

  test(`below manager nobody changes who belongs to a ${kind}`, async () => {
    const place = await newPlace();
    await add(ann, place, "usr_eve", "viewer");
    for (const role of ["viewer", "developer"]) {
      await ann("DELETE", `${place}/members/usr_bob`);
      await add(ann, place, "usr_bob", role);
      for (const refused of [
        await add(bob, place, "usr_root", "viewer"),
        await bob("PATCH", `${place}/members/usr_eve`, { role: "manager" }),
        await bob("PATCH", `${place}/members/usr_bob`, { role: "manager" }),
        await bob("DELETE", `${place}/members/usr_eve`),
      ]) {
        assert.deepEqual([refused.status, refused.json.code], [403, "FORBIDDEN"]);
      }
    }
  });

  test(`nobody changes their own role in a ${kind}, and everybody but its owner may leave`, async () => {
    const place = await newPlace();
    await add(ann, place, "usr_bob", "manager");
    await add(ann, place, "usr_eve", "viewer");
    await add(ann, place, "usr_root", "viewer");
    for (const [who, id] of [
      [ann, "usr_ann"],
      [bob, "usr_bob"],
      [admin, "usr_root"],
    ] as const) {
      assert.equal((await who("PATCH", `${place}/members/${id}`, { role: "viewer" })).status, 403, id);
    }
    assert.equal((await ann("DELETE", `${place}/members/usr_ann`)).status, 403);
    assert.equal((await eve("DELETE", `${place}/members/usr_eve`)).status, 204);
    assert.equal((await eve("GET", place)).status, 404);
    assert.equal((await bob("DELETE", `${place}/members/usr_bob`)).status, 204);
  });

  test(`whoever is added to a ${kind} by id only is answered without the address that goes with it`, async () => {
    const place = await newPlace();
    const { json } = await add(ann, place, "usr_eve", "viewer");
    assert.deepEqual([json.user_id, json.email], ["usr_eve", null]);
  });

  test(`nobody adds themselves to a ${kind}, neither its owner nor who sees it otherwise`, async () => {
    const place = await newPlace();
    await add(ann, place, "usr_bob", "manager");
    for (const [who, id] of [
      [ann, "usr_ann"],
      [bob, "usr_bob"],
      [admin, "usr_root"],
    ] as const) {
      const { status, json } = await add(who, place, id, "manager");
      assert.deepEqual([status, json.code], [403, "FORBIDDEN"]);
    }
  });

  test(`an erased user is no member of a ${kind}`, async () => {
    const place = await newPlace();
    const gone = `usr_gone_${kind}`;
    await newCaller(app, gone);
    await add(ann, place, gone, "viewer");
    await app.store.db.updateTable("users").set({ erased_at: new Date() }).where("id", "=", gone).execute();
    assert.deepEqual(await roles(ann, place), [["usr_ann", "owner"]]);
    assert.equal((await ann("DELETE", `${place}/members/${gone}`)).status, 404);
  });

  test(`every change of who belongs to a ${kind} is in the audit log`, async () => {
    const place = await newPlace();
    const before = (await auditOf(app)).length;
    await add(ann, place, "usr_bob", "viewer");
    await ann("PATCH", `${place}/members/usr_bob`, { role: "manager" });
    await ann("PATCH", `${place}/members/usr_bob`, { role: "manager" });
    await ann("DELETE", `${place}/members/usr_bob`);
    const target = `${kind} ${place.split("/")[2]}`;
    assert.deepEqual((await auditOf(app)).slice(before), [
      entry("member.add", target, [null, "viewer"]),
      entry("member.role_change", target, ["viewer", "manager"]),
      entry("member.remove", target, ["manager", null]),
    ]);
  });
}

function entry(action: string, target: string, roles: readonly unknown[]) {
  return { action, by: "usr_ann", target, changes: { "members.usr_bob": roles }, reason: undefined };
}

test("a member's key spends in the project, and no more once the member is gone", async () => {
  const { json } = await ann("POST", "/projects", { name: "Shared" });
  const place = `/projects/${json.id}`;
  await ann("POST", `${place}/members`, { user_id: "usr_bob", role: "developer" });
  const key = await app.key({ userId: "usr_bob", projectId: json.id as number });
  assert.equal((await app.chat(key)).status, 200);
  const { json: other } = await ann("POST", "/projects", { name: "Left" });
  const left = await app.key({ userId: "usr_bob", projectId: other.id as number });
  assert.equal((await app.chat(left)).status, 404);
});

test("whoever asks for addresses that nobody has is stopped after twenty an hour; good ones do not count", async () => {
  const prober = await newCaller(app, "usr_prober");
  const { json } = await prober("POST", "/teams", { name: "Test" });
  const ask = (email: string) => prober("POST", `/teams/${json.id}/members`, { email, role: "viewer" });
  for (let round = 0; round < 3; round++) {
    assert.equal((await ask("eve@example.com")).status, 201);
    assert.equal((await prober("DELETE", `/teams/${json.id}/members/usr_eve`)).status, 204);
  }
  const answers = await Promise.all(Array.from({ length: 25 }, (_, i) => ask(`nobody${i}@example.com`)));
  const counted = (status: number) => answers.filter((answer) => answer.status === status).length;
  assert.deepEqual([counted(404), counted(429)], [20, 5]);
  const byId = await prober("POST", `/teams/${json.id}/members`, { user_id: "usr_eve", role: "viewer" });
  assert.equal(byId.status, 201);
});
