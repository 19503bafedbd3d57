import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { replyOf } from "./assistant.reply.ts";

const items = [{ itemId: "a" }, { itemId: "b" }];
const said = (citations: unknown, reply = "It is red. It is new.") => JSON.stringify({ reply, citations });

test("a citation names an item of the question and quotes the reply, or is none", () => {
  const good = { itemId: "a", quote: "It is red." };
  const claims = [
    good,
    good,
    { itemId: "b", quote: " It is new. " },
    { itemId: "c", quote: "It is red." },
    { itemId: "a", quote: "It is blue." },
    { itemId: "a", quote: "  " },
    { itemId: "a" },
    "It is red.",
    null,
  ];
  assert.deepEqual(replyOf(said(claims), items), {
    reply: "It is red. It is new.",
    citations: [good, { itemId: "b", quote: "It is new." }],
  });
});

test("an answer in a fence or with an introduction is read as well", () => {
  const citations = [{ itemId: "a", quote: "It is red." }];
  for (const text of [`\`\`\`json\n${said(citations)}\n\`\`\``, `Here you are: ${said(citations)}`]) {
    assert.deepEqual(replyOf(text, items), { reply: "It is red. It is new.", citations });
  }
});

test("what is not the JSON it should be is the reply itself, without citations", () => {
  for (const text of ["Hello", "{not json}", "} {", '["a"]', '{"answer":"x"}', '{"reply":7}', "null", "{}"]) {
    assert.deepEqual(replyOf(` ${text} `, items), { reply: text, citations: [] });
  }
  assert.deepEqual(replyOf(said("none"), items).citations, []);
});

test("whatever a model says, each citation is true", () => {
  const claim = fc.record({ itemId: fc.constantFrom("a", "b", "c"), quote: fc.string({ maxLength: 4 }) });
  fc.assert(
    fc.property(fc.string(), fc.array(fc.oneof(claim, fc.anything())), (reply, citations) => {
      const found = replyOf(JSON.stringify({ reply, citations }) ?? "", items);
      for (const { itemId, quote } of found.citations) {
        assert.ok(
          items.some((item) => item.itemId === itemId) && quote !== "" && found.reply.includes(quote),
        );
      }
    }),
  );
});
