import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { sql } from "kysely";
import { identityDeps, tester } from "../identity/testing.ts";
import { testStore } from "../store/testing.ts";
import { cancelJob, discardJob, retryJob } from "./by-hand.ts";
import { type Ending, endAttempt } from "./end-attempt.ts";
import type { Claimed } from "./job.ts";
import { endLostAttempts } from "./leases.ts";
import { nextAfterFailure } from "./states.ts";
import {
  claimed,
  comeDue,
  enqueued,
  illegal,
  logTransitions,
  projectFor,
  quiet,
  statusOf,
  transitionsOf,
} from "./testing.ts";
import { unblock, wakeRetrying } from "./wake.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const project = await projectFor(db);
await logTransitions(db);
const { change } = identityDeps(db, 1);
const by = { cause: tester, caller: { userId: "usr_ann", role: "admin" } as const };
const error = { code: "INTERNAL", message: "it broke" };

/** What can happen to the one job of a history, at any moment, whatever state it is in. */
const steps = [
  "claim",
  "complete",
  "fail",
  "fail for good",
  "defer",
  "block",
  "give back",
  "lose the lease",
  "an old worker completes",
  "time passes",
  "cancel",
  "retry",
  "unblock",
  "discard",
] as const;
type Step = (typeof steps)[number];

class History {
  readonly id: number;
  current: Claimed | undefined;
  readonly before: Claimed[] = [];

  constructor(id: number) {
    this.id = id;
  }

  async take(step: Step): Promise<void> {
    switch (step) {
      case "claim": {
        const [job] = await claimed(db);
        if (job === undefined) return;
        if (this.current !== undefined) this.before.push(this.current);
        this.current = job;
        return;
      }
      case "lose the lease":
        if (this.current !== undefined) this.before.push(this.current);
        await comeDue(db, this.id);
        await endLostAttempts({ db, ...quiet, retryBaseMs: 1_000 });
        return;
      case "an old worker completes":
        for (const job of this.before) {
          if (job.token === this.current?.token) continue;
          assert.equal(await end(job, { status: "completed", result: "1" }), undefined);
        }
        return;
      case "time passes":
        await comeDue(db, this.id);
        await wakeRetrying(db);
        return;
      case "unblock":
        await unblock(db);
        return;
      case "cancel":
      case "retry":
      case "discard":
        await by_hand[step](this.id).catch(() => {});
        return;
      default:
        if (this.current !== undefined) await end(this.current, endingOf(step, this.current));
    }
  }
}

const deps = { db, change };
const by_hand = {
  cancel: (id: number) => cancelJob(deps, by, id),
  retry: (id: number) => retryJob(deps, by, id),
  discard: (id: number) => discardJob(deps, by, id),
};

const end = (job: Claimed, ending: Ending) => endAttempt({ db, ...quiet }, job, ending);

function endingOf(step: Step, job: Claimed): Ending {
  const rules = { isFatal: step === "fail for good", retryBaseMs: 1_000 };
  const { retryCount } = job;
  switch (step) {
    case "complete":
      return { status: "completed", result: "1" };
    case "block":
      return { status: "blocked", neededPico: 0n, error };
    case "give back":
      return { status: "pending" };
    case "defer":
      return { status: "retrying", outcome: "deferred", delayMs: 1_000, retryCount, error };
    default:
      return { ...nextAfterFailure(job, rules), outcome: "failed", error };
  }
}

test("whatever happens in whatever order, no job changes in a way that there is not, and none ends twice", async () => {
  const history = fc.array(fc.constantFrom<Step>(...steps), { minLength: 5, maxLength: 30 });
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(history, async (taken) => {
      await sql`truncate jobs, job_attempts, transitions`.execute(db);
      const one = new History(await enqueued(db, project, { maxRetries: 2 }));
      for (const step of ["claim", ...taken] as const) await one.take(step);
      const transitions = await transitionsOf(db);
      assert.deepEqual(illegal(transitions), []);
      assert.ok(transitions.filter(({ is_now }) => is_now === "completed").length <= 1);
      await assertConsistent(one);
      for (const { was, is_now } of transitions) seen.add(`${was} → ${is_now}`);
    }),
    { numRuns: 60 },
  );
  assert.ok(seen.size >= 12, [...seen].join(", "));
});

/** An attempt is open exactly while the job runs, and attempts are counted without a gap. */
async function assertConsistent({ id }: History): Promise<void> {
  const status = await statusOf(db, id);
  const { rows } = await sql<{ attempt: number; outcome: string | null }>`
    select attempt, outcome from job_attempts where job_id = ${id} order by attempt`.execute(db);
  if (status === undefined) return assert.deepEqual(rows, []);
  assert.deepEqual(
    rows.map(({ attempt }) => attempt),
    rows.map((_, index) => index + 1),
  );
  const open = rows.filter(({ outcome }) => outcome === null).length;
  assert.equal(open, status === "running" ? 1 : 0);
  if (status === "completed") assert.equal(rows.at(-1)!.outcome, "completed");
}
