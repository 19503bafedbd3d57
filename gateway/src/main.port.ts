import { createServer } from "node:net";

/** Whether another program, or another server of ours, listens there. Rejects for an address that is not of this machine. */
export function isPortTaken({
  HOST: host,
  PORT: port,
}: {
  readonly HOST: string;
  readonly PORT: number;
}): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") resolve(true);
    else reject(error);
  });
  probe.listen({ host, port }, () => probe.close(() => resolve(false)));
  return promise;
}

/** Throws for a port that is taken, and says what to do. */
export async function requireFreePort(settings: {
  readonly HOST: string;
  readonly PORT: number;
}): Promise<void> {
  if (!(await isPortTaken(settings))) return;
  const { HOST, PORT } = settings;
  throw new Error(`Port ${PORT} at ${HOST} is taken by another program. Set PORT=${PORT + 1}, or any other.`);
}
