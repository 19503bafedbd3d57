import { z } from "zod";
import { isoTime } from "../../lib/clock.ts";
import type { Db } from "../../store/tables.ts";
import { type Action, actions } from "../../telemetry/actions.ts";
import { listAudit } from "../../telemetry/audit.read.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText } from "../fields.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";

export type AuditDeps = { readonly db: Db; readonly pages: Pages };

/** What picks entries out, here and on the command line. Times come in any zone. */
export const auditFilterFields = {
  action: z.enum(Object.keys(actions) as Action[]).optional(),
  since: z.iso
    .datetime({ offset: true })
    .transform((text) => isoTime(Date.parse(text)))
    .optional(),
  until: z.iso
    .datetime({ offset: true })
    .transform((text) => isoTime(Date.parse(text)))
    .optional(),
};

const query = z.strictObject({
  ...auditFilterFields,
  actor_id: plainText.max(320).optional(),
  target_id: plainText.max(320).optional(),
  ...pageQuery,
});

const auditEntryAnswer = z
  .object({
    seq: z.int(),
    id: z.string(),
    at: z.string(),
    action: z.string(),
    outcome: z.string(),
    reason: z.string().nullable(),
    actor: z.object({
      type: z.string(),
      id: z.string(),
      role: z.string().optional(),
      keyPrefix: z.string().optional(),
      sessionId: z.string().optional(),
    }),
    target: z.object({ type: z.string(), id: z.string() }),
    changes: z.record(z.string(), z.array(z.unknown())).nullable(),
    request: z.object({ correlationId: z.string(), method: z.string(), route: z.string() }).nullable(),
    personal: z.record(z.string(), z.string()).nullable(),
  })
  .meta({ id: "AuditEntry" });

export function auditRoutes({ db, pages }: AuditDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/admin/audit",
      summary: "The audit log, newest first.",
      access: { credential: "caller", scope: "admin:*", class: "manage" },
      query,
      answer: pageOf(auditEntryAnswer),
      async handle({ request }) {
        const wanted = request.query as z.infer<typeof query>;
        const { limit, cursor, actor_id: actorId, target_id: targetId, ...filter } = wanted;
        const after = pages.after("audit", cursor);
        const before = after === undefined ? undefined : Number(after);
        const rows = await listAudit(db, { ...filter, actorId, targetId }, { before, limit: limit + 1 });
        return pages.page("audit", rows, limit, ({ seq }) => seq);
      },
    },
  ];
}
