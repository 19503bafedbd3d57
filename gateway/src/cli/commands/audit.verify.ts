import { z } from "zod";
import { parseCheckpoints } from "../../telemetry/audit.checkpoint.ts";
import { lastAuditSeq } from "../../telemetry/audit.read.ts";
import { UNVERIFIED, type Verification, verifyStep } from "../../telemetry/audit.verify.ts";
import { dataCommand } from "../command.ts";
import { table } from "../table.ts";
import { typedFile } from "./typed-file.ts";

const texts = { chain: z.string(), hash: z.string(), at: z.string(), mac: z.string() };
const checkpoints = z.object({
  file: z.string(),
  signed: z.array(z.object({ ...texts, seq: z.int() })),
  /** Numbers of the lines that are no checkpoints. */
  unreadable: z.array(z.int()),
});

const soFar = z.object({
  checked: z.int(),
  head: z.object({ seq: z.int(), hash: z.string() }),
  problems: z.array(z.object({ seq: z.int(), what: z.string() })),
  isDone: z.boolean(),
});

export const verify = dataCommand({
  name: "audit verify",
  about: "Check that no entry of the audit log was changed, removed or put in.",
  options: [
    ["--against <file>", "checkpoints that were written before, or log lines that hold them", checkpointsIn],
  ],
  input: z.strictObject({
    against: checkpoints.optional(),
    from: soFar.default({ ...UNVERIFIED, problems: [] }),
  }),
  async run(deps, { against, from }) {
    const found = await verifyStep(deps, from, against?.signed ?? []);
    const unread = (against?.unreadable ?? []).map((line) => ({
      seq: 0,
      what: `line ${line} of ${against?.file} is no checkpoint`,
    }));
    const problems = found.isDone ? [...found.problems, ...unread] : found.problems;
    return { ...found, problems, against, last: await lastAuditSeq(deps.db) };
  },
  show(found: Verification & { against?: object | undefined; last: number }) {
    const { checked, head, problems, isDone, against, last } = found;
    if (!isDone) {
      const progress = { done: head.seq, total: last, what: "entries" };
      return { text: "", json: "", next: { from: { checked, head, problems, isDone }, against }, progress };
    }
    const result = { checked, head, problems };
    const summary = `${checked} entries checked; the last is ${head.seq}, with the hash ${head.hash}.`;
    if (problems.length === 0)
      return { text: `${summary}\nThe audit log is whole.`, json: JSON.stringify(result) };
    const rows = problems.map(({ seq, what }) => [seq === 0 ? "-" : String(seq), what]);
    return {
      text: [summary, table(["ENTRY", "PROBLEM"], rows)],
      json: JSON.stringify(result),
      isFailure: true,
    };
  },
});

function checkpointsIn(file: string): z.infer<typeof checkpoints> {
  const { checkpoints: signed, unreadable } = parseCheckpoints(typedFile("--against", file));
  return { file, signed: [...signed], unreadable: [...unreadable] };
}
