import assert from "node:assert/strict";
import test from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { type Dial, listening } from "./listening.ts";

/** A line that a test can cut, and a count of the calls made. */
function exchange() {
  const clock = new VirtualClock();
  const state = { calls: 0, closed: 0, up: true, ran: [] as string[] };
  let hear: Parameters<Dial>[0] | undefined;
  const ears = listening(clock, async (on) => {
    state.calls += 1;
    if (!state.up) throw new Error("no line");
    hear = on;
    return {
      run: async (sql) => {
        state.ran.push(sql);
        if (!state.up) throw new Error("line broke");
      },
      close: async () => {
        state.closed += 1;
      },
    };
  });
  return {
    clock,
    state,
    ears,
    say: (payload: string) => hear?.message("news", payload),
    cut: () => hear?.lost(),
  };
}

const settled = (): Promise<void> => new Promise(setImmediate);

test("one line serves all channels, and a channel without listeners is given up", async () => {
  const { state, ears, say } = exchange();
  const heard: string[] = [];
  const stopA = await ears.listen("news", (payload) => heard.push(`a ${payload}`));
  const stopB = await ears.listen("news", (payload) => heard.push(`b ${payload}`));
  await ears.listen("other", () => {});
  say("1");
  await stopA();
  say("2");
  await stopB();
  await stopB();
  say("3");
  assert.deepEqual(heard, ["a 1", "b 1", "b 2"]);
  assert.equal(state.calls, 1);
  assert.deepEqual(
    state.ran.filter((sql) => sql.startsWith("unlisten")),
    ["unlisten news"],
  );
  await ears.close();
  assert.equal(state.closed, 1);
});

test("a lost line is dialled again, ever more slowly, until it is back", async () => {
  const { clock, state, ears, say, cut } = exchange();
  const heard: string[] = [];
  await ears.listen("news", (payload) => heard.push(payload));
  state.up = false;
  cut();
  const pauses: number[] = [];
  for (let calls = 1; pauses.length < 8; calls++) {
    let waited = 0;
    while (state.calls === calls) {
      clock.advance(100);
      waited += 100;
      await settled();
    }
    pauses.push(waited);
  }
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  state.up = true;
  clock.advance(5_000);
  await settled();
  assert.equal(state.ran.at(-1), "listen news");
  say("back");
  assert.deepEqual(heard, ["back"]);
});

test("a line that cannot be had refuses the listener and leaves nothing behind", async () => {
  const { clock, state, ears, say } = exchange();
  state.up = false;
  const heard: string[] = [];
  await assert.rejects(
    ears.listen("news", (payload) => heard.push(payload)),
    /no line/,
  );
  clock.advance(60_000);
  await settled();
  assert.equal(state.calls, 1);
  state.up = true;
  await ears.listen("other", () => {});
  say("unheard");
  assert.deepEqual(heard, []);
  await assert.rejects(
    ears.listen('"; drop table users', () => {}),
    RangeError,
  );
});

test("nothing is dialled after the end", async () => {
  const { clock, state, ears, cut } = exchange();
  await ears.listen("news", () => {});
  cut();
  await ears.close();
  clock.advance(60_000);
  await settled();
  assert.equal(state.calls, 1);
});
