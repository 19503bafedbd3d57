import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { NOON } from "./counters.contract.ts";
import { memoryCounters } from "./counters.memory.ts";
import { type Counters, CountersUnavailable } from "./limit.ts";
import { ann, signInContract, throttles } from "./sign-in.contract.ts";
import type { Entry } from "./states.memory.ts";

describe("sign-ins counted in memory", () => {
  signInContract((clock) => memoryCounters({ clock }));

  test("no e-mail and no address stands in the counters", async () => {
    const clock = new VirtualClock(NOON);
    const entries = new Map<string, Entry>();
    const { signIns, registrations } = throttles({ counters: memoryCounters({ clock, entries }), clock });
    await signIns.reserve(ann);
    await registrations.reserve(ann.address);
    assert.equal(entries.size, 4);
    for (const key of entries.keys()) {
      assert.match(key, /^(login-email-address:[\w-]{16}\.|(login|register)-(email|address):)[\w-]{16}$/);
    }
  });

  test("while the shared counters are away this process refuses as strictly", async () => {
    const { state, passed } = outage();
    assert.equal(await passed(3, () => ann), 3);
    state.countersAreUp = false;
    assert.equal(await passed(200, () => ann), 5);
    state.countersAreUp = true;
    assert.equal(await passed(200, () => ann), 2);
  });

  test("what was taken is given back where it was taken", async () => {
    const { state, signIns, passed } = outage();
    state.countersAreUp = false;
    const succeed = await signIns.reserve(ann);
    state.countersAreUp = true;
    assert.equal(await passed(9, () => ann), 5);
    await succeed();
    assert.equal(await passed(9, () => ann), 0);
    state.countersAreUp = false;
    assert.equal(await passed(9, () => ann), 5);
  });

  test("a success that cannot be given back stays counted, and is a success", async () => {
    const { state, signIns, passed } = outage();
    const succeed = await signIns.reserve(ann);
    state.countersAreUp = false;
    await succeed();
    state.countersAreUp = true;
    assert.equal(await passed(9, () => ann), 4);
  });

  test("a defect in the counters is not taken for an outage", async () => {
    const clock = new VirtualClock(NOON);
    const defect = async () => {
      throw new TypeError("defect");
    };
    const memory = memoryCounters({ clock });
    const undecided = throttles({ counters: { ...memory, take: defect }, clock });
    await assert.rejects(undecided.signIns.reserve(ann), TypeError);
    const kept = throttles({ counters: { ...memory, giveBack: defect }, clock });
    await assert.rejects(await kept.signIns.reserve(ann), TypeError);
  });
});

/** Throttles whose shared counters can go away. */
function outage() {
  const clock = new VirtualClock(NOON);
  const memory = memoryCounters({ clock });
  const state = { countersAreUp: true };
  const up = async (): Promise<void> => {
    if (!state.countersAreUp) throw new CountersUnavailable("away");
  };
  const counters: Counters = {
    ...memory,
    take: (dimensions, commit) => up().then(() => memory.take(dimensions, commit)),
    giveBack: (dimensions, taken) => up().then(() => memory.giveBack(dimensions, taken)),
  };
  return { state, ...throttles({ counters, clock }) };
}
