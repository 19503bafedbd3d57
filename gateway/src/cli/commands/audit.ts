import { z } from "zod";
import { auditFilterFields } from "../../http/routes/audit.ts";
import { actions } from "../../telemetry/actions.ts";
import {
  type AuditItem,
  type ExportedEntry,
  exportAudit,
  lastAuditSeq,
  listAudit,
} from "../../telemetry/audit.read.ts";
import { CHAIN } from "../../telemetry/audit.ts";
import { type CommandDeps, dataCommand } from "../command.ts";
import { table } from "../table.ts";
import { verify } from "./audit.verify.ts";

const { since, until } = auditFilterFields;
const actionNames = Object.keys(actions);
const rangeOptions = [
  ["--since <time>", "ISO 8601 time of the first entry"],
  ["--until <time>", "ISO 8601 time that no entry reaches"],
] as const;

const list = dataCommand({
  name: "audit list",
  about: "List entries of the audit log, newest first.",
  options: [
    ["--action <action>", "only this action, such as key.issue", actionNames],
    ["--actor <id>", "only what this user, or whoever else it was, did"],
    ["--target <id>", "only what was done to this"],
    ...rangeOptions,
    ["--limit <n>", "how many (default: 50)"],
  ],
  input: z.strictObject({
    ...auditFilterFields,
    actor: z.string().optional(),
    target: z.string().optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(50),
  }),
  async run({ db }, { limit, actor: actorId, target: targetId, ...filter }) {
    const items = await listAudit(db, { ...filter, actorId, targetId }, { limit });
    return { items, next_cursor: null };
  },
  show: ({ items }: { items: readonly AuditItem[] }) => ({
    text: table(
      ["SEQ", "AT", "ACTION", "OUTCOME", "ACTOR", "TARGET", "REQUEST"],
      items.map(({ seq, at, action, outcome, actor, target, request }) => [
        String(seq),
        at,
        action,
        outcome,
        `${actor.type} ${actor.id}`,
        `${target.type} ${target.id}`,
        request?.correlationId ?? "-",
      ]),
      "No entries.",
    ),
  }),
});

const ENTRIES_PER_STEP = 1_000;

/** What the next step of an export goes on with. */
type Continuation = {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly after: number;
  readonly upTo: number;
};

const exportEntries = dataCommand({
  name: "audit export",
  about: "Write the audit log as lines of JSON, oldest first. It is itself an entry.",
  options: rangeOptions,
  input: z.strictObject({ since, until, after: z.int().default(0), upTo: z.int().optional() }),
  async run(deps, { since, until, after, upTo }) {
    const last = upTo ?? (await noteExport(deps));
    const page = { after, upTo: last, limit: ENTRIES_PER_STEP };
    const items = await exportAudit(deps.db, { since, until }, page);
    const end = items.at(-1);
    const isLast = items.length < ENTRIES_PER_STEP || end === undefined;
    const next = isLast ? null : { since, until, after: end.seq, upTo: last };
    return { items, next };
  },
  show({ items, next }: { items: readonly ExportedEntry[]; next: Continuation | null }) {
    const lines = items.map((item) => JSON.stringify(item)).join("\n");
    if (next === null) return { text: lines, json: lines };
    return {
      text: lines,
      json: lines,
      next,
      progress: { done: next.after, total: next.upTo, what: "entries" },
    };
  },
});

/** Who exports leaves an entry before the first line is out. */
async function noteExport({ db, change, by }: CommandDeps): Promise<number> {
  await change(by.cause, async (_tx, note) => {
    note({ action: "audit.export", target: { type: "chain", id: CHAIN } });
  });
  return lastAuditSeq(db);
}

export const auditCommands = [list, verify, exportEntries];
