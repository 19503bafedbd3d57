import assert from "node:assert/strict";
import { test } from "node:test";
import { requestTicket } from "./request-ticket.ts";

/** A ticket that tells what it was closed with. */
function told() {
  const said: string[] = [];
  const close = (what: string): boolean => said.length === 0 && said.push(what) > 0;
  const ticket = requestTicket({
    settle: async (tokens) => void close(`settled ${tokens}`),
    giveBack: async () => close("given back"),
  });
  return { ticket, said };
}

test("a request settles with the tokens of all its calls, when the last of them is over", async () => {
  const { ticket, said } = told();
  const [first, second] = [ticket.part(), ticket.part()];
  await first.settle(10);
  await ticket.settle(undefined);
  assert.deepEqual(said, [], "a call is still under way");
  await second.settle(5);
  await second.settle(7);
  assert.deepEqual(said, ["settled 15"]);
});

test("a request that made no call used no tokens", async () => {
  const { ticket, said } = told();
  await ticket.settle(undefined);
  assert.deepEqual(said, ["settled 0"]);
});

test("a call of which nobody knows leaves the request as it was reserved", async () => {
  const { ticket, said } = told();
  await ticket.part().settle(undefined);
  await ticket.part().settle(5);
  await ticket.settle(undefined);
  assert.deepEqual(said, ["settled undefined"]);
});

test("a request that failed is given back unless it has made a call", async () => {
  const refused = told();
  await refused.ticket.part().giveBack();
  assert.equal(await refused.ticket.giveBack(), true);
  assert.deepEqual(refused.said, ["given back"]);

  const spent = told();
  await spent.ticket.part().settle(10);
  assert.equal(await spent.ticket.giveBack(), false);
  assert.deepEqual(spent.said, ["settled 10"]);

  const running = told();
  const part = running.ticket.part();
  assert.equal(await running.ticket.giveBack(), false);
  await part.settle(3);
  assert.deepEqual(running.said, ["settled 3"]);
});
