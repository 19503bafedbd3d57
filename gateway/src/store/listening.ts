import type { Clock } from "../lib/clock.ts";

/** An open connection that hears notifications. */
export type Line = { run(sql: string): Promise<unknown>; close(): Promise<void> };

/** Opens a line. `lost` is called once when a line that was open ends by itself. */
export type Dial = (on: { message(channel: string, payload: string): void; lost(): void }) => Promise<Line>;

export type Listening = {
  listen(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
};

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/;

/** All channels of a process over one line, dialled at the first `listen` and again whenever it is lost. */
export function listening(clock: Clock, dial: Dial): Listening {
  const channels = new Map<string, Set<(payload: string) => void>>();
  let line: Promise<Line> | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let stopWaiting: (() => void) | undefined;
  let closed = false;

  const connect = async (): Promise<Line> => {
    const opened = await dial({
      message: (channel, payload) => {
        for (const onMessage of channels.get(channel) ?? []) onMessage(payload);
      },
      lost: () => {
        line = undefined;
        redialLater();
      },
    });
    try {
      for (const channel of channels.keys()) await opened.run(`listen ${channel}`);
    } catch (error) {
      await opened.close();
      throw error;
    }
    pauseMs = FIRST_PAUSE_MS;
    return opened;
  };
  const current = (): Promise<Line> => {
    line ??= connect().catch((error: unknown) => {
      line = undefined;
      throw error;
    });
    return line;
  };
  const redialLater = (): void => {
    if (closed || channels.size === 0 || stopWaiting !== undefined) return;
    stopWaiting = clock.after(pauseMs, () => {
      stopWaiting = undefined;
      current().catch(redialLater);
    });
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  };

  return {
    async listen(channel, onMessage) {
      if (!CHANNEL.test(channel)) throw new RangeError(`not a channel name: ${channel}`);
      const callbacks = channels.get(channel) ?? new Set();
      channels.set(channel, callbacks.add(onMessage));
      const stop = async (): Promise<void> => {
        callbacks.delete(onMessage);
        if (callbacks.size > 0 || channels.get(channel) !== callbacks) return;
        channels.delete(channel);
        await line?.then((open) => open.run(`unlisten ${channel}`)).catch(() => {});
      };
      try {
        const open = await current();
        await open.run(`listen ${channel}`);
      } catch (error) {
        await stop();
        throw error;
      }
      return stop;
    },
    async close() {
      closed = true;
      stopWaiting?.();
      await line?.then((open) => open.close()).catch(() => {});
    },
  };
}
