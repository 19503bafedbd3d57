import { until } from "../gateway/src/lib/until.testing.ts";
import { startSimulatedServer } from "../gateway/src/providers/simulated.server.ts";
import type { SimulatedCall } from "../gateway/src/providers/simulated.ts";

/** The process of `startUpstreamApart`: says where it listens, and what it served when it is asked. */
const calls: SimulatedCall[] = [];
const server = await startSimulatedServer({ log: (call) => void calls.push(call) });
process.on("message", async () => {
  await until(async () => (await server.connections()) === 0);
  process.send!(calls);
});
process.on("disconnect", () => process.exit());
process.send!(server.baseUrl);
