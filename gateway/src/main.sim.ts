import { note, out, stopSignal } from "./main.process.ts";
import { startSimulatedServer } from "./providers/simulated.server.ts";

/** The simulated provider by itself, until it is told to stop; a line of JSON for each call. */
export async function serveSimulated(port: number): Promise<void> {
  const server = await startSimulatedServer({ port, log: (call) => out(JSON.stringify(call)) });
  note(`The simulated provider answers at ${server.baseUrl}`);
  await stopSignal();
  await server.close();
}
