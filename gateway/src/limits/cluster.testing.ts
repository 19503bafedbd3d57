import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";

/** Redis Cluster on loopback, three masters and nothing else, in a temporary folder. */
export type TestCluster = AsyncDisposable & {
  readonly ports: readonly number[];
  readonly pids: readonly number[];
};

/** For `{ skip }`: why there can be no cluster. */
export function missingCluster(): string | false {
  const isInstalled = (process.env.PATH ?? "")
    .split(delimiter)
    .some((folder) => existsSync(join(folder, "redis-server")));
  return !isInstalled && "needs redis-server: apt-get install redis-server";
}

export async function startCluster(): Promise<TestCluster> {
  const home = mkdtempSync(join(tmpdir(), "tollgate-cluster-"));
  const children: ChildProcess[] = [];
  const killAll = (): void => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  };
  process.on("exit", killAll);
  const stop = async (): Promise<void> => {
    const ends = children.filter(({ exitCode }) => exitCode === null).map((child) => once(child, "exit"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ends);
    killAll();
    process.off("exit", killAll);
  };
  try {
    const all = await freePorts(6);
    const [ports, busPorts] = [all.slice(0, 3), all.slice(3)];
    for (const [i, port] of ports.entries()) children.push(startNode(home, port, busPorts[i]!));
    const nodes = await Promise.all(ports.map(connected));
    await Promise.all(nodes.map((node, i) => node.call("CLUSTER", "ADDSLOTSRANGE", ...slotsOf(i))));
    for (const [i, port] of ports.entries()) {
      await nodes[0]!.call("CLUSTER", "MEET", "127.0.0.1", port, busPorts[i]!);
    }
    await Promise.all(nodes.map(isWhole));
    for (const node of nodes) node.disconnect();
    return { ports, pids: children.map(({ pid }) => pid!), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startNode(home: string, port: number, busPort: number): ChildProcess {
  const settings = {
    bind: "127.0.0.1",
    port,
    dir: home,
    save: "",
    appendonly: "no",
    "cluster-enabled": "yes",
    "cluster-port": busPort,
    "cluster-config-file": `nodes-${port}.conf`,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return spawn("redis-server", args, { stdio: "ignore" });
}

const SLOTS = 16_384;

function slotsOf(node: number): readonly [first: number, last: number] {
  return [Math.ceil((node * SLOTS) / 3), Math.ceil(((node + 1) * SLOTS) / 3) - 1];
}

async function connected(port: number): Promise<Redis> {
  const redis = new Redis(port, "127.0.0.1", { retryStrategy: () => 50, maxRetriesPerRequest: 100 });
  redis.on("error", () => {});
  await redis.ping();
  return redis;
}

async function isWhole(node: Redis): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const told = String(await node.call("CLUSTER", "INFO"));
    if (told.includes("cluster_state:ok") && told.includes("cluster_known_nodes:3")) return;
    await pause(50);
  }
  throw new Error("The cluster did not form within 15 s");
}

/** Held together until all are found, so that none is given twice. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
