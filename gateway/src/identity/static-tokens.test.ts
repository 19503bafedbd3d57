import assert from "node:assert/strict";
import { test } from "node:test";
import { seededChance } from "../lib/ids.ts";
import { newKey } from "./key.ts";
import { type StaticTokenSettings, staticTokens } from "./static-tokens.ts";

const hmacKey = new Uint8Array(32).fill(1);

function read(settings: Partial<StaticTokenSettings>) {
  return staticTokens({ map: undefined, legacy: undefined, defaultUser: "usr_dev", ...settings }, hmacKey);
}

function tokensOf(settings: Partial<StaticTokenSettings>) {
  const result = read(settings);
  assert.ok("tokens" in result);
  return result.tokens;
}

test("mapped tokens are their users, legacy tokens the default user, and the map goes first", () => {
  const tokens = tokensOf({
    map: "tokenA:usr_ann, tokenB:usr_bob , both:usr_ann",
    legacy: "t1, both",
    defaultUser: "usr_home",
  });
  const users = ["tokenA", "tokenB", "t1", "both", "tokenC", "", "usr_ann"].map(tokens.userOf);
  assert.deepEqual(users, ["usr_ann", "usr_bob", "usr_home", "usr_ann", undefined, undefined, undefined]);
  assert.deepEqual(tokens.userIds, ["usr_ann", "usr_bob", "usr_home"]);
});

test("a token may hold colons: the last one ends it", () => {
  const tokens = tokensOf({ map: "a:b:c:usr_ann" });
  assert.equal(tokens.userOf("a:b:c"), "usr_ann");
  assert.equal(tokens.userOf("a"), undefined);
});

test("a static key says which app asks by a name that stays, and never who asks", () => {
  const { appOf, userOf } = tokensOf({ map: "tokenA:usr_ann", apps: "shop, phone" });
  assert.match(appOf("shop")!, /^app-[\w-]{16}$/);
  assert.equal(appOf("shop"), tokensOf({ apps: "other,shop" }).appOf("shop"));
  assert.notEqual(appOf("shop"), appOf("phone"));
  assert.deepEqual([appOf("tokenA"), appOf(""), userOf("shop")], [undefined, undefined, undefined]);
});

test("without settings nobody has a static token", () => {
  assert.deepEqual(tokensOf({}).userIds, []);
});

test("a malformed entry stops the start with its position and never its text", () => {
  const apiKey = newKey("sk", seededChance(1));
  const map = "APP_AUTH_TOKEN_USER_MAP entry 2";
  const list = "APP_AUTH_BEARER_TOKENS entry 2";
  for (const [settings, fault] of [
    [{ map: "good:usr_a,hunter2" }, `${map} is not token:user`],
    [{ map: "good:usr_a," }, `${map} is not token:user`],
    [{ map: "good:usr_a,:usr_b" }, `${map} has no token`],
    [{ map: "good:usr_a,hunter2:" }, `${map} has no user of the form usr_name`],
    [{ map: "good:usr_a,hunter2:bob" }, `${map} has no user of the form usr_name`],
    [{ map: "good:usr_a,hun ter2:usr_b" }, `${map} has a token with spaces or unprintable characters`],
    [{ map: `good:usr_a,${apiKey}:usr_b` }, `${map} has a token shaped like an API key`],
    [{ map: "good:usr_a,sk-tg1_hunter2:usr_b" }, `${map} has a token shaped like an API key`],
    [{ map: "good:usr_a,eyJh.hunter2.c2ln:usr_b" }, `${map} has a token shaped like a JWT`],
    [{ map: "good:usr_a,good:usr_b" }, `${map} gives a token a second user`],
    [{ legacy: "good," }, `${list} has no token`],
    [{ legacy: "good,hun ter2" }, `${list} has a token with spaces or unprintable characters`],
    [{ apps: "good," }, "ASSIST_API_KEYS entry 2 has no token"],
    [{ apps: `good,${apiKey}` }, "ASSIST_API_KEYS entry 2 has a token shaped like an API key"],
    [{ map: "good:usr_a", apps: "hunter2,good" }, "ASSIST_API_KEYS entry 2 is a user's token"],
    [{ defaultUser: "root" }, "APP_AUTH_DEFAULT_USER must look like usr_name"],
  ] as const) {
    const result = read(settings);
    assert.ok("faults" in result, fault);
    assert.deepEqual(result.faults, [fault]);
    assert.doesNotMatch(result.faults.join(), /hun|good|ter2/);
  }
});

test("every fault is told at once", () => {
  const result = read({ map: "a,b:usr_b,:usr_c", legacy: "x y" });
  assert.ok("faults" in result);
  assert.equal(result.faults.length, 3);
});
