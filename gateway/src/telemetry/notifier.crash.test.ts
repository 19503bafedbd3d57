import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { parseNetworks } from "../lib/networks.ts";
import { outbound } from "../lib/outbound.ts";
import { openPglite } from "../store/pglite.ts";
import { testFolder } from "../store/testing.ts";
import { notifier } from "./notifier.ts";
import { signingKeysOf, signingSecret, webhookCourier } from "./webhook.ts";

/** Announces an event, says its id, and lives on. */
const announcing = `
  import { systemClock as clock } from "../lib/clock.ts";
  import { systemChance as chance } from "../lib/ids.ts";
  import { openPglite } from "../store/pglite.ts";
  import { announcer } from "./notifier.outbox.ts";
  const store = await openPglite({ folder: process.argv[1], clock });
  const announce = announcer({ clock, chance, always: ["alert-webhook"] });
  await store.db.transaction().execute((tx) => announce(tx, "budget.exceeded", { name: "P" }));
  const row = await store.db.selectFrom("deliveries").select("event_id").executeTakeFirstOrThrow();
  console.log(row.event_id);
  setInterval(() => {}, 1_000);
`;

test("an event whose process is killed after the commit is delivered by the next, with the same id", async () => {
  using home = await testFolder();
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", announcing, home.folder], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [id] = (await once(createInterface(child.stdout), "line")) as [string];
  child.kill("SIGKILL");
  await once(child, "exit");

  const received: string[] = [];
  const server = createServer((request, response) => {
    received.push(String(request.headers["webhook-id"]));
    request.resume().on("end", () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const store = await openPglite({ folder: home.folder, clock: systemClock });
  const place = { url, keys: signingKeysOf(signingSecret(Buffer.alloc(32, 1)))! };
  const guarded = outbound({ clock: systemClock, allowed: parseNetworks(["127.0.0.0/8"]).networks });
  const courier = webhookCourier({ outbound: guarded, clock: systemClock, placeOf: () => place });
  const next = notifier({
    db: store.db,
    clock: systemClock,
    couriers: { "alert-webhook": courier },
    onOutcome: () => {},
    onTrouble: assert.ifError,
  });
  await next.close();
  assert.deepEqual(received, [id]);
  assert.deepEqual(await store.db.selectFrom("deliveries").selectAll().execute(), []);
  await store.close();
  server.close();
});
