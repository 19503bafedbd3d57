import { z } from "zod";
import { type Clock, isoTime } from "../../lib/clock.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Outbound } from "../../lib/outbound.ts";
import type { Db } from "../../store/tables.ts";
import type { Change } from "../../telemetry/change.ts";
import { eventTypes } from "../../telemetry/notifier.events.ts";
import { createWebhook, deleteWebhook, listWebhooks, type Webhook } from "../../telemetry/webhook.stored.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText, rowId } from "../fields.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";

export type WebhookDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly change: Change;
  readonly pages: Pages;
  readonly outbound: Pick<Outbound, "faultOf">;
  /** `whsec_…`: what the webhook of this number is signed with. */
  readonly webhookSecret: (id: number) => string;
};

const eventType = z.enum(eventTypes);
const webhookShape = z
  .object({ id: z.int(), url: z.string(), events: z.array(eventType), created_at: z.string() })
  .meta({ id: "Webhook" });
const newWebhook = webhookShape.extend({ secret: z.string() }).meta({ id: "NewWebhook" });
const body = z.strictObject({
  url: plainText.max(2_000),
  events: z
    .array(eventType)
    .min(1)
    .transform((types) => [...new Set(types)]),
});
const query = z.strictObject(pageQuery);
const params = z.object({ id: rowId });
const access = { credential: "caller", scope: "admin:*", class: "manage" } as const;

/** A webhook as HTTP and the command line show it. */
export function webhookJson({ id, url, events, createdAt }: Webhook): z.infer<typeof webhookShape> {
  return { id, url, events: [...events], created_at: isoTime(createdAt.getTime()) };
}

/** Who is told of events, beside ALERT_WEBHOOK_URL. */
export function webhookRoutes(deps: WebhookDeps): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: "/admin/webhooks",
      summary: "Makes a webhook (Standard Webhooks). Its signing secret is in this answer and nowhere else.",
      access,
      body,
      answer: newWebhook,
      answerStatus: 201,
      async handle({ request, cause }) {
        const wanted = request.body as z.infer<typeof body>;
        const message = deps.outbound.faultOf(wanted.url);
        if (message !== undefined) {
          throw new TollgateError("VALIDATION_FAILED", { faults: [{ path: "url", message }] });
        }
        const webhook = await createWebhook(deps, cause(), wanted);
        return { ...webhookJson(webhook), secret: deps.webhookSecret(webhook.id) };
      },
    },
    {
      method: "GET",
      path: "/admin/webhooks",
      summary: "All webhooks that were made here.",
      access,
      query,
      answer: pageOf(webhookShape),
      async handle({ request }) {
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const after = Number(deps.pages.after("webhooks", cursor) ?? 0);
        const rows = await listWebhooks(deps.db, { after, limit: limit + 1 });
        const { items, next_cursor } = deps.pages.page("webhooks", rows, limit, ({ id }) => id);
        return { items: items.map(webhookJson), next_cursor };
      },
    },
    {
      method: "DELETE",
      path: "/admin/webhooks/:id",
      summary: "Deletes a webhook; what is still on its way to it is not sent.",
      access,
      params,
      answerStatus: 204,
      async handle({ request, cause }) {
        await deleteWebhook(deps, cause(), (request.params as z.infer<typeof params>).id);
      },
    },
  ];
}
