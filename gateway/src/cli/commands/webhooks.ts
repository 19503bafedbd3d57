import { z } from "zod";
import { plainText } from "../../http/fields.ts";
import { webhookJson } from "../../http/routes/webhooks.ts";
import { eventTypes } from "../../telemetry/notifier.events.ts";
import { createWebhook, deleteWebhook, listWebhooks } from "../../telemetry/webhook.stored.ts";
import { dataCommand, UsageError } from "../command.ts";
import { prose, table } from "../table.ts";
import { listOf, rowNumber } from "./fields.ts";
import { orUsage } from "./or-usage.ts";

type WebhookJson = ReturnType<typeof webhookJson>;

const list = dataCommand({
  name: "webhooks list",
  about: "List the webhooks that are told of events, beside ALERT_WEBHOOK_URL.",
  input: z.strictObject({}),
  run: async ({ db }) => ({
    items: (await listWebhooks(db, { after: 0, limit: 100_000 })).map(webhookJson),
    next_cursor: null,
  }),
  show: ({ items }: { items: readonly WebhookJson[] }) => ({
    text: table(
      ["ID", "URL", prose("EVENTS"), "CREATED"],
      items.map(({ id, url, events, created_at }) => [String(id), url, events.join(", "), created_at]),
    ),
  }),
});

const add = dataCommand({
  name: "webhooks add",
  about: "Add a webhook (Standard Webhooks). Its signing secret is printed once.",
  arguments: ["url"],
  options: [["--events <list>", "comma-separated events (default: all)", { listOf: eventTypes }]],
  input: z.strictObject({
    url: plainText.max(2_000),
    events: listOf(z.array(z.enum(eventTypes)).min(1)).default(eventTypes),
  }),
  async run(deps, { url, events }) {
    const fault = deps.outbound.faultOf(url);
    if (fault !== undefined) throw UsageError.of([{ path: "url", message: fault }]);
    const webhook = await createWebhook(deps, deps.by.cause, { url, events: [...new Set(events)] });
    return { ...webhookJson(webhook), secret: deps.webhookSecret(webhook.id) };
  },
  show: ({ id, secret }: WebhookJson & { secret: string }) => ({
    text: secret,
    note: `Webhook ${id} is made. This secret verifies what it gets, and is shown once.`,
  }),
});

const remove = dataCommand({
  name: "webhooks remove",
  about: "Remove a webhook; what is still on its way to it is not sent.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  run: (deps, { id }) =>
    orUsage(`there is no webhook ${id}`, async () => {
      await deleteWebhook(deps, deps.by.cause, id);
      return { id, removed: true };
    }),
  show: ({ id }) => ({ text: "", note: `Webhook ${id} is removed.` }),
});

export const webhookCommands = [list, add, remove];
