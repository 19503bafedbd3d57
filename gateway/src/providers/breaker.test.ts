import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  admitted,
  type Breaker,
  type BreakerRules,
  type Change,
  FAILURES_LAST_MS,
  type Next,
  type Outcome,
  refusalOf,
  renewed,
  reported,
  reset,
  stateAt,
  unharmed,
} from "./breaker.ts";

const rules: BreakerRules = { threshold: 5, openMs: 60_000, probeLeaseMs: 30_000 };
const NOON = Date.UTC(2026, 0, 1, 12);
const report = (breaker: Breaker, outcome: Outcome, token?: string, now = NOON) =>
  reported(breaker, outcome, token, rules, now).breaker;
const failed = (times: number, breaker = unharmed, now = NOON): Breaker =>
  times === 0 ? breaker : failed(times - 1, report(breaker, "failure", undefined, now), now);
const open = failed(5);
const halfOpenAt = NOON + 60_000;
const probed = admitted(open, "a", rules, halfOpenAt).breaker;

test("five failures in a row open it, and not one less", () => {
  assert.deepEqual(failed(4), { state: "closed", failures: 4, failedAt: NOON });
  assert.deepEqual(reported(failed(4), "failure", undefined, rules, NOON), {
    breaker: { state: "open", failures: 5, openedAt: NOON, until: NOON + 60_000, probe: undefined },
    change: "opened",
  });
});

test("a success ends the row of failures; what says nothing of the provider neither ends nor lengthens it", () => {
  assert.deepEqual(report(failed(4), "ok"), unharmed);
  for (const outcome of ["alive", "neutral"] as const) assert.equal(report(failed(4), outcome).failures, 4);
  const healthy = unharmed;
  for (const outcome of ["ok", "alive", "neutral"] as const) assert.equal(report(healthy, outcome), healthy);
});

test("failures are forgotten a minute after the last", () => {
  const later = (ms: number) => report(failed(4), "failure", undefined, NOON + ms);
  assert.equal(later(FAILURES_LAST_MS - 1).state, "open");
  assert.deepEqual(later(FAILURES_LAST_MS), {
    state: "closed",
    failures: 1,
    failedAt: NOON + FAILURES_LAST_MS,
  });
  assert.equal(stateAt("p", failed(4), rules, NOON + FAILURES_LAST_MS).failures, 0);
});

test("open, it refuses until its time is up, to the millisecond, and then lets one probe through", () => {
  assert.deepEqual(refusalOf(open, rules, halfOpenAt - 1), { state: "open", until: halfOpenAt });
  assert.deepEqual(admitted(open, "a", rules, halfOpenAt - 1), { breaker: open });
  const { breaker, change } = admitted(open, "a", rules, halfOpenAt);
  assert.deepEqual(breaker, { ...open, probe: { token: "a", until: halfOpenAt + 30_000 } });
  assert.equal(change, "probing");
  assert.deepEqual(refusalOf(breaker, rules, halfOpenAt), { state: "half_open", until: halfOpenAt + 30_000 });
  assert.deepEqual(admitted(breaker, "b", rules, halfOpenAt), { breaker });
});

test("late answers of old calls change nothing while it is open", () => {
  for (const outcome of ["ok", "alive", "failure", "neutral"] as const) {
    assert.equal(report(open, outcome), open);
    assert.equal(report(open, outcome, "stranger"), open);
    assert.equal(report(probed, outcome), probed);
    assert.equal(report(probed, outcome, "stranger"), probed);
  }
});

test("a probe that is answered closes it, whatever the answer says", () => {
  for (const outcome of ["ok", "alive"] as const) {
    assert.deepEqual(reported(probed, outcome, "a", rules, halfOpenAt), {
      breaker: unharmed,
      change: "closed",
    });
  }
});

test("a probe that fails opens it for as long again, and it remembers since when", () => {
  assert.deepEqual(reported(probed, "failure", "a", rules, halfOpenAt + 7), {
    breaker: { state: "open", failures: 6, openedAt: NOON, until: halfOpenAt + 7 + 60_000, probe: undefined },
    change: "reopened",
  });
});

test("a probe whose client left gives its place to the next call", () => {
  const released = report(probed, "neutral", "a", halfOpenAt);
  assert.deepEqual(released, open);
  assert.equal(admitted(released, "b", rules, halfOpenAt).change, "probing");
});

test("a probe that never reports is replaced after its lease, and its word then counts no more", () => {
  assert.deepEqual(admitted(probed, "b", rules, halfOpenAt + 29_999), { breaker: probed });
  const replaced = admitted(probed, "b", rules, halfOpenAt + 30_000).breaker;
  assert.equal(replaced.state === "open" && replaced.probe?.token, "b");
  assert.equal(report(replaced, "ok", "a", halfOpenAt + 30_000), replaced);
  assert.equal(renewed(replaced, "a", rules, halfOpenAt + 30_000).breaker, replaced);
});

test("a probe that renews its lease keeps its place; one that was late but not replaced still counts", () => {
  const later = renewed(probed, "a", rules, halfOpenAt + 20_000).breaker;
  assert.deepEqual(refusalOf(later, rules, halfOpenAt + 49_999), {
    state: "half_open",
    until: halfOpenAt + 50_000,
  });
  assert.equal(renewed(unharmed, "a", rules, NOON).breaker, unharmed);
  assert.equal(renewed(open, "a", rules, NOON).breaker, open);
  assert.deepEqual(report(probed, "ok", "a", halfOpenAt + 90_000), unharmed);
});

test("a reset closes it at once, and forgets failures", () => {
  assert.deepEqual(reset(open), { breaker: unharmed, change: "closed" });
  assert.deepEqual(reset(failed(3)), { breaker: unharmed });
  assert.equal(reset(unharmed).breaker, unharmed);
});

test("people see closed, open and half open, with the times that matter", () => {
  const none = { openedAt: undefined, until: undefined, probeUntil: undefined };
  assert.deepEqual(stateAt("p", failed(2), rules, NOON), {
    provider: "p",
    state: "closed",
    failures: 2,
    ...none,
  });
  const times = { failures: 5, openedAt: NOON, until: halfOpenAt };
  const seen = (breaker: Breaker, now: number) => stateAt("p", breaker, rules, now);
  assert.deepEqual(seen(open, NOON), { provider: "p", state: "open", ...times, probeUntil: undefined });
  assert.deepEqual(seen(probed, halfOpenAt), {
    provider: "p",
    state: "half_open",
    ...times,
    probeUntil: halfOpenAt + 30_000,
  });
});

test("a clock that is set back keeps nobody away for longer than the time it stays open", () => {
  assert.notEqual(refusalOf(open, rules, NOON), undefined);
  assert.equal(refusalOf(open, rules, NOON - 1), undefined);
});

const outcomes: readonly Outcome[] = ["ok", "failure", "failure", "failure", "alive", "neutral"];
const history = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 29_999, 30_000, 60_000) }),
    fc.constant({ kind: "call" as const }),
    fc.record({
      kind: fc.constant("report" as const),
      ago: fc.nat(6),
      outcome: fc.constantFrom(...outcomes),
    }),
    fc.record({ kind: fc.constant("renew" as const), ago: fc.nat(6) }),
  ),
  { minLength: 40, maxLength: 150 },
);

test("whatever happens, there are never two live probes, and it opens only after so many failures in a row", () => {
  let probes = 0;
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 3 }), (events, threshold) => {
      const own = { ...rules, threshold };
      let [now, breaker, row] = [NOON, unharmed, 0];
      /** Calls that passed and have not reported; a probe has a token, and holds its place until `until`. */
      const passed: { token?: string; until: number }[] = [];
      const take = ({ breaker: after, change }: Next): Change | undefined => {
        if (change === "opened") assert.ok(row >= threshold, `opened after ${row} failures`);
        breaker = after;
        return change;
      };
      for (const event of events) {
        if (event.kind === "wait") now += event.ms;
        else if (event.kind === "call") {
          const token = `probe-${probes}`;
          if (take(admitted(breaker, token, own, now)) === "probing") {
            probes += 1;
            assert.ok(
              !passed.some((call) => call.token !== undefined && call.until > now),
              "two live probes",
            );
            passed.push({ token, until: now + own.probeLeaseMs });
          } else if (breaker.state === "closed") passed.push({ until: now });
        } else {
          const call = passed.at(-1 - event.ago);
          if (call === undefined) continue;
          if (event.kind === "report") {
            passed.splice(passed.indexOf(call), 1);
            if (event.outcome === "failure") row += 1;
            if (event.outcome === "ok" && breaker.state === "closed") row = 0;
            if (take(reported(breaker, event.outcome, call.token, own, now)) === "closed") row = 0;
          } else if (call.token !== undefined) {
            take(renewed(breaker, call.token, own, now));
            if (breaker.state === "open" && breaker.probe?.token === call.token)
              call.until = breaker.probe.until;
          }
        }
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(probes > 1_000, `only ${probes} probes`);
});
